/* Looking: counters and memory. */
#include "kernel.h"

static const char *const call_names[LHCALL_COUNT + 1] = {
  "FLUSH_ASYNC", "LGUEST_INIT", "CRASH", "LOAD_GDT", "NEW_PGTABLE", "FLUSH_TLB", "LOAD_IDT_ENTRY", "SET_STACK", "TS",
  "SET_CLOCKEVENT", "HALT", "(11)", "BIND_DMA", "SEND_DMA", "SET_PTE", "SET_PMD", "LOAD_TLS", "(other)",
};

int command_stat(int argc, char **argv) {
  (void)argc, (void)argv;
  print("hypercalls      direct     queued\n");
  for (u32 i = 0; i <= LHCALL_COUNT; i++)
    if (hypercalls_direct[i] || hypercalls_queued[i])
      print("  %-14s %6u %10u\n", call_names[i], hypercalls_direct[i], hypercalls_queued[i]);
  print("ring full %u times\ninterrupts", ring_full);
  for (u32 i = 0; i < LGUEST_IRQS; i++)
    if (irq_counts[i]) print("  %u: %u", i, irq_counts[i]);
  print("  unexpected: %u\ntraps\n", irq_spurious);
  for (u32 i = 0; i < ARRAY_LEN(trap_counts); i++)
    if (trap_counts[i]) print("  %2u %-21s %u\n", i, trap_name(i), trap_counts[i]);
  print("page faults  program %u  zero %u  copy-on-write %u  stale %u  kernel table %u  bad %u\n", faults_image, faults_zero,
        faults_cow, faults_stale, faults_vmap, faults_bad);
  print("system calls %u  switches %u  fpu saves %u\n", syscalls, context_switches, fpu_switches);
  print("console  in %u  out %u bytes in %u lists\n", console_bytes_in, console_bytes_out, console_sends);
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
  for (u32 done = 0; done < bytes && !console_interrupted; done += 16) {
    u8 row[16];
    u32 n = bytes - done < 16 ? bytes - done : 16;
    for (u32 i = 0; i < n; i++)
      if (!probe_read(address + done + i, &row[i])) {
        print("%08x: not mapped\n", address + done + i);
        return 1;
      }
    print("%08x ", address + done);
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
