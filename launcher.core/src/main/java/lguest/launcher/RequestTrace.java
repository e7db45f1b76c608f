package lguest.launcher;

import java.time.Duration;
import java.time.Instant;

/**
 * A request as it went through a slot.
 *
 * @param time when the guest sent it, or when the device took the buffer
 * @param channel the channel
 * @param sent true: the guest sent it, and the device read it; false: the guest offered it as a buffer, and the device filled it
 * @param length bytes there were to read or room to write in
 * @param first its first bytes, at most {@link #FIRST}: as sent, or as filled. None of a request that was sent before anybody looked
 * @param used bytes the device took or put in
 * @param latency from {@code time} to completion, waiting for a device included
 */
public record RequestTrace(Instant time, int channel, boolean sent, long length, byte[] first, long used, Duration latency) {
  public static final int FIRST = 16;
}
