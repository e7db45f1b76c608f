package lguest.shell.command;

import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import lguest.launcher.DeviceSlot;
import lguest.launcher.Guest;
import lguest.launcher.Launcher;
import lguest.launcher.ProviderInfo;

/** Guests and devices that have a name and little else. */
public final class Fakes {
  private Fakes() {}

  /** Answers each method with the value of its name; asked anything else, it fails. */
  public static <T> T of(Class<T> type, Map<String, Object> answers) {
    return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (proxy, method, arguments) -> {
      if (!answers.containsKey(method.getName())) throw new AssertionError("nobody expected " + method);
      return answers.get(method.getName());
    }));
  }

  /** A guest with devices of these types. */
  public static Guest guest(String name, String... types) {
    List<DeviceSlot> slots = IntStream.range(0, types.length).mapToObj(i -> of(DeviceSlot.class, Map.of("index", i, "type", types[i]))).toList();
    return of(Guest.class, Map.of("name", name, "slots", slots));
  }

  public static Launcher launcher(List<Guest> guests, ProviderInfo... providers) {
    return of(Launcher.class, Map.of("guests", guests, "providers", List.of(providers)));
  }
}
