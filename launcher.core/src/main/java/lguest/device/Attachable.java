package lguest.device;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.osgi.annotation.versioning.ConsumerType;

/** Implemented by a {@link Device} that carries a byte stream for a person or a program: a console, a serial line. */
@ConsumerType
public interface Attachable {
  /** Where output goes. */
  @ConsumerType
  interface Output {
    /** Takes all of {@code data}; may block, which in the end makes the guest wait. An exception detaches this output. */
    void write(ByteBuffer data) throws IOException;
  }

  /** One attached party. */
  @ConsumerType
  interface Attachment extends AutoCloseable {
    /**
     * Hands input to the guest, in order; blocks while the device's bounded queue is full. What has been taken is what the buffer's position has moved over; when the
     * attachment is closed meanwhile this returns and leaves the rest. One call is one read of the user's terminal (L42 counts those).
     */
    void input(ByteBuffer data) throws InterruptedException;

    /** No more input will come (L40b). */
    void endOfInput();

    /** Waits until all output so far has been written, then detaches. */
    @Override void close() throws InterruptedException;
  }

  /**
   * Attaches. {@code output} first gets the recent history when {@code replay} is set, then everything new. Several may be attached; each gets all output.
   */
  Attachment attach(Output output, boolean replay);
}
