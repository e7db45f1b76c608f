package lguest.device.block;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import lguest.device.DeviceException;

/**
 * A disk that is a base nobody writes to, and beside it a file of the blocks that are different. The file, all numbers little endian:
 *
 * <pre>
 *      0  8 bytes   magic "lguestOV"
 *      8  u32       version, 1
 *     12  u32       bytes in a block, 4096
 *     16  u64       bytes in the base
 *     24  u64       where the map begins, 4096
 *     32  u64       where the data begins: the next multiple of 4096 after the map
 *   4096  map       a bit per block, the lowest first: 1 if the block is here, 0 if it is the base's
 *   data  blocks    block n at data + n * 4096, whether it is here or not
 * </pre>
 *
 * What is not there is a hole, so a file system that knows holes keeps no more than was written. A block's data is written before its bit: whenever the
 * process is killed, each block is either the old one or the new one.
 */
final class OverlayDisk implements Disk {
  static final int BLOCK = 4096, VERSION = 1;
  private static final byte[] MAGIC = "lguestOV".getBytes(StandardCharsets.US_ASCII);
  private static final long MAP = 4096;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final DiskFile base, overlay;
  private final long size, data;
  /** The file's map, held here for as long as nobody else may write it. */
  private final MemorySegment map;
  private final MemorySegment block = Arena.ofAuto().allocate(BLOCK, BLOCK);

  /** Takes both files over; an empty overlay becomes one of this base. Both are locked already. */
  OverlayDisk(DiskFile base, DiskFile overlay, long size) throws DeviceException {
    this.base = base;
    this.overlay = overlay;
    this.size = size;
    long mapBytes = (blocks() + 7) / 8;
    data = MAP + (mapBytes + BLOCK - 1) / BLOCK * BLOCK;
    map = Arena.ofAuto().allocate(mapBytes, 8);
    try {
      if (overlay.size() == 0) create();
      else check();
    } catch (IOException e) {
      throw new DeviceException("cannot use " + overlay.name() + ": " + e.getMessage() + "; free some space or name another file", e);
    }
  }

  private long blocks() { return (size + BLOCK - 1) / BLOCK; }

  private long end() { return data + blocks() * BLOCK; }

  private MemorySegment header() {
    MemorySegment header = Arena.ofAuto().allocate(MAP, BLOCK).copyFrom(MemorySegment.ofArray(MAGIC));
    header.set(INT, 8, VERSION);
    header.set(INT, 12, BLOCK);
    header.set(LONG, 16, size);
    header.set(LONG, 24, MAP);
    header.set(LONG, 32, data);
    return header;
  }

  private void create() throws IOException {
    if (overlay.write(List.of(header()), 0) != MAP) throw new IOException("no space for its first page");
    overlay.truncate(end());
  }

  private void check() throws DeviceException, IOException {
    MemorySegment header = Arena.ofAuto().allocate(MAP, BLOCK);
    overlay.read(List.of(header), 0);
    if (header.asSlice(0, MAGIC.length).mismatch(MemorySegment.ofArray(MAGIC)) >= 0)
      throw new DeviceException(overlay.name() + " is not an overlay, so it is left as it is; name a new file or an overlay made here");
    if (header.get(INT, 8) != VERSION)
      throw new DeviceException("%s has version %d, this is version %d; use the program that wrote it".formatted(overlay.name(), Integer.toUnsignedLong(header.get(INT, 8)), VERSION));
    if (header.get(LONG, 16) != size)
      throw new DeviceException("%s was made for a disk of %d bytes, but %s has %d; name the disk it belongs to, or a new overlay".formatted(overlay.name(), header.get(LONG, 16), base.name(), size));
    boolean whole = header.mismatch(header()) < 0;
    // A creation that was cut short left a file without all its holes, which is no damage.
    if (whole && overlay.size() < end()) {
      long there = overlay.read(List.of(map), MAP);
      for (long i = Math.max((overlay.size() - data) / BLOCK, 0); i < blocks(); i++) whole &= !has(i);
      if (whole && there < map.byteSize()) map.asSlice(there).fill((byte) 0);
      if (whole) overlay.truncate(end());
    }
    if (!whole || overlay.read(List.of(map), MAP) != map.byteSize())
      throw new DeviceException(overlay.name() + " is damaged; name another overlay, or bring this one back from a copy");
  }

  @Override public String name() { return base.name() + " with " + overlay.name(); }

  @Override public List<DiskFile> files() { return List.of(base, overlay); }

  @Override public long size() { return size; }

  @Override public boolean isWritable() { return true; }

  private boolean has(long block) { return (map.get(JAVA_BYTE, block >> 3) >> (block & 7) & 1) != 0; }

  @Override public long read(List<MemorySegment> parts, long offset) throws IOException {
    long length = Math.min(Parts.length(parts), size - offset), done = 0;
    while (done < length) {
      long at = offset + done, run = run(at, offset + length);
      List<MemorySegment> slice = Parts.slice(parts, done, run);
      long got = has(at / BLOCK) ? overlay.read(slice, data + at) : base.read(slice, at);
      done += got;
      if (got < run) break;
    }
    return done;
  }

  @Override public boolean readNow(List<MemorySegment> parts, long offset) {
    long length = Math.min(Parts.length(parts), size - offset), done = 0;
    while (done < length) {
      long at = offset + done, run = run(at, offset + length);
      List<MemorySegment> slice = Parts.slice(parts, done, run);
      if (!(has(at / BLOCK) ? overlay.readNow(slice, data + at) : base.readNow(slice, at))) return false;
      done += run;
    }
    return true;
  }

  /** Only where nothing is new, for a new block takes reading the old one and writing the map. */
  @Override public boolean writeNow(List<MemorySegment> parts, long offset) throws IOException {
    long end = offset + Parts.length(parts);
    return has(offset / BLOCK) && run(offset, end) == end - offset && overlay.writeNow(parts, data + offset);
  }

  /** How many bytes from {@code at} on are all in the same file, at most up to {@code end}. */
  private long run(long at, long end) {
    boolean here = has(at / BLOCK);
    long next = (at / BLOCK + 1) * BLOCK;
    while (next < end && has(next / BLOCK) == here) next += BLOCK;
    return Math.min(next, end) - at;
  }

  @Override public long write(List<MemorySegment> parts, long offset) throws IOException {
    long length = Parts.length(parts), end = offset + length;
    if (length == 0) return 0;
    // The rest of blocks of which only a part is written comes from the base; the last block may be shorter than a block.
    if (offset % BLOCK != 0) copyUp(offset / BLOCK);
    if (end % BLOCK != 0 && end != size) copyUp(end / BLOCK);
    long done = overlay.write(parts, data + offset);
    if (done == length) mark(offset / BLOCK, (end - 1) / BLOCK);
    return done;
  }

  private void copyUp(long index) throws IOException {
    if (has(index)) return;
    long length = Math.min(BLOCK, size - index * BLOCK);
    block.fill((byte) 0);
    long got = base.read(List.of(block.asSlice(0, length)), index * BLOCK);
    if (got < length) throw new IOException("the disk below it ends at byte " + (index * BLOCK + got) + " by now");
    overlay.write(List.of(block), data + index * BLOCK);
    mark(index, index);
  }

  private void mark(long first, long last) throws IOException {
    boolean news = false;
    for (long i = first; i <= last; i++) news |= !has(i);
    if (!news) return;
    long from = first >> 3, to = (last >> 3) + 1;
    MemorySegment before = Arena.ofAuto().allocate(to - from).copyFrom(map.asSlice(from, to - from));
    for (long i = first; i <= last; i++) map.set(JAVA_BYTE, i >> 3, (byte) (map.get(JAVA_BYTE, i >> 3) | 1 << (i & 7)));
    try {
      if (overlay.write(List.of(map.asSlice(from, to - from)), MAP + from) != to - from) throw new IOException("its map could not be written");
    } catch (IOException e) {
      // In the file the blocks are still the base's, so they must be here.
      map.asSlice(from, to - from).copyFrom(before);
      throw e;
    }
  }

  @Override public void sync() throws IOException { overlay.sync(); }

  @Override public void close() {
    overlay.close();
    base.close();
  }
}
