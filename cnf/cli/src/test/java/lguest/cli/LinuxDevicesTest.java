package lguest.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Linux lives on our disks and talks over our networks: file systems made, filled, taken down and found whole again, also by the host's e2fsck; pings and transfers whose sums agree. The guests are
 * {@link LinuxTest}'s; the busybox must have mke2fs, tar, md5sum, nc, ping and ifconfig. Files of 200 MB on each of four disks by default; {@code -Dlguest.linux.megabytes} says otherwise.
 */
@EnabledIfEnvironmentVariable(named = "LGUEST_KERNEL", matches = ".+", disabledReason = "no Linux guest: set LGUEST_KERNEL and LGUEST_INITRD")
@EnabledIfEnvironmentVariable(named = "LGUEST_INITRD", matches = ".+", disabledReason = "no Linux guest: set LGUEST_KERNEL and LGUEST_INITRD")
@Timeout(4 * 3600)
class LinuxDevicesTest {
  private static final int MEGABYTES = Integer.getInteger("lguest.linux.megabytes", 200);
  private static final long PATIENCE = 3600;
  private static final int PORT = 6000;
  @TempDir Path directory;
  private Lguest lguest;

  @BeforeEach void prepare() throws Exception {
    assumeTrue(succeeds("e2fsck", "-V") && succeeds("tar", "--version"), "needs e2fsck and tar");
    lguest = new Lguest(directory);
  }

  /** Where somebody types for one guest and reads what it says: commands that end the moment a word of ours appears. */
  private interface Console extends AutoCloseable {
    void type(String line) throws Exception;

    String await(String wanted) throws Exception;

    /** The guest switches itself off: waits until it has. */
    void ended() throws Exception;

    @Override void close() throws Exception;
  }

  private List<String> words(String... options) {
    List<String> words = new ArrayList<>(List.of(options));
    words.addAll(List.of("--initrd=" + System.getenv("LGUEST_INITRD"), "64", System.getenv("LGUEST_KERNEL").split(":")[0]));
    words.addAll(Arrays.asList(System.getenv().getOrDefault("LGUEST_KERNEL_ARGUMENTS", "console=hvc0 rdinit=/init quiet").split(" ")));
    return words;
  }

  private ProcessBuilder command(LinuxTest.Engine engine, List<String> words) {
    ProcessBuilder builder = lguest.command(directory, words.toArray(String[]::new));
    builder.environment().put("LGUEST_JAVA_OPTS", "-Dlguest.cpu=" + engine);
    return builder;
  }

  /** A guest in a process of its own. */
  private Console alone(LinuxTest.Engine engine, List<String> before, String... options) throws Exception {
    List<String> command = new ArrayList<>(before);
    command.add(directory.resolve("lguest").toString());
    command.addAll(words(options));
    Session session = new Session(command(engine, command), PATIENCE);
    return new Console() {
      @Override public void type(String line) throws Exception { session.type(line); }

      @Override public String await(String wanted) throws Exception { return session.await(wanted); }

      @Override public void ended() throws Exception { session.ended(); }

      @Override public void close() throws Exception { session.close(); }
    };
  }

  /** Guests in one process: a prompt on a terminal, which is one guest's console at a time. */
  private final class Prompt {
    private static final String LEAVE = "\35", PROMPT = "lguest> ";
    private final Session session;
    private String shown;

    Prompt(LinuxTest.Engine engine) throws Exception {
      session = new Session(command(engine, List.of("/usr/bin/script", "-qfc", "stty rows 40 cols 200; ./lguest shell", "/dev/null")), PATIENCE);
      session.await(PROMPT);
    }

    private void show(String guest) throws Exception {
      if (Objects.equals(guest, shown)) return;
      if (shown != null) {
        session.press(LEAVE);
        session.await(PROMPT);
      }
      shown = guest;
      if (guest != null) session.press("console " + guest + "\r");
    }

    Console run(String name, String... options) throws Exception {
      show(null);
      session.press("run --name=" + name + " " + String.join(" ", words(options)) + "\r");
      session.await(name + " is running");
      session.await(PROMPT);
      return new Console() {
        @Override public void type(String line) throws Exception {
          show(name);
          session.type(line);
        }

        @Override public String await(String wanted) throws Exception {
          show(name);
          return session.await(wanted);
        }

        @Override public void ended() throws Exception {
          session.await(name + ": off");
          session.await(PROMPT);
          shown = null;
        }

        @Override public void close() {} // with the process
      };
    }

    void close() throws Exception {
      show(null);
      session.press("quit\r");
      session.ended();
    }
  }

  /** Of all guests, so that no answer is taken for another's. */
  private int commands;

  /** A Linux with a root shell on its console. */
  private final class Linux implements AutoCloseable {
    private final Console session;
    private int command;

    Linux(Console console) throws Exception {
      session = console;
      session.await("# ");
      run("while read a b c d; do case $d in lgb*) [ -b /dev/$d ] || mknod /dev/$d b $a $b;; esac; done < /proc/partitions; mkdir -p /a /b");
    }

    void start(String line) throws Exception {
      command = ++commands;
      // The line's echo does not contain what we wait for.
      session.type(line + "; echo E''ND" + command + "-$?-");
    }

    String finish() throws Exception {
      String said = session.await("END" + command + "-");
      assertEquals("0", session.await("-"), said);
      return said;
    }

    String run(String line) throws Exception {
      start(line);
      return finish();
    }

    void ping(String address) throws Exception {
      String said = run("ping -c 5 -s 1400 " + address);
      assertTrue(said.contains(" 0% packet loss"), said);
    }

    /** Ends it as users do. */
    void off() throws Exception {
      session.type("poweroff -f");
      session.ended();
    }

    @Override public void close() throws Exception { session.close(); }
  }

  private static boolean succeeds(String... command) throws Exception {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      process.getInputStream().readAllBytes();
      return process.waitFor() == 0;
    } catch (IOException e) {
      return false;
    }
  }

  private static String md5(Path file) throws Exception {
    try (InputStream in = Files.newInputStream(file)) {
      return md5(in);
    }
  }

  private static String md5(InputStream in) throws Exception {
    MessageDigest sum = MessageDigest.getInstance("MD5");
    byte[] piece = new byte[65536];
    for (int length; (length = in.read(piece)) >= 0;) sum.update(piece, 0, length);
    return HexFormat.of().formatHex(sum.digest());
  }

  /** Half in one file, half in files of all sizes, and their sums: an archive, which is laid raw on the second disk. Returns the sum of the big one. */
  private String makeFiles() throws Exception {
    long seed = System.nanoTime();
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    Path tree = Files.createDirectory(directory.resolve("tree"));
    StringBuilder sums = new StringBuilder();
    long left = (long) MEGABYTES << 20;
    for (int number = 0; left > 0; number++) {
      byte[] content = new byte[number == 0 ? MEGABYTES << 19 : (int) Math.min(left, Math.exp(9.5 + 1.6 * random.nextGaussian()))];
      random.nextBytes(content);
      Path file = tree.resolve(number == 0 ? "big" : "d" + number % 17 + "/e" + number % 5 + "/f" + number);
      Files.createDirectories(file.getParent());
      Files.write(file, content);
      sums.append(md5(file)).append("  ").append(tree.relativize(file)).append('\n');
      left -= Math.max(content.length, 1);
    }
    Files.writeString(tree.resolve("SUMS"), sums);
    assertTrue(succeeds("tar", "cf", directory.resolve("tree.tar").toString(), "-C", tree.toString(), "."));
    return md5(tree.resolve("big"));
  }

  private void makeDisk(String name, String content) throws Exception {
    if (!content.isEmpty()) Files.copy(directory.resolve(content), directory.resolve(name));
    assertTrue(succeeds("truncate", "-s", MEGABYTES * 14 / 10 + "M", directory.resolve(name).toString()));
  }

  private void check(String disk) throws Exception {
    Process process = new ProcessBuilder("e2fsck", "-f", "-n", directory.resolve(disk).toString()).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes());
    assertEquals(0, process.waitFor(), said);
  }

  private static final String FIND_NONE_BAD = "md5sum -c SUMS > /tmp/sums; grep -v ': OK$' /tmp/sums; cd /; ! grep -qv ': OK$' /tmp/sums && [ $(wc -l < /tmp/sums) -gt 10 ]";

  @ParameterizedTest
  @EnumSource
  void livesOnDisksAndTalksToItsNeighbourInAnotherProcess(LinuxTest.Engine engine) throws Exception {
    String big = makeFiles();
    String[][] options = makeDisks();
    try (Linux zero = new Linux(alone(engine, List.of(), options[0])); Linux one = new Linux(alone(engine, List.of(), options[1]))) {
      useEverything(big, zero, one);
    }
    assertAllIsThere(engine, options);
  }

  @ParameterizedTest
  @EnumSource
  void livesOnDisksAndTalksToItsNeighbourInOneProcess(LinuxTest.Engine engine) throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/script")), "needs script, of util-linux");
    String big = makeFiles();
    String[][] options = makeDisks();
    Prompt prompt = new Prompt(engine);
    try (Linux zero = new Linux(prompt.run("zero", options[0])); Linux one = new Linux(prompt.run("one", options[1]))) {
      useEverything(big, zero, one);
      prompt.close();
    } finally {
      prompt.session.close();
    }
    assertAllIsThere(engine, options);
  }

  /** Two for each of two guests; and what the guests are told of them and of the networks. */
  private String[][] makeDisks() throws Exception {
    String[][] options = new String[2][];
    for (int n = 0; n < 2; n++) {
      makeDisk(n + ".a", "");
      makeDisk(n + ".b", "tree.tar");
      options[n] = new String[] {"--block=" + n + ".a", "--block=" + n + ".b", "--sharenet=net.x", "--sharenet=net.y"};
    }
    return options;
  }

  private void useEverything(String big, Linux zero, Linux one) throws Exception {
    Linux[] both = {zero, one};
    for (Linux linux : both) linux.start("mke2fs /dev/lgba > /dev/null && mount -t ext2 /dev/lgba /a && cd /a && tar xf /dev/lgbb && cd / && umount /a && mount -t ext2 /dev/lgba /a");
    for (Linux linux : both) linux.finish();
    for (Linux linux : both) linux.start("cd /a && " + FIND_NONE_BAD);
    for (Linux linux : both) linux.finish();
    for (Linux linux : both) linux.start("mke2fs /dev/lgbb > /dev/null && mount -t ext2 /dev/lgbb /b && cd /a && tar cf - . | (cd /b && tar xf -) && cd / && umount /b && mount -t ext2 /dev/lgbb /b && cd /b && " + FIND_NONE_BAD);
    for (Linux linux : both) linux.finish();
    for (int n = 0; n < 2; n++) both[n].run("ifconfig eth0 10.0.0.%d netmask 255.255.255.0 up && ifconfig eth1 10.0.1.%1$d netmask 255.255.255.0 up".formatted(n + 1));
    for (int net = 0; net < 2; net++)
      for (int n = 0; n < 2; n++) {
        String other = "10.0." + net + "." + (2 - n);
        both[n].ping(other);
        both[1 - n].start("nc -l -p " + PORT + " < /dev/null | md5sum");
        TimeUnit.SECONDS.sleep(3);
        both[n].run("nc -w 10 " + other + " " + PORT + " < /a/big");
        String received = both[1 - n].finish();
        assertTrue(received.contains(big), received);
      }
    for (Linux linux : both) linux.run("umount /a && umount /b");
    for (Linux linux : both) linux.off();
  }

  /** Taken down, the disks are whole, and a new boot finds everything on them. */
  private void assertAllIsThere(LinuxTest.Engine engine, String[][] options) throws Exception {
    for (String disk : List.of("0.a", "0.b", "1.a", "1.b")) check(disk);
    for (int n = 0; n < 2; n++)
      try (Linux again = new Linux(alone(engine, List.of(), options[n]))) {
        again.run("mount -t ext2 /dev/lgba /a && cd /a && " + FIND_NONE_BAD);
        again.run("mount -t ext2 /dev/lgbb /b && cd /b && " + FIND_NONE_BAD);
        again.run("umount /a && umount /b");
        again.off();
      }
    for (String disk : List.of("0.a", "0.b", "1.a", "1.b")) check(disk);
  }

  @ParameterizedTest
  @EnumSource
  void talksToItsHostByAddressAndByBridge(LinuxTest.Engine engine) throws Exception {
    String big = makeFiles();
    makeDisk("disk", "tree.tar");
    Process holder = new ProcessBuilder("unshare", "-n", "sh", "-c",
      "ip link set lo up && ip link add br0 type bridge && ip addr add 192.168.20.1/24 dev br0 && ip link set br0 up && echo ready && exec sleep 100000").redirectErrorStream(true).start();
    try {
      String said = holder.inputReader().readLine();
      assumeTrue("ready".equals(said), "network namespaces with bridges are not permitted here: " + said);
      List<String> inside = List.of("nsenter", "-t", "" + holder.pid(), "-n", "--");
      try (Linux linux = new Linux(alone(engine, inside, "--block=disk", "--tunnet=192.168.19.1/24", "--tunnet=bridge:br0"))) {
        linux.run("ifconfig eth0 192.168.19.2 netmask 255.255.255.0 up && ifconfig eth1 192.168.20.2 netmask 255.255.255.0 up");
        for (String host : List.of("192.168.19.1", "192.168.20.1")) {
          linux.ping(host);
          List<String> command = new ArrayList<>(inside);
          command.addAll(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp", System.getProperty("java.class.path"), OnTheHost.class.getName(), host));
          Process server = new ProcessBuilder(command).redirectErrorStream(true).start();
          assertEquals("listening", server.inputReader().readLine());
          linux.run("tar xOf /dev/lgba ./big | nc -w 10 " + host + " " + PORT);
          assertEquals(big, server.inputReader().readLine());
          server.waitFor();
        }
        linux.off();
      }
    } finally {
      holder.destroyForcibly().waitFor();
    }
  }

  /** Takes what one guest sends, and says its sum. */
  static final class OnTheHost {
    public static void main(String[] arguments) throws Exception {
      try (ServerSocket server = new ServerSocket(PORT, 1, InetAddress.getByName(arguments[0]))) {
        System.out.println("listening");
        try (Socket guest = server.accept()) {
          System.out.println(md5(guest.getInputStream()));
        }
      }
    }
  }
}
