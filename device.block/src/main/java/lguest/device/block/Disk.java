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

  /** {@link #read} if that takes no time, because all of it is in memory anyway. False: it may take time; {@code parts} may have been filled in part. */
  boolean readNow(List<MemorySegment> parts, long offset) throws IOException;

  /** {@link #write} if that takes no more time than copying, since it goes no further than memory. False: it may, and nothing was written. */
  boolean writeNow(List<MemorySegment> parts, long offset) throws IOException;

  /** What was written survives the end of the machine. Another thread may read and write meanwhile. */
  void sync() throws IOException;

  @Override void close();
}
