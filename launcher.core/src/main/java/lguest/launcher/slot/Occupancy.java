package lguest.launcher.slot;

import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import lguest.device.DeviceState;
import lguest.launcher.DeviceSlot.State;
import lguest.launcher.system.Descriptors;

/**
 * Tour 3.7: Who sits there
 *
 * <p>Providers come and go while guests run; this is what then happens in a slot.
 *
 * <pre>
 *         placed                          next: its provider leaves, another is chosen, it failed
 *  EMPTY ─────────▶ ACTIVE ───────────────────────────────────────────────────────────▶ DRAINING
 *    │                ▲                                                                     │
 *    │ vacant:        │ entered: opened, with the state of the last                         │ left: drained and closed,
 *    │ nobody         │                                                                     │ or left behind
 *    │ provides it    └───────────────────────── PARKED ◀───────────────────────────────────┘
 *    └──────────────────────────────────────────▶ ▲  │
 *                                                 └──┘ refused: it failed to open
 *
 *  any of them ── gone: the guest ends ──▶ GONE
 * </pre>
 *
 * <p>Nothing here takes time or calls anybody's code: each method is one arrow, taken under the lock. The {@link Exchange} does the work between two of them. Whose device should sit here is the
 * {@link Choice}'s to say.
 */
final class Occupancy {
  /** What has to be done now, for the right device to sit here. */
  sealed interface Step {
    record Leave(Occupant leaving) implements Step {}

    record Enter(Candidate coming, Optional<DeviceState> state) implements Step {}

    /** Nothing. */
    record Rest() implements Step {}
  }

  private final Choice choice;
  private final LongConsumer swapped;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  // All below under the lock.
  private State state = State.EMPTY;
  private String reason = "the guest is being made";
  /** Who sits here; in DRAINING, who leaves. */
  private Occupant occupant;
  /** Whose device is being opened. */
  private Candidate entering;
  /** What the last device left for the next, while there is none. */
  private Optional<DeviceState> saved = Optional.empty();
  /** Whether an {@link Exchange} is at work. */
  private boolean exchanging;
  /** When the last device began to leave; 0: there was none. */
  private long vacantSince;

  /** @param swapped told under the lock for how many nanoseconds there was no device, when there is one again */
  Occupancy(Choice choice, LongConsumer swapped) {
    this.choice = choice;
    this.swapped = swapped;
  }

  /** Does something with nobody coming or going meanwhile. */
  <T> T locked(Supplier<T> body) {
    lock.lock();
    try {
      return body.get();
    } finally {
      lock.unlock();
    }
  }

  /** {@link #locked}, and has those who {@link #await} look again. */
  <T> T changing(Supplier<T> body) {
    return locked(() -> {
      changed.signalAll();
      return body.get();
    });
  }

  State state() { return locked(() -> state); }

  /** Why it is not ACTIVE. */
  Optional<String> reason() { return locked(() -> state == State.ACTIVE ? Optional.<String>empty() : Optional.of(reason)); }

  /** {@link #locked} with the ACTIVE device, or nothing. */
  <T> Optional<T> active(Function<Occupant, T> body) { return locked(() -> state == State.ACTIVE ? Optional.ofNullable(body.apply(occupant)) : Optional.empty()); }

  boolean isOccupant(Occupant device) { return locked(() -> occupant == device); }

  // The arrows.

  /** EMPTY → ACTIVE: the slot's first device. */
  void placed(Occupant first) {
    changing(() -> {
      occupant = first;
      return state = State.ACTIVE;
    });
  }

  /** EMPTY → PARKED: nobody provides it yet. */
  void vacant() {
    changing(() -> {
      reason = choice.reason();
      return state = State.PARKED;
    });
  }

  /** ACTIVE → DRAINING if the wrong one sits here, and says what has to be done. After a rest, {@link #startExchange} allows another exchange to begin. */
  Step next() {
    return changing(() -> {
      Optional<Candidate> target = choice.target();
      Step step = new Step.Rest();
      if (state == State.ACTIVE && !target.map(occupant.candidate()::is).orElse(false)) {
        state = State.DRAINING;
        vacantSince = System.nanoTime();
        reason = target.isPresent() ? "'" + target.get().label() + "' takes over" : choice.reason();
        step = new Step.Leave(occupant);
      } else if (state == State.PARKED && target.isPresent()) {
        entering = target.get();
        step = new Step.Enter(entering, saved);
      } else if (state == State.PARKED) {
        reason = choice.reason();
      }
      exchanging = !(step instanceof Step.Rest);
      return step;
    });
  }

  /** Whether whoever asks is to begin an exchange: there is something to do, and nobody is at it. */
  boolean startExchange() {
    return locked(() -> {
      Optional<Candidate> target = choice.target();
      boolean wrong = switch (state) {
        case ACTIVE -> !target.map(occupant.candidate()::is).orElse(false);
        case PARKED -> target.isPresent();
        case EMPTY, DRAINING, GONE -> false;
      };
      if (state == State.PARKED && !wrong) reason = choice.reason();
      return wrong && !exchanging && (exchanging = true);
    });
  }

  /** Whether this provider's device should sit here. */
  boolean isWanted(Candidate candidate) { return locked(() -> state != State.GONE && choice.target().map(candidate::is).orElse(false)); }

  /** DRAINING → PARKED: the device is out; what it left is for the next. {@code vacated} runs under the lock. */
  void left(Optional<DeviceState> leaves, Runnable vacated) {
    changing(() -> {
      occupant = null;
      if (state == State.GONE) {
        leaves.ifPresent(Descriptors::close);
        return null;
      }
      saved = leaves;
      vacated.run();
      reason = choice.target().isPresent() ? "the next device is being opened" : choice.reason();
      return state = State.PARKED;
    });
  }

  /** PARKED → ACTIVE: the next device is open, with descriptors of its own. False when the guest has ended meanwhile, and it is not needed any more. */
  boolean entered(Occupant next) {
    return changing(() -> {
      entering = null;
      if (state == State.GONE) return false;
      saved.ifPresent(Descriptors::close);
      saved = Optional.empty();
      occupant = next;
      state = State.ACTIVE;
      if (vacantSince != 0) swapped.accept(System.nanoTime() - vacantSince);
      return true;
    });
  }

  /** PARKED → PARKED: it could not be opened. False when nobody wants it any more anyway: its provider has left meanwhile, and its bundle was torn down under it. */
  boolean refused(Candidate coming, String why) {
    return changing(() -> {
      entering = null;
      if (!choice.target().map(coming::is).orElse(false)) return false;
      choice.refuse(coming, why);
      reason = why;
      return true;
    });
  }

  /** A device has failed: from now on it is not who should sit here. False when it did not matter any more. */
  boolean failed(Occupant device, String why) {
    return locked(() -> {
      if (state != State.ACTIVE || occupant != device || !choice.target().map(device.candidate()::is).orElse(false)) return false;
      choice.refuse(device.candidate(), why);
      return true;
    });
  }

  /** Any → GONE. Returns the device there was to close; one that is just coming or going its exchange closes. {@code ended} runs under the lock. */
  Optional<Occupant> gone(Runnable ended) {
    return changing(() -> {
      Optional<Occupant> last = state == State.ACTIVE ? Optional.of(occupant) : Optional.empty();
      state = State.GONE;
      reason = "the guest has ended";
      saved.ifPresent(Descriptors::close);
      saved = Optional.empty();
      ended.run();
      return last;
    });
  }

  /** In GONE: the last device is closed. */
  void cleared() { changing(() -> occupant = null); }

  /** The exchange of devices itself has failed, by a fault of the Launcher: the slot stays parked, and is not tried again and again. */
  void broken(String why, Runnable vacated) {
    changing(() -> {
      choice.hold(why);
      entering = null;
      occupant = null;
      exchanging = false;
      if (state == State.GONE) return null;
      reason = why;
      vacated.run();
      return state = State.PARKED;
    });
  }

  // Waiting.

  /** Waits until no device of this provider sits here or is about to, at most until {@code deadline} ({@link System#nanoTime}). */
  boolean awaitWithout(Candidate candidate, long deadline) {
    return await(() -> (occupant == null || !occupant.candidate().is(candidate)) && (entering == null || !entering.is(candidate)), deadline);
  }

  boolean awaitNoExchange(long millis) { return await(() -> !exchanging, System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis)); }

  /** Waits until something under the lock is so. An interrupt of the caller waits until this is over. */
  boolean await(BooleanSupplier condition, long deadline) {
    boolean interrupted = false;
    lock.lock();
    try {
      while (!condition.getAsBoolean()) {
        long left = deadline - System.nanoTime();
        if (left <= 0) return false;
        try {
          changed.awaitNanos(left);
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      return true;
    } finally {
      lock.unlock();
      if (interrupted) Thread.currentThread().interrupt();
    }
  }
}
