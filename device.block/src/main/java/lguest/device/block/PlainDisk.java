package lguest.device.block;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** A disk that is one file, byte for byte. */
record PlainDisk(DiskFile file, long size, boolean isWritable) implements Disk {
  @Override public String name() { return file.name(); }

  @Override public List<DiskFile> files() { return List.of(file); }

  @Override public long read(List<MemorySegment> parts, long offset) throws IOException {
    return file.read(Parts.slice(parts, 0, size - offset), offset);
  }

  @Override public long write(List<MemorySegment> parts, long offset) throws IOException { return file.write(parts, offset); }

  @Override public boolean readNow(List<MemorySegment> parts, long offset) { return file.readNow(Parts.slice(parts, 0, size - offset), offset); }

  @Override public boolean writeNow(List<MemorySegment> parts, long offset) throws IOException { return file.writeNow(parts, offset); }

  @Override public void sync() throws IOException { if (isWritable) file.sync(); }

  @Override public void close() { file.close(); }
}
