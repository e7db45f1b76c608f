package lguest.device.block;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** What a block device keeps its data on. One thread at a time; offsets and lengths in bytes, inside of {@link #size}. */
sealed interface Disk extends AutoCloseable permits PlainDisk, OverlayDisk {
  /** As messages call it: {@code disk 'root.img'}. */
  String name();

  /** The files it holds open. The first is the one the guest's data began as. */
  List<DiskFile> files();

  /** Bytes. Does not change, even when the file does. */
  long size();

  boolean isWritable();

  /** Fills {@code parts}; returns how many bytes there were: fewer when the file has got shorter. */
  long read(List<MemorySegment> parts, long offset) throws IOException;

  /** Stores {@code parts}; when it returns they survive the end of this process, whatever ends it. Returns how many bytes were taken. */
  long write(List<MemorySegment> parts, long offset) throws IOException;

  /** What was written survives the end of the machine. */
  void sync() throws IOException;

  @Override void close();
}
