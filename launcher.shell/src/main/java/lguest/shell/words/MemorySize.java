package lguest.shell.words;

import java.math.BigInteger;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lguest.launcher.GuestSpec;
import lguest.memory.GuestMemory;

/** The memory size as users write it (L2): whole megabytes, or a number with K, M or G behind it. */
public final class MemorySize {
  private static final Pattern FORM = Pattern.compile("\\+?(\\d+)([KMG]?)(?:I?B)?");
  private static final long MIB = 1L << 20;
  /** Guest-physical addresses have 32 bits, and the device pages lie above the memory. */
  private static final long LIMIT = 4096 * MIB;

  private MemorySize() {}

  /** Bytes; whole pages, at least {@link GuestSpec#MIN_MEMORY}. */
  public static long parse(String text) throws UserError {
    Matcher form = FORM.matcher(text.toUpperCase(Locale.ROOT));
    if (!form.matches() || form.group(1).matches("0+"))
      throw UserError.withUsage("the memory size '" + text + "' is not a positive number: give megabytes such as 64, or 512K, 64M, 1G");
    int shift = switch (form.group(2)) {
      case "K" -> 10;
      case "G" -> 30;
      default -> 20;
    };
    BigInteger bytes = new BigInteger(form.group(1)).shiftLeft(shift);
    if (bytes.compareTo(BigInteger.valueOf(LIMIT)) >= 0)
      throw UserError.of("a memory of '" + text + "' is too large: a 32-bit guest needs less than 4G, with room for its devices above");
    long size = bytes.longValue();
    if (size < GuestSpec.MIN_MEMORY)
      throw UserError.of("a memory of '" + text + "' is too small: a guest needs at least " + GuestSpec.MIN_MEMORY / MIB + "M");
    if (size % GuestMemory.PAGE_SIZE != 0) throw UserError.of("a memory of '" + text + "' is not a whole number of pages of 4K");
    return size;
  }

  /** The same in the shortest words. */
  public static String format(long bytes) { 
    return bytes % (1L << 30) == 0 ? (bytes >> 30) + "G" : bytes % MIB == 0 ? bytes / MIB + "M" : (bytes >> 10) + "K";
  }
}
