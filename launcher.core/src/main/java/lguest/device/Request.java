package lguest.device;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Guest memory handed to a device on a channel, to be completed exactly once: either a request the guest sent, whose parts the device
 * reads, or a buffer the guest has offered, whose parts the device fills. How the guest encoded it (a {@code struct lguest_dma} and a key, ABI §3.1) does not show.
 * All parts lie inside the guest's memory; their contents are the guest's and may change at any time. Any thread, one at a time.
 */
@ProviderType
public interface Request {
  /** The channel, 0-based, numbered within the device. */
  int channel();

  /** The parts in order, each a bounded view of guest memory; at most 16, none empty. */
  List<MemorySegment> parts();

  /** Bytes in all parts. */
  default long length() {
    long length = 0;
    for (MemorySegment part : parts()) length += part.byteSize();
    return length;
  }

  /**
   * Finishes it. For a sent request {@code length} is what the device took; for an offered buffer it is what the device put in, is told to the
   * guest after the data, and raises the device's interrupt. 0 is allowed. A second call is an
   * {@link IllegalStateException}, and so is one by a device that has been drained: what it had not finished went back to the slot.
   */
  void complete(long length);

  /**
   * Lets the guest run on before a sent request is complete, because its protocol tells completion some other way: the guest is told that 0 bytes were taken, now,
   * and {@link #complete} later writes nothing, since the guest has long reused the place. The parts stay valid. Without effect on an offered buffer.
   */
  void defer();
}
