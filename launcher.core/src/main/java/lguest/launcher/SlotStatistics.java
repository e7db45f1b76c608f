package lguest.launcher;

import java.time.Duration;

/**
 * A slot's figures since its guest was made.
 *
 * @param requests requests completed
 * @param buffers buffers filled
 * @param bytesOut bytes in completed requests, from the guest to the device
 * @param bytesIn bytes filled into buffers, from the device to the guest
 * @param latency of requests, from sending to completion, waiting for a device included
 * @param swaps how often a device has taken over from another, or from itself
 * @param pauses of these, for how long the slot had no device
 */
public record SlotStatistics(long requests, long buffers, long bytesOut, long bytesIn, Times latency, long swaps, Times pauses) {
  /** How times are spread. Median and 99th percentile are up to 3% too high; all are zero when nothing was measured. */
  public record Times(Duration median, Duration percentile99, Duration longest) {}
}
