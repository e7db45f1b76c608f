package lguest.cli;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** SIGKILL of lguest while its guest writes: every write that was done for the guest is there afterwards. {@code -Dlguest.kills=50} for more than a few. */
@Timeout(3600)
class PlugTest {
  private static final int SECTORS = 4096, WORDS = 512 / 4;
  /** What the pattern's multiplier is undone by. */
  private static final int MULTIPLIER = (int) 2654435761L, INVERSE = inverse(MULTIPLIER);
  @TempDir Path directory;

  private static int inverse(int odd) {
    int inverse = odd;
    for (int i = 0; i < 5; i++) inverse *= 2 - odd * inverse;
    return inverse;
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ",overlay=overlay"})
  void whatTheGuestWasToldIsWrittenIsThere(String options) throws Exception {
    long seed = System.nanoTime();
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    Lguest lguest = new Lguest(directory);
    Path disk = Files.write(directory.resolve("disk"), new byte[SECTORS * 512]);
    int[] newest = new int[SECTORS];
    int last = 0, kills = Integer.getInteger("lguest.kills", 3);
    for (int kill = 0; kill < kills; kill++) {
      int first = last;
      try (Session guest = new Session(lguest.lguest("--block=disk" + options, "32", Lguest.demo().toString()), 120)) {
        guest.await("demo# ");
        guest.type("disk 0 log " + first);
        guest.await("log " + first);
        guest.await("\n" + (first + 1 + random.nextInt(2000)) + " ");
        for (String line : guest.kill().split("\r?\n")) {
          String[] words = line.split(" ");
          if (words.length != 3 || !line.matches("[0-9 ]+")) continue;
          last = Integer.parseInt(words[0]);
          for (int i = 0; i < Integer.parseInt(words[2]); i++) newest[Integer.parseInt(words[1]) + i] = last;
        }
      }
      assertTrue(last > first, "nothing was written");
      last = Math.max(last, check(lguest, disk, options, newest, last, "kill " + kill + ", seed " + seed));
    }
    System.out.println(kills + " kills, " + last + " writes" + options);
  }

  /** Each sector holds the newest write the guest told of, or one newer still that it had no time to tell of. Returns the newest that is there. */
  private int check(Lguest lguest, Path disk, String options, int[] newest, int told, String what) throws Exception {
    ByteBuffer bytes = content(lguest, disk, options);
    int last = told;
    for (int sector = 0; sector < SECTORS; sector++) {
      int first = sector * WORDS, number = bytes.getInt(4 * first) * INVERSE ^ first;
      if (newest[sector] == 0 && bytes.getInt(4 * first) == 0 && bytes.getInt(4 * first + 4) == 0) continue;
      String where = what + ", sector " + sector + ": write " + number;
      assertTrue(number == newest[sector] || number > told && number < told + 5000, where + " is there instead of " + newest[sector]);
      for (int word = first; word < first + WORDS; word++) assertTrue(bytes.getInt(4 * word) == (number ^ word) * MULTIPLIER, where + " is there in part only");
      newest[sector] = number;
      last = Math.max(last, number);
    }
    return last;
  }

  /** What a guest that comes afterwards would find. */
  private ByteBuffer content(Lguest lguest, Path disk, String options) throws Exception {
    if (options.isEmpty()) return ByteBuffer.wrap(Files.readAllBytes(disk)).order(ByteOrder.LITTLE_ENDIAN);
    // Block by block, as the overlay's file is documented: a bit for each from 4096 on, and the blocks behind.
    ByteBuffer overlay = ByteBuffer.wrap(Files.readAllBytes(directory.resolve("overlay"))).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer all = ByteBuffer.wrap(Files.readAllBytes(disk)).order(ByteOrder.LITTLE_ENDIAN);
    int data = (int) overlay.getLong(32);
    for (int block = 0; block < SECTORS / 8; block++)
      if ((overlay.get(4096 + block / 8) >> block % 8 & 1) != 0) all.put(block * 4096, overlay, data + block * 4096, 4096);
    return all;
  }
}
