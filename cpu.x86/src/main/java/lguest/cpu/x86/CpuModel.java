package lguest.cpu.x86;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * What CPUID answers (SDM vol. 2, CPUID). Only what the processor really does belongs into the feature words.
 *
 * @param vendor 12 ASCII characters, leaf 0
 * @param signature family, model and stepping, EAX of leaf 1
 * @param features EDX of leaf 1
 * @param moreFeatures ECX of leaf 1
 * @param lineSize bytes that CLFLUSH takes at a time, EBX of leaf 1
 * @param brand at most 47 ASCII characters, leaves 80000002..80000004
 */
public record CpuModel(String vendor, int signature, int features, int moreFeatures, int lineSize, String brand) {
  /** Bits of EDX of leaf 1 that a Host may have to take away: large pages, SYSENTER. */
  public static final int PSE = 1 << 3, SEP = 1 << 11;
  /**
   * EDX of leaf 1: x87, debug extensions, large pages, RDTSC, model-specific registers, CMPXCHG8B, SYSENTER, CMOV, CLFLUSH, MMX, FXSAVE,
   * SSE, SSE2. What else a Pentium 4 has would be untrue here: virtual 8086 extensions, physical addresses above 4 GiB, global pages,
   * machine check, memory types, an APIC.
   */
  private static final int FEATURES = 1 | 1 << 2 | PSE | 1 << 4 | 1 << 5 | 1 << 8 | SEP | 1 << 15 | 1 << 19 | 1 << 23 | 1 << 24
      | 1 << 25 | 1 << 26;

  public CpuModel {
    if (vendor.length() != 12) throw new IllegalArgumentException("CPU vendor must have 12 characters: " + vendor);
    if (brand.length() > 47) throw new IllegalArgumentException("CPU brand longer than 47 characters: " + brand);
  }

  /** Family 15, model 2, stepping 9: what compilers mean by pentium4. */
  public static CpuModel pentium4() {
    return new CpuModel("GenuineIntel", 0xF29, FEATURES, 0, 64, "lguest x86 processor in software");
  }

  /** The same without these bits of EDX of leaf 1: what the machine around the processor does not let a guest use. */
  public CpuModel without(int features) {
    return new CpuModel(vendor, signature, this.features & ~features, moreFeatures, lineSize, brand);
  }

  /** EAX, EBX, ECX, EDX for a leaf. Leaves beyond the highest give zeroes. */
  public int[] cpuid(int leaf) {
    return switch (leaf) {
      case 0 -> new int[] {1, word(vendor, 0), word(vendor, 8), word(vendor, 4)};
      case 1 -> new int[] {signature, lineSize / 8 << 8, moreFeatures, features};
      case 0x8000_0000 -> new int[] {0x8000_0004, 0, 0, 0};
      case 0x8000_0002, 0x8000_0003, 0x8000_0004 -> {
        int at = (leaf - 0x8000_0002) * 16;
        yield new int[] {word(brand, at), word(brand, at + 4), word(brand, at + 8), word(brand, at + 12)};
      }
      default -> new int[4];
    };
  }

  private static int word(String text, int at) {
    byte[] bytes = Arrays.copyOf(text.getBytes(StandardCharsets.US_ASCII), 48);
    return bytes[at] & 0xFF | (bytes[at + 1] & 0xFF) << 8 | (bytes[at + 2] & 0xFF) << 16 | bytes[at + 3] << 24;
  }
}
