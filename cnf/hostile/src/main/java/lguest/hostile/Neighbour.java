package lguest.hostile;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import lguest.device.Attachable;
import lguest.launcher.Guest;
import lguest.launcher.GuestSpec;
import lguest.launcher.GuestSpec.DeviceSpec;
import lguest.launcher.Launcher;

/** The demo guest, living beside hostile ones on a network with them, and asked now and then how it is. */
final class Neighbour implements AutoCloseable {
  private static final long PATIENCE_MILLIS = 30_000;
  private final Journal journal = new Journal();
  private final Guest guest;
  private final Attachable.Attachment keyboard;
  private final StringBuilder text = new StringBuilder();
  private int asked;

  Neighbour(Launcher launcher, Path image, List<DeviceSpec> devices) throws Exception {
    guest = launcher.create(new GuestSpec("neighbour", 16L << 20, image, Optional.empty(), devices, "quiet"), journal);
    keyboard = guest.slots().getLast().attach(this::show, true).orElseThrow();
    guest.start();
    await("demo# ");
    ask("net 0 10.0.0.1; disk 0 write 5", "wrote");
  }

  private void show(ByteBuffer data) {
    synchronized (text) {
      text.append(StandardCharsets.ISO_8859_1.decode(data));
      text.notifyAll();
    }
  }

  private void await(String what) throws InterruptedException {
    long deadline = System.currentTimeMillis() + PATIENCE_MILLIS;
    synchronized (text) {
      for (int at; (at = text.indexOf(what)) < 0;) {
        long left = deadline - System.currentTimeMillis();
        Finding.unless(guest.end().isEmpty(), "the guest beside it has ended: %s", guest.end());
        Finding.unless(left > 0, "the guest beside it does not answer: %s", text);
        text.wait(left);
      }
      text.delete(0, text.indexOf(what) + what.length());
    }
  }

  /** Types a command, and waits for what it should say. */
  private void ask(String command, String answer) throws InterruptedException {
    String over = "over" + ++asked;
    keyboard.input(ByteBuffer.wrap((command + "; echo " + over + "\n").getBytes(StandardCharsets.ISO_8859_1)));
    await(over); // our own typing
    await(answer);
    await(over);
  }

  /** Whether it answers, has what it had on its disk, and nothing was logged of it. */
  void check() throws InterruptedException {
    ask("echo fine; disk 0 verify 5", "verified");
    journal.check();
  }

  @Override public void close() throws InterruptedException { guest.close(); }
}
