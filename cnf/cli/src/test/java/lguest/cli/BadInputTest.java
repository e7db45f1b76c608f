package lguest.cli;

import static lguest.cli.Lguest.assertComplaint;
import static lguest.cli.Lguest.assertUsage;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Everything that can be wrong with what the user gives: its own line, status 1, nothing left behind. */
class BadInputTest {
  @TempDir static Path directory;
  static Lguest lguest;
  static Images images;

  @BeforeAll static void prepare() throws Exception {
    lguest = new Lguest(directory);
    images = new Images(directory);
  }

  private static Lguest.Result boot(Path image) throws Exception { return lguest.run("", "64", image.toString()); }

  private static Lguest.Result withMemory(String memory) throws Exception { return lguest.run("", memory, Lguest.demo().toString()); }

  private static Lguest.Result withInitrd(Path initrd) throws Exception {
    return lguest.run("", "--initrd=" + initrd, "16", Lguest.demo().toString());
  }

  @Test void tooFewWords() throws Exception {
    Lguest.Result none = lguest.run("");
    assertEquals(1, none.status());
    assertTrue(none.out().isEmpty() && none.err().startsWith("usage: lguest ") && none.err().lines().count() < 6, none::err);
    assertUsage(lguest.run("", "64"), "no image");
    assertUsage(lguest.run("", "--verbose"), "no memory size");
  }

  @Test void options() throws Exception {
    assertUsage(lguest.run("", "--frobnicate=1", "64", "x"), "unknown option --frobnicate");
    assertUsage(lguest.run("", "--scsi=disk", "64", "x"), "unknown option --scsi", "no installed device bundle offers it");
    assertUsage(lguest.run("", "--initrd=", "64", "x"), "--initrd needs a value");
    assertUsage(lguest.run("", "--verbose=yes", "64", "x"), "--verbose takes no value");
  }

  @Test void memory() throws Exception {
    for (String size : new String[] {"0", "-1", "abc", "64X", "1.5G", ""})
      assertUsage(withMemory(size), "'" + size + "' is not a positive number");
    for (String size : new String[] {"3", "3M", "512K"}) assertComplaint(withMemory(size), "'" + size + "' is too small", "at least 4M");
    for (String size : new String[] {"4096", "4G", "99999999999999999999"})
      assertComplaint(withMemory(size), "'" + size + "' is too large");
    assertComplaint(withMemory("5001K"), "'5001K' is not a whole number of pages");
  }

  @Test void filesThatAreNoImage() throws Exception {
    assertComplaint(boot(directory.resolve("nowhere")), "nowhere");
    assertComplaint(boot(directory), directory.toString());
    assertComplaint(boot(images.file("empty", new byte[0])), "empty");
    assertComplaint(boot(images.file("text", "#!/bin/sh\n".repeat(100).getBytes())), "text", "Could not find kernel in bzImage");
  }

  @Test void anImageOneMayNotRead() throws Exception {
    Path secret = images.file("secret", Files.readAllBytes(Lguest.demo()));
    Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("-w-------"));
    assumeFalse(Files.isReadable(secret), "root reads everything");
    assertComplaint(boot(secret), "secret");
  }

  @Test void elfImages() throws Exception {
    assertComplaint(boot(images.truncatedElf()), "short.elf");
    assertComplaint(boot(images.halfElf()), "half.elf");
    assertComplaint(boot(images.elf64()), "Malformed elf header");
    assertComplaint(boot(images.otherMachine()), "Malformed elf header");
    assertComplaint(boot(images.headersOutsideFile()), "headers");
    assertComplaint(boot(images.segmentOutsideFile()), "segment");
    assertComplaint(boot(images.segmentOutsideMemory()), "far");
    assertComplaint(boot(images.overlappingSegments()), "overlap");
    assertComplaint(boot(images.differentPageOffsets()), "Page offset of section");
  }

  @Test void compressedImages() throws Exception {
    byte[] noise = new byte[300_000];
    new Random(7).nextBytes(noise);
    assertComplaint(boot(images.compressed("early", noise, 200_000, -1)), "early");
    assertComplaint(boot(images.compressed("corrupt", noise, Integer.MAX_VALUE, 300_512 - 20)), "corrupt");
    assertComplaint(boot(images.compressed("magicless", new byte[300_000], Integer.MAX_VALUE, -1)), "could not determine page offset");
  }

  @Test void anImageWithoutTheMagic() throws Exception {
    byte[] image = Files.readAllBytes(Lguest.demo());
    String magic = "GenuineLguest";
    String text = new String(image, java.nio.charset.StandardCharsets.ISO_8859_1);
    for (int at = -1; (at = text.indexOf(magic, at + 1)) >= 0; ) image[at] = 'X';
    assertComplaint(boot(images.file("imposter", image)), "Is this image a genuine lguest?");
  }

  @Test void initialRamDisks() throws Exception {
    assertComplaint(withInitrd(directory.resolve("nowhere.img")), "nowhere.img");
    assertComplaint(withInitrd(directory), directory.toString());
    Path large = directory.resolve("large.img");
    try (RandomAccessFile file = new RandomAccessFile(large.toFile(), "rw")) { file.setLength(17 << 20); }
    assertComplaint(withInitrd(large), "large.img");
  }

  @Test void aCommandLineThatIsTooLong() throws Exception {
    assertComplaint(lguest.run("", "64", Lguest.demo().toString(), "x".repeat(2048)), "2047");
  }

  @Test void whatFollowsTheImageIsTheGuests() throws Exception {
    Lguest.Result result = lguest.run("cmdline\npoweroff\n", "64", Lguest.demo().toString(), "--frobnicate", "-v", "--block=x");
    assertEquals(0, result.status(), result::err);
    assertTrue(result.out().contains("--frobnicate -v --block=x"), result::out);
  }
}
