package lguest.shell.terminal;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Optional;
import lguest.device.Attachable;
import lguest.launcher.DeviceSlot;
import lguest.launcher.Guest;
import lguest.shell.words.CommandLine;
import lguest.shell.words.UserError;

/**
 * Tour 7.1: A byte typed starts its way
 *
 * <p>One guest on standard input and output, which may be a terminal, a pipe or a file. The terminal is told to keep its hands
 * off (raw), every read becomes one input of the console device exactly as it came, and what the guest prints goes out in
 * pieces as large as have gathered. At the end of input the terminal gets its manners back, and the guest goes on alone (L40b).
 */
public final class TerminalSession implements AutoCloseable {
  public static final int STDIN = 0;
  private static final int LARGEST_READ = 16 << 10;

  private final Guest guest;
  private final Optional<TerminalModes> terminal;
  private volatile boolean outputLost;
  private Attachable.Attachment attachment;

  private TerminalSession(Guest guest, Optional<TerminalModes> terminal) {
    this.guest = guest;
    this.terminal = terminal;
  }

  public static TerminalSession open(Guest guest) throws UserError {
    TerminalSession session = new TerminalSession(guest, TerminalModes.note(STDIN));
    session.terminal.ifPresent(TerminalModes::raw);
    try {
      session.attachment = console(guest, new StandardOutput(session::lose));
    } catch (UserError e) {
      session.terminal.ifPresent(TerminalModes::close);
      throw e;
    }
    Thread.ofPlatform().daemon().name("standard input").start(session::readInput);
    return session;
  }

  /** Attaches to a guest's console, history first. */
  static Attachable.Attachment console(Guest guest, Attachable.Output output) throws UserError {
    DeviceSlot console = guest.slots().stream().filter(slot -> slot.type().equals(CommandLine.CONSOLE)).findFirst()
        .orElseThrow(() -> UserError.of("guest '" + guest.name() + "' has no console"));
    return console.attach(output, true)
        .orElseThrow(() -> UserError.of("the console of guest '" + guest.name() + "' cannot be attached to: " + console.reason()
            .orElse("its device carries no byte stream")));
  }

  /** Whether the standard output was closed under us. The guest has been stopped then: nobody could see it. */
  public boolean outputLost() { return outputLost; }

  /** Waits until all output is written, then gives the terminal back. A second call does nothing. */
  @Override public void close() throws InterruptedException {
    try {
      attachment.close();
    } finally {
      terminal.ifPresent(TerminalModes::close);
    }
  }

  private void lose() {
    outputLost = true;
    // Elsewhere: stopping waits for the device, on whose thread we are.
    Thread.ofPlatform().daemon().name("stop " + guest.name()).start(guest::stop);
  }

  private void readInput() {
    byte[] buffer = new byte[LARGEST_READ];
    InputStream in = new FileInputStream(FileDescriptor.in);
    try {
      for (int length; (length = in.read(buffer)) > 0; ) attachment.input(ByteBuffer.wrap(buffer, 0, length));
    } catch (IOException e) {
      // A terminal that has gone away: the end of input like any other.
    } catch (InterruptedException e) {
      return;
    }
    terminal.ifPresent(TerminalModes::close);
    attachment.endOfInput();
  }
}
