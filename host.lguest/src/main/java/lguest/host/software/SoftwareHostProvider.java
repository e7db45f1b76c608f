package lguest.host.software;

import java.util.Arrays;
import java.util.Map;
import lguest.cpu.x86.Engine;
import lguest.host.Host;
import lguest.host.HostConfig;
import lguest.host.HostProvider;
import lguest.memory.GuestMemory;
import org.osgi.service.component.annotations.Component;

/**
 * Tour 4.1: /dev/lguest, a service
 *
 * <p>The door to this bundle.
 *
 * <p>lguest's Host was a kernel module, and opening its device file was how a Launcher got hold of it. Here it is a service,
 * and what guests of one machine shared in the kernel they share in this object: the clock that wakes them and the place where
 * their packets meet. It holds nothing else, so guests go on when the service is withdrawn.
 */
@Component
public final class SoftwareHostProvider implements HostProvider {
  /** The option that chooses an {@link Engine}, by its name in lower case. */
  private static final String CPU = "cpu";

  private final AlarmClock clock = new AlarmClock();
  private final DmaExchange exchange = new DmaExchange();

  @Override public String name() { return "software x86"; }

  @Override public Host open(HostConfig config) {
    check("page offset", config.pageOffset(), Integer.toUnsignedLong(PageTables.SWITCHER) - 1);
    check("start address", config.start(), 0xFFFF_FFFFL);
    check("guest number", config.guestId(), 0xFFFF);
    if (!config.memory().contains(config.pageDirectory(), GuestMemory.PAGE_SIZE))
      throw new IllegalArgumentException("page directory %#x lies outside guest memory".formatted(config.pageDirectory()));
    return new SoftwareHost(config, engine(config.options()), clock, exchange);
  }

  private static Engine engine(Map<String, String> options) {
    for (String option : options.keySet())
      if (!option.equals(CPU)) throw new IllegalArgumentException("it has no option '%s'; there is: %s".formatted(option, CPU));
    String wanted = options.get(CPU);
    if (wanted == null) return Engine.chosen();
    return Arrays.stream(Engine.values()).filter(engine -> engine.name().equalsIgnoreCase(wanted)).findFirst()
        .orElseThrow(() -> new IllegalArgumentException("there is no processor engine '%s'; %s can be interpret, translate or check".formatted(wanted, CPU)));
  }

  private static void check(String what, long value, long limit) {
    if (value < 0 || value > limit) throw new IllegalArgumentException("%s %#x is not between 0 and %#x".formatted(what, value, limit));
  }
}
