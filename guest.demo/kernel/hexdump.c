/* Looking: memory. */
#include "kernel.h"

/* Bytes and characters, 16 a line, the first line labelled so. */
int dump(u32 address, u32 bytes, u32 label) {
  for (u32 done = 0; done < bytes && !console_interrupted; done += 16) {
    u8 row[16];
    u32 n = bytes - done < 16 ? bytes - done : 16;
    for (u32 i = 0; i < n; i++)
      if (!probe_read(address + done + i, &row[i])) {
        print("%08x: not mapped\n", label + done + i);
        return 1;
      }
    print("%08x ", label + done);
    for (u32 i = 0; i < 16; i++) {
      if (i < n) print(" %02x", row[i]);
      else print("   ");
    }
    print("  ");
    for (u32 i = 0; i < n; i++) console_putc(row[i] >= 32 && row[i] < 127 ? (char)row[i] : '.');
    print("\n");
  }
  return 0;
}

int command_hexdump(int argc, char **argv) {
  u32 address, bytes = argv[0][0] == 'p' ? 4 : 64;
  if (argc < 2 || argc > 3 || !parse_number(argv[1], &address) || (argc == 3 && !parse_number(argv[2], &bytes))) {
    print("usage: %s <address> [bytes]\n", argv[0]);
    return 1;
  }
  if (address < PAGE_OFFSET && address >= memory_pages * PAGE_SIZE) {
    print("0x%x is beyond memory (0x%x)\n", address, memory_pages * PAGE_SIZE);
    return 1;
  }
  if (address < PAGE_OFFSET) address += PAGE_OFFSET;
  return dump(address, bytes, address);
}
