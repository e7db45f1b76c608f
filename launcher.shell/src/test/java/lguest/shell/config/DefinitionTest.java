package lguest.shell.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lguest.launcher.GuestEnd;
import lguest.launcher.GuestSpec;
import lguest.launcher.GuestSpec.DeviceSpec;
import lguest.shell.words.DeviceOption;
import lguest.shell.words.UserError;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DefinitionTest {
  private static final List<DeviceOption> OFFERED = List.of(DeviceOption.of("block=<filename>", "block"), DeviceOption.of("rng", "random"));
  private static final DeviceSpec CONSOLE = new DeviceSpec("console", "");
  @TempDir Path directory;
  private Path image;

  @BeforeEach void prepare() throws Exception { image = Files.writeString(directory.resolve("vmlinux"), ""); }

  /** With memory and image where they are not given; a key without a value is taken out. */
  private Definition parse(Object... pairs) throws UserError {
    Map<String, Object> properties = new HashMap<>(Map.of("memory", "64", "image", image.toString(), "service.pid", "lguest.guest~web",
        "felix.fileinstall.filename", "file:/x"));
    for (int i = 0; i < pairs.length; i += 2) properties.put(pairs[i].toString(), pairs[i + 1]);
    properties.values().removeIf(""::equals);
    return Definition.parse("web", properties, OFFERED, () -> Path.of("/demo.elf"));
  }

  @Test void theLeastThereMustBe() throws Exception {
    assertEquals(new Definition(new GuestSpec("web", 64 << 20, image, Optional.empty(), List.of(CONSOLE), ""), true, Restart.NO), parse());
    assertEquals(new GuestSpec("web", 64 << 20, Path.of("/demo.elf"), Optional.empty(), List.of(CONSOLE), ""), parse("image", "demo", "memory", "").spec());
  }

  @Test void everything() throws Exception {
    Path initrd = Files.writeString(directory.resolve("initrd"), "");
    Definition definition = parse("name", "shop", "memory", "128M", "initrd", initrd.toString(), "arguments", "root=/dev/lgba  quiet", "cpu", "check",
        "devices", "block=\"my disk\",ro  rng\tblock=b device=gpu:fast", "start", "false", "restart", "on-failure");
    assertEquals(new GuestSpec("shop", 128 << 20, image, Optional.of(initrd), List.of(new DeviceSpec("block", "my disk,ro"), new DeviceSpec("random", ""),
        new DeviceSpec("block", "b"), new DeviceSpec("gpu", "fast"), CONSOLE), "root=/dev/lgba  quiet", Map.of("cpu", "check")), definition.spec());
    assertEquals(false, definition.start());
    assertEquals(Restart.ON_FAILURE, definition.restart());
  }

  @Test void valuesOfOtherTypesAreUnderstood() throws Exception {
    Definition definition = parse("memory", 64, "start", Boolean.FALSE, "devices", new String[] {"block=a b", "rng"});
    assertEquals(64 << 20, definition.spec().memory());
    assertEquals(List.of(new DeviceSpec("block", "a b"), new DeviceSpec("random", ""), CONSOLE), definition.spec().devices());
    assertEquals(List.of("random", "console"), parse("devices", List.of("rng")).spec().devices().stream().map(DeviceSpec::type).toList());
    assertEquals(List.of("console", "random"), parse("devices", "device=console rng").spec().devices().stream().map(DeviceSpec::type).toList(),
        "a console in its own place is not doubled");
  }

  @ParameterizedTest
  @CsvSource({"memory, 64Q, is not a positive number", "memory, 1, too small", "memory, '', is missing", "image, '', is missing", "image, /nowhere/x, there is no file /nowhere/x",
      "initrd, /nowhere/y, there is no file /nowhere/y", "name, a/b, cannot be a guest's name", "devices, scsi=x, 'scsi' asks for no device",
      "devices, block, needs a value", "devices, 'block=\"x', a quotation mark is missing", "start, yes, 'yes' is none of true", "restart, sometimes, 'sometimes' is none of no",
      "mem, 64, there is no such key"})
  void whatIsWrongIsNamedWithItsKey(String key, String value, String complaint) {
    String message = assertThrows(UserError.class, () -> parse(key, value)).getMessage();
    assertTrue(message.startsWith(key + ": ") && message.contains(complaint), message);
  }

  @Test void listsAreForDevicesOnly() {
    assertTrue(assertThrows(UserError.class, () -> parse("memory", new String[] {"64"})).getMessage().startsWith("memory: takes one value"));
  }

  @Test void formsAndReaderKnowTheSameKeys() {
    assertEquals(Definition.KEYS.stream().sorted().toList(), Arrays.stream(GuestFile.class.getDeclaredMethods()).map(method -> method.getName()).sorted().toList());
    for (String key : Definition.KEYS) assertTrue(ConfigurationHelp.text().contains("  " + key + "="), key);
  }

  @Test void onlyDevicesBehindTheOthersCanBeAdded() throws Exception {
    Definition before = parse("devices", "block=a");
    assertEquals(List.of(new DeviceSpec("random", "")), before.added(parse("devices", "block=a rng")));
    assertEquals(List.of(), before.added(parse("devices", "rng block=a")));
    assertEquals(List.of(), before.added(parse("devices", "block=b rng")));
    assertEquals(List.of(), before.added(parse("devices", "")));
    assertEquals(List.of(), before.added(parse("devices", "block=a rng", "memory", "65")));
    assertEquals(List.of("memory", "arguments", "devices", "cpu"), before.differences(parse("memory", "65", "arguments", "x", "cpu", "check")));
    assertEquals(List.of(), before.differences(parse("devices", "block=a", "restart", "always")));
  }

  @Test void aGuestThatWasStoppedStaysStopped() {
    List<String> again = new ArrayList<>();
    for (Restart restart : Restart.values())
      for (GuestEnd.Kind kind : GuestEnd.Kind.values()) if (restart.after(new GuestEnd(kind, "", 1))) again.add(restart.word() + " " + kind);
    assertEquals(List.of("on-failure DIED", "on-failure FAILED", "always POWER_OFF", "always DIED", "always FAILED"), again);
  }
}
