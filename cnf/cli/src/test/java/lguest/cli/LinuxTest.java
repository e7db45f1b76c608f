package lguest.cli;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A real guest: Linux 2.6.23 with lguest support and a busybox, neither of which can be part of this project. {@code LGUEST_KERNEL} (a vmlinux or a bzImage; several, separated
 * by colons) and {@code LGUEST_INITRD} name them; its init must give a root shell on the console. {@code LGUEST_KERNEL_ARGUMENTS} says what the kernel is to be told.
 */
@EnabledIfEnvironmentVariable(named = "LGUEST_KERNEL", matches = ".+", disabledReason = "no Linux guest: set LGUEST_KERNEL and LGUEST_INITRD")
@EnabledIfEnvironmentVariable(named = "LGUEST_INITRD", matches = ".+", disabledReason = "no Linux guest: set LGUEST_KERNEL and LGUEST_INITRD")
class LinuxTest {
  private static final int MEGABYTES = 10 << 20;
  @TempDir Path directory;
  Lguest lguest;

  /** How the processor runs it. */
  enum Engine { INTERPRET, TRANSLATE }

  @BeforeEach void prepare() throws Exception { lguest = new Lguest(directory); }

  @ParameterizedTest
  @EnumSource
  void bootsToAShellThatWorks(Engine engine) throws Exception {
    for (String kernel : System.getenv("LGUEST_KERNEL").split(":")) bootsToAShellThatWorks(engine, kernel);
  }

  private void bootsToAShellThatWorks(Engine engine, String kernel) throws Exception {
    String script = """
        ls -l / | grep -c " proc$"
        seq 1 100 | grep 7 | wc -l
        i=0; while [ $i -lt 100 ]; do /bin/true || echo failed; i=$((i+1)); done; echo forks=$i
        mkdir -p /big; mount -t tmpfs none /big; seq 1 2000000 | head -c %d > /big/f; md5sum < /big/f
        gzip -c /big/f > /big/f.gz; gunzip -c /big/f.gz | cmp - /big/f && echo same
        awk 'BEGIN { printf "%%.6f\\n", atan2(1, 1) * 4 }'
        poweroff -f
        """.formatted(MEGABYTES);
    List<String> arguments = new ArrayList<>(List.of("--stats", "--initrd=" + System.getenv("LGUEST_INITRD"), "64", kernel));
    arguments.addAll(Arrays.asList(System.getenv().getOrDefault("LGUEST_KERNEL_ARGUMENTS", "console=hvc0 rdinit=/init quiet").split(" ")));
    ProcessBuilder command = lguest.lguest(arguments.toArray(String[]::new));
    command.environment().put("LGUEST_JAVA_OPTS", "-Dlguest.cpu=" + engine);
    Lguest.Result result = lguest.finish(command.start(), script);
    System.out.println(kernel + ", " + engine + ": " + result.err().strip().lines().reduce((first, second) -> second).orElse(""));
    assertEquals(0, result.status(), result::toString);
    List<String> lines = result.out().lines().map(String::strip).toList();
    // In order, each on a line of its own; what was typed is echoed with a prompt in front.
    List<String> expected = List.of("1", "19", "forks=100", md5() + "  -", "same", "3.141593");
    int next = 0;
    for (String line : lines) if (next < expected.size() && line.equals(expected.get(next))) next++;
    int reached = next;
    assertTrue(reached == expected.size(), () -> "'" + expected.get(reached) + "' did not come:\n" + result.out());
  }

  /** Of what the guest computes it from. */
  private static String md5() throws Exception {
    StringBuilder text = new StringBuilder();
    for (int n = 1; text.length() < MEGABYTES; n++) text.append(n).append('\n');
    return HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(text.substring(0, MEGABYTES).getBytes(US_ASCII)));
  }
}
