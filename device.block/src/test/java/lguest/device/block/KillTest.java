package lguest.device.block;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** SIGKILL at any moment: every write that was acknowledged is there. {@code -Dlguest.kills=50} for more than a few. */
class KillTest {
  private static final int BLOCKS = 256, BLOCK = 4096;
  @TempDir Path folder;

  /** Rewrites random blocks with rising numbers and says each on its standard output once it is acknowledged. Begins behind {@code first}. */
  static final class Writer {
    public static void main(String[] args) throws Exception {
      Random random = new Random(Long.parseLong(args[1]));
      try (Guest guest = new Guest(new BlockProvider(), args[0])) {
        for (int number = Integer.parseInt(args[2]) + 1;; number++) {
          int block = random.nextInt(BLOCKS);
          guest.write(block * (BLOCK / 512), content(number));
          if (guest.result() == 1) System.out.println(block + " " + number);
        }
      }
    }
  }

  static byte[] content(int number) {
    byte[] content = new byte[BLOCK];
    new Random(number).nextBytes(content);
    ByteBuffer.wrap(content).putInt(number);
    return content;
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ",overlay=overlay"})
  void acknowledgedWritesSurvive(String options) throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    Path disk = folder.resolve("disk");
    byte[] mirror = new byte[BLOCKS * BLOCK];
    Files.write(disk, mirror);
    String argument = disk + options.replace("=", "=" + folder + "/");
    int last = 0;
    for (int kill = 0; kill < Integer.getInteger("lguest.kills", 2); kill++) {
      Process writer = new ProcessBuilder(ProcessHandle.current().info().command().orElseThrow(), "--enable-native-access=ALL-UNNAMED", "-XX:TieredStopAtLevel=1",
        "-cp", System.getProperty("java.class.path"), Writer.class.getName(), argument, "" + random.nextLong(), "" + last).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      int[] newest = new int[BLOCKS];
      try (BufferedReader acknowledged = writer.inputReader()) {
        int stop = last + 1 + random.nextInt(3000);
        for (String line; (line = acknowledged.readLine()) != null;) {
          String[] words = line.split(" ");
          if (words.length < 2) break;
          last = Integer.parseInt(words[1]);
          newest[Integer.parseInt(words[0])] = last;
          // Not by the process: that would throw away what it has said.
          if (last == stop) writer.toHandle().destroyForcibly();
        }
      } finally {
        writer.destroyForcibly().waitFor();
      }
      assertTrue(last > 0, "the writer wrote nothing");
      try (Guest guest = new Guest(new BlockProvider(), argument)) {
        byte[] now = OverlayDiskTest.all(guest, mirror.length);
        for (int block = 0; block < BLOCKS; block++) {
          byte[] there = Arrays.copyOfRange(now, block * BLOCK, (block + 1) * BLOCK);
          // What is newer may be there too: written, and killed before it could say so.
          int number = ByteBuffer.wrap(there).getInt();
          String what = "block " + block + " after kill " + kill + ", seed " + seed;
          if (newest[block] != 0 && number <= newest[block]) assertArrayEquals(content(newest[block]), there, what);
          else if (number > last) assertArrayEquals(content(number), there, what);
          else if (newest[block] == 0) assertArrayEquals(Arrays.copyOfRange(mirror, block * BLOCK, (block + 1) * BLOCK), there, what);
          last = Math.max(last, number);
        }
        mirror = now;
      }
    }
  }
}
