package lguest.shell.terminal;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import lguest.device.Attachable;

/**
 * A console's way to the process's standard output: large unbuffered writes, and word to somebody when nobody reads there any
 * more.
 */
final class StandardOutput implements Attachable.Output {
  // Not a channel: an interrupt would close it, and with it the standard output.
  private final FileOutputStream out = new FileOutputStream(FileDescriptor.out);
  private final Runnable lost;

  /** {@code lost} runs on the device's thread when a write fails; it must not wait. */
  StandardOutput(Runnable lost) { this.lost = lost; }

  /** One at a time: what an old console still has under way when it is exchanged comes before what the next one writes. */
  @Override public synchronized void write(ByteBuffer data) throws IOException {
    try {
      if (data.hasArray()) {
        out.write(data.array(), data.arrayOffset() + data.position(), data.remaining());
        data.position(data.limit());
      } else {
        byte[] copy = new byte[data.remaining()];
        data.get(copy);
        out.write(copy);
      }
    } catch (IOException e) {
      lost.run();
      throw e;
    }
  }
}
