package lguest.hostile;

import java.util.regex.Pattern;

/** What guests may be ended with: the original's texts (ABI appendix C), the Launcher's (L32) and the disk's (L44). */
final class Reasons {
  /** %d: a number, %x: one in hexadecimal. */
  private static final Pattern KNOWN = Pattern.compile(String.join("|",
    "hypercall %d before LGUEST_INIT", "already have lguest_data", "bad guest page [0-9a-f]{8}", "Bad hypercall %d", "CRASH:.*",
    "bad read address %x", "bad write address %x", "bad read address %x len %d", "unhandled trap %d at %x \\(%x\\)",
    "bad stack segment %d", "bad stack pages %d", "bad stack page %x", "bad IDT type %d", "too many gdt entries %d",
    "bad page table entry", "bad page directory entry", "attempt to access switcher pages",
    "bad dma key %x", "bad sending DMA key", "bad registered DMA buffer", "bad DMA entry: %d@%x", "bad address in registered DMA struct",
    "Invalid address %x \\(%d bytes\\)", "Bad offset %d vs %d", "Block request didn't give us a dma buffer", "Write past end %d\\+%d")
    .replace("%d", "-?\\d+").replace("%x", "0x[0-9a-f]+"), Pattern.DOTALL);

  private Reasons() {}

  /** A reason without what the guest itself has put into it; a {@link Finding} when it is not known. */
  static String check(String reason) {
    String stripped = reason.strip();
    Finding.unless(KNOWN.matcher(stripped).matches(), "a guest was ended with a reason nobody knows: %s", reason);
    return stripped.startsWith("CRASH:") && !stripped.equals("CRASH: Power down") ? "CRASH" : stripped;
  }
}
