/* Looking: the counters. */
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
