package lguest.shell.terminal;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import lguest.device.Attachable;
import lguest.launcher.Guest;
import lguest.shell.words.UserError;
import org.jline.terminal.Attributes;
import org.jline.terminal.Terminal;
import org.jline.utils.NonBlockingInputStream;
import org.jline.utils.NonBlockingReader;

/** A guest's console on the prompt's terminal, until the user types Ctrl-] or the guest ends. */
public final class ConsoleView {
  private static final byte LEAVE = 0x1d;
  private static final int LARGEST_READ = 4096;
  /** How often to look whether the guest has ended meanwhile. */
  private static final long LOOK_MILLIS = 100;

  private ConsoleView() {}

  public static void show(Guest guest, Terminal terminal) throws UserError, IOException, InterruptedException {
    OutputStream out = terminal.output();
    Attributes before = terminal.enterRawMode();
    try {
      Attributes raw = terminal.getAttributes();
      // JLine's raw mode leaves the signals on: ^C and ^Z are the guest's.
      raw.setLocalFlag(Attributes.LocalFlag.ISIG, false);
      raw.setControlChar(Attributes.ControlChar.VMIN, 1);
      raw.setControlChar(Attributes.ControlChar.VTIME, 0);
      terminal.setAttributes(raw);
      out.write(("[" + guest.name() + ": Ctrl-] leaves it running]\n").getBytes());
      out.flush();
      try (Attachable.Attachment attachment = TerminalSession.console(guest, data -> write(out, data))) {
        type(guest, (NonBlockingInputStream) terminal.input(), attachment);
      }
    } finally {
      terminal.setAttributes(before);
      out.write('\n');
      out.flush();
    }
  }

  private static void write(OutputStream out, ByteBuffer data) throws IOException {
    byte[] copy = new byte[data.remaining()];
    data.get(copy);
    synchronized (out) {
      out.write(copy);
      out.flush();
    }
  }

  /** Hands over what is typed, together what was typed together: a device may care (L42). */
  private static void type(Guest guest, NonBlockingInputStream in, Attachable.Attachment attachment) throws IOException,
      InterruptedException {
    ByteBuffer typed = ByteBuffer.allocate(LARGEST_READ);
    while (guest.state() != Guest.State.ENDED) {
      int first = in.read(LOOK_MILLIS);
      if (first == NonBlockingReader.READ_EXPIRED) continue;
      boolean leave = false;
      typed.clear();
      for (int next = first; ; next = in.read(1)) {
        leave = next == LEAVE || next == NonBlockingReader.EOF;
        if (leave || next < 0) break;
        typed.put((byte) next);
        if (!typed.hasRemaining()) break;
      }
      typed.flip();
      if (typed.hasRemaining()) attachment.input(typed);
      if (leave) return;
    }
  }
}
