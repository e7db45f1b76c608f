package lguest.shell.guest;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import lguest.launcher.Guest;
import lguest.launcher.GuestEnd;
import lguest.shell.command.Call;
import lguest.shell.command.Command;
import lguest.shell.command.Failure;
import lguest.shell.command.Guests;
import lguest.shell.command.Words;
import lguest.shell.command.Words.Kind;

public final class WaitCommand extends Command {
  /** As the command timeout of the GNU core utilities. */
  private static final int TIMED_OUT = 124;

  public WaitCommand() {
    super(Words.of("guest", "wait", "wait until a guest has ended, and tell how")
        .json().option("--timeout=<seconds>", Kind.OTHER, "give up after that")
        .word("[<guest>]", Kind.GUEST)
        .more("""
            The exit status is the guest's: 0 when it switched itself off, 1 when it died or was stopped, 2 after
            three ^C; and 124 when the time was up. ^C ends the wait, not the guest.""")
        .example("run --name=job 64 vmlinux; wait job --timeout=60", "in a script: 'lguest shell -c' exits with it"));
  }

  @Override public void run(Call call) throws Exception {
    Optional<Long> seconds = call.number("--timeout", 0);
    Guest guest = call.guest(0);
    GuestEnd end = seconds.isEmpty() ? guest.await() : await(guest, seconds.get()).orElse(null);
    if (end == null) {
      call.answer(Shown.json(guest), guest.name() + " is still " + Shown.state(guest) + " after " + seconds.get() + " s");
      throw new Failure(TIMED_OUT);
    }
    Map<String, Object> json = Shown.json(guest);
    json.put("end", Shown.json(end));
    call.answer(json, guest.name() + ": " + Guests.ending(end));
    if (end.status() != 0) throw new Failure(end.status());
  }

  private static Optional<GuestEnd> await(Guest guest, long seconds) throws InterruptedException {
    CompletableFuture<GuestEnd> ended = new CompletableFuture<>();
    Thread waiter = Thread.ofVirtual().start(() -> {
      try {
        ended.complete(guest.await());
      } catch (InterruptedException e) {
        // Nobody wants to know any more.
      }
    });
    try {
      return Optional.of(ended.get(seconds, TimeUnit.SECONDS));
    } catch (TimeoutException e) {
      return Optional.empty();
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    } finally {
      waiter.interrupt();
    }
  }
}
