package lguest.cpu.x86.state;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Field;
import java.nio.ByteOrder;
import sun.misc.Unsafe;

/**
 * Loads and stores at absolute addresses: the processor's state block and, through the soft TLB, guest memory.
 *
 * <p>A confession: this is a hole in Java's memory safety, and the measured fastest one. A wild address kills the JVM, so an
 * address may come from two places only: a fixed offset into the state block, or the MMU, which has checked the page frame
 * against the size of guest memory. x86 is little-endian and so is every access here, whatever the machine below.
 *
 * <p>And another: single values go through {@link Unsafe} where it still works. The JVM's optimizing compiler makes the same of both, but a guest's whole life is often shorter than that compiler
 * takes, and its quick one makes one instruction of what Unsafe does and a dozen calls of what a memory segment does: page faults then take a quarter more, and translating a tenth. Without Unsafe everything
 * works.
 */
@SuppressWarnings("removal")
public final class Native {
  private static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
  private static final ValueLayout.OfByte I8 = ValueLayout.JAVA_BYTE;
  private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong I64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Null where there is none, or it may not be used, or it has another byte order. */
  private static final Unsafe UNSAFE = unsafe();

  private Native() {}

  private static Unsafe unsafe() {
    if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) return null;
    try {
      Field field = Unsafe.class.getDeclaredField("theUnsafe");
      field.setAccessible(true);
      Unsafe unsafe = (Unsafe) field.get(null);
      unsafe.freeMemory(unsafe.allocateMemory(8)); // throws when the JVM was told to deny it
      return unsafe;
    } catch (ReflectiveOperationException | RuntimeException | LinkageError e) {
      return null;
    }
  }

  /** Sign-extended, as all loads of less than 32 bits here: the lazy flags want sign-extended operands. */
  public static int get8(long address) {
    return UNSAFE != null ? UNSAFE.getByte(address) : ALL.get(I8, address);
  }

  public static int get16(long address) {
    return UNSAFE != null ? UNSAFE.getShort(address) : ALL.get(I16, address);
  }

  public static int get32(long address) {
    return UNSAFE != null ? UNSAFE.getInt(address) : ALL.get(I32, address);
  }

  public static long get64(long address) {
    return UNSAFE != null ? UNSAFE.getLong(address) : ALL.get(I64, address);
  }

  public static void set8(long address, int value) {
    if (UNSAFE != null) UNSAFE.putByte(address, (byte) value);
    else ALL.set(I8, address, (byte) value);
  }

  public static void set16(long address, int value) {
    if (UNSAFE != null) UNSAFE.putShort(address, (short) value);
    else ALL.set(I16, address, (short) value);
  }

  public static void set32(long address, int value) {
    if (UNSAFE != null) UNSAFE.putInt(address, value);
    else ALL.set(I32, address, value);
  }

  public static void set64(long address, long value) {
    if (UNSAFE != null) UNSAFE.putLong(address, value);
    else ALL.set(I64, address, value);
  }

  public static void copy(long from, long to, long bytes) {
    MemorySegment.copy(ALL, from, ALL, to, bytes);
  }

  public static void copy(long from, byte[] to, int at, int bytes) {
    MemorySegment.copy(ALL, I8, from, to, at, bytes);
  }

  public static void copy(byte[] from, int at, long to, int bytes) {
    MemorySegment.copy(from, at, ALL, I8, to, bytes);
  }

  public static void fill(long address, long bytes, int value) {
    ALL.asSlice(address, bytes).fill((byte) value);
  }
}
