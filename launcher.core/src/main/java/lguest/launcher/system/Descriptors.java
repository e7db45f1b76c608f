package lguest.launcher.system;

import java.util.HashMap;
import java.util.Map;
import lguest.device.DeviceState;

/** The file descriptors in a device's state. */
public final class Descriptors {
  private Descriptors() {}

  /** The same state with descriptors of its own: of the same open files, with their locks, to be closed by themselves. */
  public static DeviceState copy(DeviceState state) throws OsException {
    if (state.descriptors().isEmpty()) return state;
    Map<String, Object> values = new HashMap<>(state.values());
    Map<String, Object> copies = new HashMap<>();
    try {
      for (String name : state.descriptors()) {
        copies.put(name, (long) Libc.fcntl((int) (long) (Long) values.get(name), Libc.F_DUPFD_CLOEXEC, 0L));
      }
    } catch (Libc.Failure e) {
      close(new DeviceState(state.version(), copies, copies.keySet()));
      throw new OsException(e);
    }
    values.putAll(copies);
    return new DeviceState(state.version(), values, state.descriptors());
  }

  /** Closes them: nobody will need this state any more. */
  public static void close(DeviceState state) {
    for (String name : state.descriptors()) {
      try {
        Libc.close((int) (long) (Long) state.values().get(name));
      } catch (Libc.Failure e) {
        // It is closed all the same, or was none.
      }
    }
  }
}
