package lguest.launcher.boot;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import lguest.launcher.LaunchException;
import lguest.memory.GuestMemory;

/**
 * What a PC's boot loader tells a Linux kernel, in the "zero page" at physical 0, as far as lguest guests look (L15, L16, ABI §4.6): one stretch of RAM, where the
 * command line is, where the initrd is. All else stays zero.
 */
final class BootParameters {
  static final long ADDRESS = 0, COMMAND_LINE = 0x1000;
  /** The guest copies 2048 bytes, and the last is the terminating zero. */
  static final int MAX_COMMAND_LINE = 2047;

  private static final int E820_COUNT = 0x1E8, LOADER_TYPE = 0x210, INITRD_START = 0x218, INITRD_SIZE = 0x21C, COMMAND_LINE_POINTER = 0x228, SUBARCHITECTURE = 0x23C, E820_MAP = 0x2D0;
  private static final int LOADER_UNKNOWN = 0xFF, E820_RAM = 1, LGUEST = 1;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private BootParameters() {}

  /** The command line as the guest gets it, without the terminating zero. */
  static byte[] encode(String arguments) throws LaunchException {
    byte[] line = arguments.getBytes(StandardCharsets.UTF_8);
    if (line.length > MAX_COMMAND_LINE)
      throw new LaunchException("the kernel command line is %d bytes long; a guest takes %d, shorten the arguments after the image".formatted(line.length, MAX_COMMAND_LINE));
    if (arguments.indexOf('\0') >= 0) throw new LaunchException("the kernel command line holds a zero byte at character " + arguments.indexOf('\0') + ", where a guest would take it to end; leave it out");
    return line;
  }

  static void place(Placements places) throws LaunchException {
    places.take("the boot parameters", ADDRESS, GuestMemory.PAGE_SIZE);
    places.take("the kernel command line", COMMAND_LINE, MAX_COMMAND_LINE + 1);
  }

  static void write(GuestMemory memory, byte[] commandLine) {
    MemorySegment page = memory.view(ADDRESS, GuestMemory.PAGE_SIZE);
    page.set(ValueLayout.JAVA_BYTE, E820_COUNT, (byte) 1);
    page.set(LONG, E820_MAP, 0);
    page.set(LONG, E820_MAP + 8, memory.ram());
    page.set(INT, E820_MAP + 16, E820_RAM);
    page.set(INT, COMMAND_LINE_POINTER, (int) COMMAND_LINE);
    page.set(INT, SUBARCHITECTURE, LGUEST);
    memory.view(COMMAND_LINE, commandLine.length).copyFrom(MemorySegment.ofArray(commandLine));
  }

  static void writeInitrd(GuestMemory memory, long start, long size) {
    MemorySegment page = memory.view(ADDRESS, GuestMemory.PAGE_SIZE);
    page.set(ValueLayout.JAVA_BYTE, LOADER_TYPE, (byte) LOADER_UNKNOWN);
    page.set(INT, INITRD_START, (int) start);
    page.set(INT, INITRD_SIZE, (int) size);
  }
}
