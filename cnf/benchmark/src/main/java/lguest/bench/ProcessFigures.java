package lguest.bench;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Optional;

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
    for (int tries = 0; tries < 60 && share(1) > QUIET; tries++) { }
  }

  /** Resident bytes. */
  long resident() throws IOException {
    return Files.readAllLines(file("status")).stream().filter(line -> line.startsWith("VmRSS:")).findFirst()
        .map(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024).orElseThrow(() -> new Failure("process " + pid + " has ended"));
  }

  /**
   * Resident bytes of the memory of all its guests of one kernel. A guest's RAM is found by the kernel's first bytes, where its file wants them: whatever else the guest changes, it goes on to
   * need those. Empty when that is no ELF file, none is found, or the system does not tell which pages are resident.
   */
  Optional<Long> guestsResident(Path kernel, long ram) throws IOException {
    Optional<Segment> text = Segment.first(kernel);
    if (text.isEmpty()) return Optional.empty();
    long bytes = 0;
    try (RandomAccessFile map = new RandomAccessFile(file("pagemap").toFile(), "r"); RandomAccessFile memory = new RandomAccessFile(file("mem").toFile(), "r")) {
      for (String line : Files.readAllLines(file("maps"))) {
        String[] fields = line.split(" +");
        if (fields.length > 5 || !fields[1].equals("rw-p")) continue;
        String[] ends = fields[0].split("-");
        long start = Long.parseUnsignedLong(ends[0], 16), end = Long.parseUnsignedLong(ends[1], 16);
        if (end - start < ram) continue;
        BitSet resident = pages(map, start, end);
        for (long at = start; at + ram <= end; at += PAGE) {
          if (!resident.get((int) ((at - start + text.get().address()) / PAGE)) || !text.get().isAt(memory, at)) continue;
          int page = (int) ((at - start) / PAGE);
          bytes += (long) PAGE * resident.get(page, page + (int) (ram / PAGE)).cardinality();
          at += ram - PAGE;
        }
      }
    } catch (IOException e) {
      return Optional.empty();
    }
    return bytes == 0 ? Optional.empty() : Optional.of(bytes);
  }

  private static BitSet pages(RandomAccessFile map, long start, long end) throws IOException {
    byte[] entries = new byte[(int) ((end - start) / PAGE * 8)];
    map.seek(start / PAGE * 8);
    map.readFully(entries);
    ByteBuffer words = ByteBuffer.wrap(entries).order(ByteOrder.LITTLE_ENDIAN);
    BitSet resident = new BitSet();
    for (int page = 0; words.hasRemaining(); page++) resident.set(page, words.getLong() < 0); // bit 63: present
    return resident;
  }

  /** The beginning of what an ELF file wants at a physical address. */
  private record Segment(long address, byte[] bytes) {
    static Optional<Segment> first(Path file) throws IOException {
      ByteBuffer elf = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
      if (elf.getInt(0) != 0x464C457F) return Optional.empty();
      for (int i = 0, at = elf.getInt(28); i < elf.getShort(44); i++, at += elf.getShort(42)) {
        if (elf.getInt(at) != 1) continue;
        byte[] bytes = new byte[Math.min(512, elf.getInt(at + 16))];
        elf.get(elf.getInt(at + 4), bytes);
        return Optional.of(new Segment(elf.getInt(at + 12), bytes));
      }
      return Optional.empty();
    }

    /** Is it there in a guest's RAM that begins at {@code ram}? */
    boolean isAt(RandomAccessFile memory, long ram) throws IOException {
      byte[] there = new byte[bytes.length];
      memory.seek(ram + address);
      memory.readFully(there);
      return Arrays.equals(bytes, there);
    }
  }
}
