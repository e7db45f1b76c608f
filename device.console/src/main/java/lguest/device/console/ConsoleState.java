package lguest.device.console;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import lguest.device.DeviceException;
import lguest.device.DeviceState;

/**
 * What one console leaves for the next, so that neither the guest nor the user notices the exchange.
 *
 * @param history the last output, for replay and for those who are behind
 * @param unwritten for each who was attached, oldest first: how many bytes at the end of the history are still to be written out
 * @param input typed but not yet read by the guest, in order
 * @param interrupts ^C so far in a row (L42)
 * @param firstInterrupt when the first of them came, {@link System#nanoTime}
 * @param taken bytes already taken of a request that is not complete; it will come again
 * @param endTold whether the end of input has been reported
 */
record ConsoleState(byte[] history, List<Integer> unwritten, byte[] input, long interrupts, long firstInterrupt, long taken,
    boolean endTold) {
  static final ConsoleState FRESH = new ConsoleState(new byte[0], List.of(), new byte[0], 0, 0, 0, false);
  private static final int VERSION = 1;

  static ConsoleState read(DeviceState state) throws DeviceException {
    if (state.version() != VERSION)
      throw new DeviceException("this console cannot take over from a console with state version " + state.version()
          + ", only from " + VERSION + ": install the version that was there");
    Map<String, Object> values = state.values();
    if (!values.keySet().containsAll(FRESH.write().values().keySet()))
      throw new DeviceException("what was left here is another console's; install that one again");
    List<Integer> unwritten = Arrays.stream(((String) values.get("unwritten")).split(" ")).filter(count -> !count.isEmpty())
        .map(Integer::valueOf).toList();
    return new ConsoleState((byte[]) values.get("history"), unwritten, (byte[]) values.get("input"),
        (Long) values.get("interrupts"), (Long) values.get("firstInterrupt"),
        (Long) values.get("taken"), (Boolean) values.get("endTold"));
  }

  DeviceState write() {
    String counts = unwritten.stream().map(String::valueOf).collect(Collectors.joining(" "));
    return new DeviceState(VERSION, Map.of("history", history, "unwritten", counts,
        "input", input, "interrupts", interrupts, "firstInterrupt", firstInterrupt, "taken", taken, "endTold", endTold));
  }
}
