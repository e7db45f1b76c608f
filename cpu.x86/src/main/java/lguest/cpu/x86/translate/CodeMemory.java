package lguest.cpu.x86.translate;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;
import java.util.Optional;

/**
 * Memory that machine code is written to and run from. The same pages of a memory file are mapped twice, once writable and once executable, so
 * that no page is ever both: hardened systems refuse such pages, and a stray write cannot become code by accident.
 *
 * <p>Offsets are in bytes from the start. Writing is the vCPU thread's alone.
 */
final class CodeMemory implements AutoCloseable {
  private static final int PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4, MAP_SHARED = 1, MADV_HUGEPAGE = 14;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

  private final MemorySegment writable;
  private final MemorySegment executable;

  private CodeMemory(MemorySegment writable, MemorySegment executable) {
    this.writable = writable;
    this.executable = executable;
  }

  /** Executable memory, or empty where the processor is another or the system does not permit it. {@code size} is a multiple of 2 MiB. */
  static Optional<CodeMemory> allocate(long size) {
    String arch = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
    if (!arch.equals("amd64") && !arch.equals("x86_64")) return Optional.empty();
    try {
      int file = (int) call("memfd_create", NAME.address(), 1 /* MFD_CLOEXEC */, 0, 0, 0, 0);
      if (file < 0) return Optional.empty();
      try {
        if ((int) call("ftruncate", file, size, 0, 0, 0, 0) != 0) return Optional.empty();
        MemorySegment writable = map(file, size, PROT_READ | PROT_WRITE);
        if (writable == null) return Optional.empty();
        MemorySegment executable = map(file, size, PROT_READ | PROT_EXEC);
        if (executable == null) {
          unmap(writable);
          return Optional.empty();
        }
        return Optional.of(new CodeMemory(writable, executable));
      } finally {
        int closed = (int) call("close", file, 0, 0, 0, 0, 0);
        assert closed == 0;
      }
    } catch (Throwable e) {
      // No such function, or no permission for native access: the same answer as a system that forbids executable memory.
      return Optional.empty();
    }
  }

  long size() { return writable.byteSize(); }

  /** Address at which the code at {@code offset} runs. */
  long address(int offset) { return executable.address() + offset; }

  int offset(long address) { return (int) (address - executable.address()); }

  void write(int offset, byte[] code, int length) {
    MemorySegment.copy(code, 0, writable, ValueLayout.JAVA_BYTE, offset, length);
  }

  /** Stores 32 bits, atomically where {@code offset} does not cross a cache line. x86 keeps instruction fetch coherent with it. */
  void patchInt(int offset, int value) { writable.set(INT, offset, value); }

  int readInt(int offset) { return writable.get(INT, offset); }

  @Override
  public void close() {
    unmap(writable);
    unmap(executable);
  }

  private static final MemorySegment NAME = Arena.global().allocateFrom("guest code");

  private static MemorySegment map(int file, long size, int protection) throws Throwable {
    long at = call("mmap", 0, size, protection, MAP_SHARED, file, 0);
    if (at == -1) return null;
    // Large pages spare the instruction TLB; that they are refused costs speed only.
    int advised = (int) call("madvise", at, size, MADV_HUGEPAGE, 0, 0, 0);
    assert advised <= 0;
    return MemorySegment.ofAddress(at).reinterpret(size);
  }

  private static void unmap(MemorySegment segment) {
    try {
      int result = (int) call("munmap", segment.address(), segment.byteSize(), 0, 0, 0, 0);
      if (result != 0) throw new IllegalStateException("munmap");
    } catch (Throwable e) {
      throw new IllegalStateException("cannot unmap code memory", e);
    }
  }

  /**
   * Calls a function of the C library. A trick: all are called as if they took six words and gave one back, which x86-64 Linux does not mind; each signature of its own would cost every start some milliseconds, in which Java makes code for it. Of a result of 32 bits the upper half is
   * anything.
   */
  private static long call(String name, long a, long b, long c, long d, long e, long f) throws Throwable {
    Linker linker = Linker.nativeLinker();
    ValueLayout.OfLong word = ValueLayout.JAVA_LONG;
    // As the Launcher has it, which spares making it again.
    MethodHandle function = linker.downcallHandle(FunctionDescriptor.of(word, word, word, word, word, word, word), Linker.Option.captureCallState("errno"));
    try (Arena arena = Arena.ofConfined()) {
      return (long) function.invokeExact(linker.defaultLookup().findOrThrow(name), arena.allocate(Linker.Option.captureStateLayout()), a, b, c, d, e, f);
    }
  }
}
