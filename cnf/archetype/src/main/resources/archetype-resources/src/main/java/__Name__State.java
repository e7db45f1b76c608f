package ${package};

import java.util.List;
import java.util.Map;
import lguest.device.DeviceException;
import lguest.device.DeviceState;

/**
 * What one ${artifactId} leaves for the next when its bundle is updated, as plain data.
 *
 * @param count requests answered so far
 * @param answers those the guest has not lent a buffer for yet
 */
record ${Name}State(long count, List<String> answers) {
  static final ${Name}State FRESH = new ${Name}State(0, List.of());
  private static final int VERSION = 1;
  private static final String COUNT = "count", ANSWERS = "answers", BETWEEN = "\0";

  static ${Name}State read(DeviceState state) throws DeviceException {
    if (state.version() != VERSION || !state.values().keySet().containsAll(List.of(COUNT, ANSWERS)))
      throw new DeviceException("this ${artifactId} does not know what was left here; install the version that was there again");
    String answers = (String) state.values().get(ANSWERS);
    return new ${Name}State((Long) state.values().get(COUNT), answers.isEmpty() ? List.of() : List.of(answers.split(BETWEEN)));
  }

  DeviceState write() { return new DeviceState(VERSION, Map.of(COUNT, count, ANSWERS, String.join(BETWEEN, answers))); }
}
