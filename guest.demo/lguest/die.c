/*
 * Tour 2.17: How to die
 *
 * A guest ends by its own call, or because it asked the Host for something impossible. Each way of dying has its text in the
 * contract (ABI appendix C), and a Host is judged by them: these are the ways, on request.
 */
#include "kernel.h"

static void die_panic(void) { panic("died on request"); }
static void die_badcall(void) { hypercall(99, 0, 0, 0); }
static void die_badcall_async(void) {
  ring_enqueue(98, 0, 0, 0);
  hypercall(LHCALL_FLUSH_ASYNC, 0, 0, 0);
}
static void die_init(void) { hypercall(LHCALL_LGUEST_INIT, phys(&lguest_data), 0, 0); }
static void die_wilddma(void) { hypercall(LHCALL_SEND_DMA, LGUEST_CONSOLE_KEY, 0xFFFFF000, 0); }
static void die_wildsection(void) {
  static struct lguest_dma dma = {.addr = {0xFFFF0000}, .len = {4096}};
  hypercall(LHCALL_SEND_DMA, LGUEST_CONSOLE_KEY, phys(&dma), 0);
}
static void die_wildkey(void) {
  static struct lguest_dma dma;
  hypercall(LHCALL_SEND_DMA, 0xFFFFFFF0, phys(&dma), 0);
}
static void die_oddkey(void) {
  static struct lguest_dma dma;
  hypercall(LHCALL_BIND_DMA, 2, phys(&dma), 1 << 8 | 5);
}
static void die_trap(void) {
  clear_gate(6);
  __asm__ volatile("ud2");
}
static struct disk *a_disk(void) {
  if (!disk_count) panic("this way of dying takes a disk");
  return &disks[0];
}
static void die_diskoffset(void) {
  static struct lguest_dma dma;
  struct disk *d = a_disk();
  disk_ask(d, BLOCK_READ, d->sectors, SECTOR);
  hypercall(LHCALL_SEND_DMA, d->key, phys(&dma), 0);
}
static void die_diskreply(void) {
  static struct lguest_dma dma;
  struct disk *d = a_disk();
  hypercall(LHCALL_BIND_DMA, d->key, phys(&d->reply), 0);
  disk_ask(d, BLOCK_READ, 0, SECTOR);
  hypercall(LHCALL_SEND_DMA, d->key, phys(&dma), 0);
}
static void die_diskend(void) {
  static struct lguest_dma dma;
  struct disk *d = a_disk();
  dma_list(&dma, phys(d->buffer), 2 * SECTOR);
  disk_ask(d, BLOCK_WRITE, d->sectors - 1, 2 * SECTOR);
  hypercall(LHCALL_SEND_DMA, d->key, phys(&dma), 0);
}
static void die_netsection(void) {
  static u8 frame[2 * PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
  static struct lguest_dma dma;
  u32 key = net_neighbour_key();
  if (!key) panic("this way of dying takes a neighbour");
  dma.addr[0] = phys(frame) + PAGE_SIZE - 100;
  dma.len[0] = 200;
  hypercall(LHCALL_SEND_DMA, key, phys(&dma), 0);
}
static void die_gatetype(void) { hypercall(LHCALL_LOAD_IDT_ENTRY, 5, KERNEL_CS << 16, 0x8500); }

/* No stack to push a trap frame on: for a divide error the processor fails to push (and faults), for a page fault the Host. */
#define WITHOUT_STACK(code) \
  irq_disable(); \
  __asm__ volatile("xorl %%ecx, %%ecx\n\txorl %%edx, %%edx\n\tmovl %0, %%esp\n\t" code \
                   : : "r"(VMAP_END - PAGE_SIZE) : "ecx", "edx", "memory")

static void die_stack(void) { WITHOUT_STACK("divl %%ecx"); }
static void die_stackpush(void) { WITHOUT_STACK("movl (%%ecx), %%ecx"); }
static void die_badstack(void) { hypercall(LHCALL_SET_STACK, KERNEL_DS, VMAP_END - PAGE_SIZE, 1); }
static void die_stackring(void) { hypercall(LHCALL_SET_STACK, KERNEL_DS & ~3, (u32)current->stack + TASK_STACK, 2); }
static void die_stackpages(void) { hypercall(LHCALL_SET_STACK, KERNEL_DS, (u32)current->stack + TASK_STACK, 3); }
static void die_gdt(void) { hypercall(LHCALL_LOAD_GDT, phys(gdt), GDT_ENTRIES + 1, 0); }

static void die_pagetable(void) {
  kernel_map(VMAP_BASE, 0xFFFFF000 | PTE_KERNEL);
  *(volatile u32 *)VMAP_BASE = 1;
}
static void die_pagedir(void) {
  set_pmd(kernel_pgdir, VMAP_BASE >> 22, 0xFFFFF000 | PDE_TABLE);
  load_pgdir(kernel_pgdir);
  *(volatile u32 *)VMAP_BASE = 1;
}
static void die_nopagetable(void) {
  irq_disable();
  hypercall(LHCALL_NEW_PGTABLE, 0xFFFFF000, 0, 0);
}
static void die_loop(void) {
  irq_disable();
  for (;;) barrier();
}

static const struct { const char *name; void (*how)(void); const char *help; } ways[] = {
  {"panic", die_panic, "CRASH with a text"},
  {"badcall", die_badcall, "a hypercall number nobody knows"},
  {"badasync", die_badcall_async, "the same, through the ring"},
  {"init", die_init, "LGUEST_INIT a second time"},
  {"wilddma", die_wilddma, "SEND_DMA of a list outside memory"},
  {"wildsection", die_wildsection, "SEND_DMA of a section outside memory"},
  {"wildkey", die_wildkey, "SEND_DMA with a key outside memory"},
  {"oddkey", die_oddkey, "BIND_DMA with a key that is not a multiple of 4"},
  {"trap", die_trap, "a trap without a gate"},
  {"gatetype", die_gatetype, "a task gate"},
  {"stack", die_stack, "a divide error without a stack"},
  {"stackpush", die_stackpush, "a page fault without a stack"},
  {"badstack", die_badstack, "SET_STACK to an unmapped page"},
  {"stackring", die_stackring, "SET_STACK with a ring 0 selector"},
  {"stackpages", die_stackpages, "SET_STACK with three pages"},
  {"gdt", die_gdt, "LOAD_GDT with too many entries"},
  {"pagetable", die_pagetable, "a page-table entry pointing outside memory"},
  {"pagedir", die_pagedir, "a page-directory entry pointing outside memory"},
  {"nopagetable", die_nopagetable, "a page directory outside memory"},
  {"diskoffset", die_diskoffset, "a disk request behind the end"},
  {"diskreply", die_diskreply, "a disk request without a list for the answer"},
  {"diskend", die_diskend, "a disk write over the end"},
  {"netsection", die_netsection, "a frame to a neighbour with a section across a page border"},
  {"loop", die_loop, "interrupts off, forever"},
};

int command_die(int argc, char **argv) {
  for (u32 i = 0; i < ARRAY_LEN(ways) && argc == 2; i++)
    if (!strcmp(ways[i].name, argv[1])) {
      console_flush();
      ways[i].how();
      panic("survived `die %s`", argv[1]);
    }
  print("usage: die <how>\n");
  for (u32 i = 0; i < ARRAY_LEN(ways); i++) print("  %-11s %s\n", ways[i].name, ways[i].help);
  return 1;
}
