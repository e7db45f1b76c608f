package lguest.bench;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/** What Linux tells of a running process: proc(5). */
record ProcessFigures(long pid) {
  private static final int PAGE = 4096, CLOCK_TICKS = 100;

  /** A process is quiet when it takes no more than this of a processor for a while. */
  private static final double QUIET = 0.05;

  private Path file(String name) { return Path.of("/proc/" + pid, name); }

  /** Seconds of processor time so far. */
  double cpu() throws IOException {
    String[] fields = Files.readString(file("stat")).replaceFirst(".*\\) ", "").split(" ");
    return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / (double) CLOCK_TICKS;
  }

  /** The share of a processor it takes while we watch. */
  double share(double seconds) throws IOException, InterruptedException {
    double before = cpu();
    long start = System.nanoTime();
    Thread.sleep((long) (seconds * 1000));
    return (cpu() - before) / ((System.nanoTime() - start) / 1e9);
  }

  /** Waits, within reason, until it has nothing to do. */
  void settle() throws IOException, InterruptedException {
    for (int tries = 0; tries < 60 && share(2) > QUIET; tries++) { }
  }

  /** Resident bytes. */
  long resident() throws IOException {
    return Files.readAllLines(file("status")).stream().filter(line -> line.startsWith("VmRSS:")).findFirst()
        .map(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024).orElseThrow(() -> new Failure("process " + pid + " has ended"));
  }

  /**
   * Resident bytes of the memory of all its guests of one kernel. A guest's RAM is found by the kernel, which is mapped into it from its file.
   * Empty when that is no ELF file, or the system does not tell which pages are resident.
   */
  Optional<Long> guestsResident(Path kernel, long ram) throws IOException {
    Optional<long[]> segment = firstSegment(kernel);
    if (segment.isEmpty()) return Optional.empty();
    TreeSet<Long> starts = new TreeSet<>();
    for (String line : Files.readAllLines(file("maps"))) {
      String[] fields = line.split(" +");
      if (fields.length < 6 || !fields[5].equals(kernel.toRealPath().toString())) continue;
      long address = Long.parseUnsignedLong(fields[0].split("-")[0], 16), offset = Long.parseLong(fields[2], 16);
      long into = offset - segment.get()[0];
      if (into >= 0 && into < segment.get()[2]) starts.add(address - segment.get()[1] - into);
    }
    long bytes = 0;
    for (long start : starts) {
      List<Long> resident = pages(start, ram);
      if (resident.isEmpty()) return Optional.empty();
      bytes += resident.get(0);
    }
    return starts.isEmpty() ? Optional.empty() : Optional.of(bytes);
  }

  /** One element: the resident bytes there. None when it is not told. */
  private List<Long> pages(long start, long length) throws IOException {
    try (RandomAccessFile map = new RandomAccessFile(file("pagemap").toFile(), "r")) {
      byte[] entries = new byte[(int) (length / PAGE * 8)];
      map.seek(start / PAGE * 8);
      map.readFully(entries);
      ByteBuffer words = ByteBuffer.wrap(entries).order(ByteOrder.LITTLE_ENDIAN);
      long resident = 0;
      while (words.hasRemaining()) if (words.getLong() < 0) resident += PAGE; // bit 63: present
      return List.of(resident);
    } catch (IOException e) {
      return List.of();
    }
  }

  /** Offset, physical address and size in the file of an ELF file's first segment to be loaded. */
  private static Optional<long[]> firstSegment(Path kernel) throws IOException {
    ByteBuffer elf = ByteBuffer.wrap(Files.readAllBytes(kernel)).order(ByteOrder.LITTLE_ENDIAN);
    if (elf.getInt(0) != 0x464C457F) return Optional.empty();
    for (int i = 0, at = elf.getInt(28); i < elf.getShort(44); i++, at += elf.getShort(42))
      if (elf.getInt(at) == 1) return Optional.of(new long[] {elf.getInt(at + 4), elf.getInt(at + 12), elf.getInt(at + 16)});
    return Optional.empty();
  }
}
