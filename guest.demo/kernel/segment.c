/*
 * Segments, as flat as segmentation allows: kernel code and data for ring 1, user code and data for ring 3, and three
 * entries that belong to the running thread (its TLS). The Host keeps a copy of the table, so a change counts only after
 * LOAD_GDT or LOAD_TLS; it raises every DPL 0 to 1 by itself (ABI 6.2).
 */
#include "kernel.h"

struct descriptor gdt[GDT_ENTRIES];

/* access: the byte with present, DPL, type; flags: granularity and size (0xC = 4 KiB units, 32 bit). */
struct descriptor make_descriptor(u32 base, u32 limit, u32 access, u32 flags) {
  return (struct descriptor){
    (limit & 0xFFFF) | base << 16,
    (base >> 16 & 0xFF) | access << 8 | (limit & 0xF0000) | flags << 20 | (base & 0xFF000000),
  };
}

void segment_init(void) {
  gdt[KERNEL_CS >> 3] = make_descriptor(0, 0xFFFFF, 0x9A, 0xC);
  gdt[KERNEL_DS >> 3] = make_descriptor(0, 0xFFFFF, 0x92, 0xC);
  gdt[USER_CS >> 3] = make_descriptor(0, 0xFFFFF, 0xFA, 0xC);
  gdt[USER_DS >> 3] = make_descriptor(0, 0xFFFFF, 0xF2, 0xC);
  load_gdt(gdt);
}

/* Kernel mode holds GS = FS = 0 (trap.S), so no loaded register can point at an entry that goes away. */
void load_tls(struct task *task) { load_tls_entries(task->tls); }
