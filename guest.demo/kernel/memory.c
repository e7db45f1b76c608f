/*
 * Tour 2.7: Page frames and page tables of our own
 *
 * We arrive on page tables the Launcher made at the top of memory. They serve until we have built our own: the same linear
 * map, one 4 KiB page after another (the Host knows no large ones), plus a window for device pages. From then on every
 * change is made twice: in our memory, where we read it, and as a hypercall, so that the Host drops what it had derived from
 * the old value.
 */
#include "kernel.h"

extern char __kernel_end[];

u32 memory_bytes, boot_tables, boot_tables_end, memory_pages, pages_free;
u32 *kernel_pgdir, current_pgdir;
static u32 *refs; /* users of each page frame; 0 = free */
static u32 cursor;
static u32 fixmap_next = FIXMAP_BASE;
#define LOW_MEMORY_LIMIT (VMAP_BASE - PAGE_OFFSET)

/* First fit from where the last search ended; frames come zeroed. */
void *pages_try_alloc(u32 n) {
  u32 flags = irq_save(), run = 0;
  u8 *found = NULL;
  for (u32 tried = 0; tried < memory_pages + n && !found; tried++) {
    if (cursor >= memory_pages) cursor = run = 0;
    run = refs[cursor++] ? 0 : run + 1;
    if (run == n) found = virt((cursor - n) * PAGE_SIZE);
  }
  if (found) {
    for (u32 i = 0; i < n; i++) refs[phys(found) / PAGE_SIZE + i] = 1;
    pages_free -= n;
  }
  irq_restore(flags);
  return found ? memset(found, 0, n * PAGE_SIZE) : NULL;
}

void *pages_alloc(u32 n) {
  void *pages = pages_try_alloc(n);
  if (!pages) panic("out of memory");
  return pages;
}

void page_ref(u32 physical) { refs[physical / PAGE_SIZE]++; }
u32 page_refs(u32 physical) { return refs[physical / PAGE_SIZE]; }

void page_unref(u32 physical) {
  if (--refs[physical / PAGE_SIZE] == 0) pages_free++;
}

/* One entry, in memory and at the Host (ABI 7.4). Kernel addresses count for every directory. */
void set_pte(u32 *pgdir, u32 address, u32 *slot, u32 pte) {
  *slot = pte;
  pte_changed(phys(pgdir), address, pte);
}

void set_pmd(u32 *pgdir, u32 index, u32 pde) {
  pgdir[index] = pde;
  pmd_changed(phys(pgdir), index);
}

void load_pgdir(u32 *pgdir) {
  if (current_pgdir == phys(pgdir)) return;
  current_pgdir = phys(pgdir);
  load_page_directory(current_pgdir);
}

/* The entry for a kernel address, in the master directory. Other directories get a new table by page fault (space.c). */
u32 *kernel_pte(u32 address, bool create) {
  u32 *pde = &kernel_pgdir[address >> 22];
  if (!(*pde & PTE_P)) {
    if (!create) return NULL;
    set_pmd(kernel_pgdir, address >> 22, phys(pages_alloc(1)) | PDE_TABLE);
  }
  return (u32 *)virt(*pde & PTE_FRAME) + (address >> 12 & 1023);
}

void kernel_map(u32 address, u32 pte) { set_pte(kernel_pgdir, address, kernel_pte(address, true), pte); }

/* Device pages lie above RAM, outside the linear map. */
void *map_device(u32 pfn, u32 n) {
  u32 at = fixmap_next;
  if (n > (FIXMAP_END - at) / PAGE_SIZE) return NULL;
  for (u32 i = 0; i < n; i++) kernel_map(at + i * PAGE_SIZE, (pfn + i) << 12 | PTE_KERNEL);
  fixmap_next += n * PAGE_SIZE;
  return (void *)at;
}

static void reserve(u32 from, u32 to, u32 n) {
  for (u32 pfn = from / PAGE_SIZE; pfn < PAGE_UP(to) / PAGE_SIZE && pfn < memory_pages; pfn++) {
    if (!refs[pfn] != !n) pages_free += n ? -1 : 1;
    refs[pfn] = n;
  }
}

void memory_init(void) {
  u32 low = memory_bytes > LOW_MEMORY_LIMIT ? LOW_MEMORY_LIMIT : memory_bytes;
  memory_pages = low / PAGE_SIZE;
  pages_free = memory_pages;

  /* The table of frame users comes right after the kernel. */
  refs = (u32 *)PAGE_UP((u32)__kernel_end);
  u32 refs_bytes = PAGE_UP(memory_pages * sizeof(u32));
  memset(refs, 0, refs_bytes);
  reserve(0, LOW_RESERVED, 1);
  reserve(0x100000, phys(refs) + refs_bytes, 1);

  reserve(boot_tables, memory_bytes, 1);
  cursor = (phys(refs) + refs_bytes) / PAGE_SIZE;

  kernel_pgdir = pages_alloc(1);
  for (u32 pfn = 0; pfn < memory_pages; pfn++) {
    u32 address = PAGE_OFFSET + pfn * PAGE_SIZE;
    *kernel_pte(address, true) = pfn << 12 | PTE_KERNEL;
  }
  kernel_pte(FIXMAP_BASE, true);
  load_pgdir(kernel_pgdir);
  flush_tlb(true);
  reserve(boot_tables, boot_tables_end, 0);
}
