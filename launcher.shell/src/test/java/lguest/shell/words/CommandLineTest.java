package lguest.shell.words;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lguest.launcher.GuestSpec;
import lguest.launcher.GuestSpec.DeviceSpec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CommandLineTest {
  private static final List<DeviceOption> OFFERED = List.of(DeviceOption.of("disk=<filename>", "block"),
      DeviceOption.of("net=<ipaddr>", "tun"), DeviceOption.of("rng", "random"));
  private static final DeviceSpec CONSOLE = new DeviceSpec("console", "");

  private static CommandLine parse(String... arguments) throws UserError { return CommandLine.parse(List.of(arguments), OFFERED); }

  private static UserError refused(String... arguments) { return assertThrows(UserError.class, () -> parse(arguments).guest()); }

  @Test void devicesStandInTheOrderOfTheirOptionsAndTheConsoleLast() throws Exception {
    GuestSpec spec = parse("--disk=b", "--net=10.0.0.1", "--rng", "--disk=a", "64", "vmlinux").guest();
    assertEquals(List.of(new DeviceSpec("block", "b"), new DeviceSpec("tun", "10.0.0.1"), new DeviceSpec("random", ""),
        new DeviceSpec("block", "a"), CONSOLE), spec.devices());
  }

  @Test void whatFollowsTheImageBelongsToTheGuest() throws Exception {
    GuestSpec spec = parse("64", "vmlinux", "root=/dev/lgba", "--disk=x", "-v", "--", "demo").guest();
    assertEquals("root=/dev/lgba --disk=x -v -- demo", spec.arguments());
    assertEquals(List.of(CONSOLE), spec.devices());
    assertEquals(Path.of("vmlinux"), spec.image());
    assertEquals(64L << 20, spec.memory());
  }

  @Test void optionsMayStandBetweenMemoryAndImageAndEndAtTwoDashes() throws Exception {
    CommandLine line = parse("64", "-v", "--initrd", "rd", "--", "-v", "x");
    assertTrue(line.verbose());
    assertEquals(Optional.of(Path.of("rd")), line.initrd());
    assertEquals(List.of("64", "-v", "x"), line.words());
  }

  @Test void theDemoStandsForMemoryAndImage() throws Exception {
    CommandLine line = parse("--disk=d", "demo", "--rng", "quiet");
    assertTrue(line.isDemo());
    GuestSpec spec = line.demo(Path.of("demo.elf"));
    assertEquals("--rng quiet", spec.arguments());
    assertEquals(List.of(new DeviceSpec("block", "d"), CONSOLE), spec.devices());
    assertFalse(parse("64", "demo").isDemo(), "an image may have that name");
  }

  @Test void aDeviceOfAnyTypeAndHostOptions() throws Exception {
    GuestSpec spec = parse("--device=gpu:a:b", "--cpu=check", "--device", "lamp", "64", "x").guest();
    assertEquals(List.of(new DeviceSpec("gpu", "a:b"), new DeviceSpec("lamp", ""), CONSOLE), spec.devices());
    assertEquals(Map.of("cpu", "check"), spec.host());
    assertTrue(refused("--device=:x", "64", "x").getMessage().contains("'' is no device type"));
    assertTrue(refused("--device=Disk", "64", "x").getMessage().contains("'Disk' is no device type"));
  }

  @Test void namesCanBeTypedWithoutQuotesAndAreNoPaths() throws Exception {
    assertEquals("web-1.a_B", parse("--name=web-1.a_B", "64", "x").guest().name());
    for (String name : List.of("a/b", "-x", "a b", "", "a\n"))
      assertTrue(assertThrows(UserError.class, () -> CommandLine.name(name)).getMessage().contains("cannot be a guest's name"), name);
  }

  @Test void devicesAreWrittenWithoutDashesWhereThereIsNoCommandLine() throws Exception {
    assertEquals(new DeviceSpec("block", "a,ro"), DeviceOption.parse("disk=a,ro", OFFERED));
    assertEquals(new DeviceSpec("random", ""), DeviceOption.parse("rng", OFFERED));
    assertEquals(new DeviceSpec("gpu", "x=1"), DeviceOption.parse("device=gpu:x=1", OFFERED));
    for (String wrong : List.of("disk", "disk=", "rng=1", "scsi=x", "device"))
      assertTrue(assertThrows(UserError.class, () -> DeviceOption.parse(wrong, OFFERED)).getMessage().contains("'" + wrong.replaceFirst("=.*", "") + "'"), wrong);
  }

  @Test void everyComplaintNamesItsCause() {
    assertTrue(refused("--frob=1", "64", "x").getMessage().contains("--frob"));
    assertTrue(refused("-x", "64", "x").getMessage().contains("-x"));
    assertTrue(refused("--disk").getMessage().contains("--disk needs a value"));
    assertTrue(refused("--disk=", "64", "x").getMessage().contains("--disk needs a value"));
    assertTrue(refused("--rng=7", "64", "x").getMessage().contains("--rng takes no value"));
    assertTrue(refused().getMessage().contains("no memory size"));
    assertTrue(refused("64").getMessage().contains("no image"));
    assertTrue(refused("64", "a\0b").getMessage().contains("a?b"));
    assertTrue(refused("--frob").usage() && refused("64").usage());
  }

  @Test void usageShowsWhatIsInstalled() {
    assertTrue(CommandLine.usage(OFFERED).startsWith("usage: lguest [--verbose|-v] [--stats] [--cpu=<engine>] "
        + "[--disk=<filename>|--net=<ipaddr>|--rng|--device=<type>[:<options>]|--initrd=<filename>]... <mem> <image> [kernel arguments]\n"));
    assertFalse(CommandLine.usage(List.of()).contains("disk"));
  }

  @ParameterizedTest
  @CsvSource({"64, 67108864", "+64, 67108864", "64M, 67108864", "64m, 67108864", "64MiB, 67108864", "1G, 1073741824",
      "8192K, 8388608", "4, 4194304", "4100K, 4198400", "4095, 4293918720"})
  void memorySizes(String text, long bytes) throws Exception { assertEquals(bytes, MemorySize.parse(text)); }

  @ParameterizedTest
  @ValueSource(strings = {"0", "000M", "-1", "abc", "", "64X", "1.5G", "0x40", "64 M", "M", "٤"})
  void whatIsNoPositiveNumber(String text) {
    UserError refused = assertThrows(UserError.class, () -> MemorySize.parse(text));
    assertTrue(refused.getMessage().contains("'" + text + "' is not a positive number"), refused.getMessage());
  }

  @ParameterizedTest
  @CsvSource({"3, too small", "4095K, too small", "4G, too large", "4096, too large", "18446744073709551617, too large",
      "5001K, whole number of pages"})
  void whatNoGuestCanHave(String text, String why) {
    UserError refused = assertThrows(UserError.class, () -> MemorySize.parse(text));
    assertTrue(refused.getMessage().contains("'" + text + "'") && refused.getMessage().contains(why), refused.getMessage());
  }

  @ParameterizedTest
  @CsvSource({"67108864, 64M", "2147483648, 2G", "4198400, 4100K"})
  void sizesAreShownShort(long bytes, String text) { assertEquals(text, MemorySize.format(bytes)); }
}
