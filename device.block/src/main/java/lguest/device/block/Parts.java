package lguest.device.block;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Scattered memory taken as one: the parts of a request. */
final class Parts {
  private Parts() {}

  static long length(List<MemorySegment> parts) {
    long length = 0;
    for (int i = 0; i < parts.size(); i++) length += parts.get(i).byteSize();
    return length;
  }

  /** {@code length} bytes from byte {@code from} on, or as many as there are. */
  static List<MemorySegment> slice(List<MemorySegment> parts, long from, long length) {
    if (from == 0 && length >= length(parts)) return parts;
    List<MemorySegment> slices = new ArrayList<>();
    for (MemorySegment part : parts) {
      long size = part.byteSize();
      if (from < size && length > 0) {
        MemorySegment slice = part.asSlice(from, Math.min(size - from, length));
        slices.add(slice);
        length -= slice.byteSize();
      }
      from = Math.max(from - size, 0);
    }
    return slices;
  }
}
