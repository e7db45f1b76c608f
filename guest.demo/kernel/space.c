/*
 * Tour 2.8: Pages on demand
 *
 * A process starts with an empty page directory. Each first touch of a page faults, the Host hands the fault to us, and here
 * it is decided what the page is: a page of the program (the same frame for everybody, copied when somebody writes), a page
 * of zeroes (one frame for all readers, a fresh one for a writer), or a mistake. fork() copies no page at all: it takes the
 * right to write away from both sides and lets the same faults sort it out.
 */
#include "kernel.h"

extern char user_image[], user_image_end[];

u32 faults_image, faults_zero, faults_cow, faults_stale, faults_vmap, faults_bad;
static u32 zero_page;

void space_init(void) { zero_page = phys(pages_alloc(1)); }

/* The second word of the program image says where its zeroed data ends (user/start.S). */
u32 user_bss_end(void) { return ((u32 *)user_image)[1]; }

struct space *space_new(void) {
  u32 *page = pages_try_alloc(2);
  if (!page) return NULL;
  struct space *space = (struct space *)(page + 1024);
  *space = (struct space){.pgdir = page, .refs = 1, .brk = PAGE_UP(user_bss_end())};
  memcpy(page + (PAGE_OFFSET >> 22), kernel_pgdir + (PAGE_OFFSET >> 22), (1024 - (PAGE_OFFSET >> 22)) * 4);
  return space;
}

u32 *space_pte(struct space *space, u32 address, bool create) {
  u32 pde = space->pgdir[address >> 22];
  if (!(pde & PTE_P)) {
    u32 *table = create ? pages_try_alloc(1) : NULL;
    if (!table) return NULL;
    pde = phys(table) | PDE_TABLE;
    set_pmd(space->pgdir, address >> 22, pde);
  }
  return (u32 *)virt(pde & PTE_FRAME) + (address >> 12 & 1023);
}

/* Everything a space owns goes back; the directory entries are cleared one by one, or the Host would keep what they led to. */
static void release(struct space *space, u32 from, u32 to, bool tables) {
  lazy_begin();
  for (u32 i = from >> 22; i <= (to - 1) >> 22; i++) {
    u32 pde = space->pgdir[i];
    if (!(pde & PTE_P)) continue;
    u32 *table = virt(pde & PTE_FRAME);
    for (u32 j = 0; j < 1024; j++) {
      u32 address = i << 22 | j << 12, pte = table[j];
      if (!(pte & PTE_P) || address < from || address >= to) continue;
      if (tables) table[j] = 0;
      else set_pte(space->pgdir, address, &table[j], 0);
      page_unref(pte & PTE_FRAME);
      space->pages--;
    }
    if (tables) {
      set_pmd(space->pgdir, i, 0);
      page_unref(pde & PTE_FRAME);
    }
  }
  lazy_end();
}

void space_unmap(struct space *space, u32 from, u32 to) {
  if (from < to) release(space, from, to, false);
}

void space_put(struct space *space) {
  if (--space->refs) return;
  if (current_pgdir == phys(space->pgdir)) load_pgdir(kernel_pgdir);
  release(space, 0, PAGE_OFFSET, true);
  page_unref(phys(space));
  page_unref(phys(space->pgdir));
}

/* Fork: both sides keep every page, nobody may write it. Hundreds of changes, so they travel in the ring. */
struct space *space_fork(struct space *from) {
  struct space *to = space_new();
  if (!to) return NULL;
  to->brk = from->brk;
  bool whole = true;
  lazy_begin();
  for (u32 i = 0; i < PAGE_OFFSET >> 22 && whole; i++) {
    if (!(from->pgdir[i] & PTE_P)) continue;
    u32 *table = virt(from->pgdir[i] & PTE_FRAME);
    for (u32 j = 0; j < 1024 && whole; j++) {
      u32 address = i << 22 | j << 12;
      if (!(table[j] & PTE_P)) continue;
      if (table[j] & PTE_W) set_pte(from->pgdir, address, &table[j], (table[j] & ~PTE_W) | PTE_COW);
      u32 *slot = space_pte(to, address, true);
      whole = slot != NULL;
      if (!whole) break;
      page_ref(table[j] & PTE_FRAME);
      *slot = table[j] & ~(PTE_A | PTE_D);
      to->pages++;
    }
  }
  lazy_end();
  if (whole) return to;
  space_put(to);
  return NULL;
}

/* A write to a page that is shared until written. The last user just gets its right back. */
static bool copy_on_write(struct space *space, u32 address, u32 *slot) {
  u32 frame = *slot & PTE_FRAME, flags = (*slot & ~(PTE_FRAME | PTE_COW)) | PTE_W | PTE_A | PTE_D;
  faults_cow++;
  if (page_refs(frame) > 1) {
    void *copy = pages_try_alloc(1);
    if (!copy) return false;
    memcpy(copy, virt(frame), PAGE_SIZE);
    page_unref(frame);
    frame = phys(copy);
  }
  set_pte(space->pgdir, address, slot, frame | flags);
  return true;
}

static bool in_stack(u32 address) { return address < USER_TOP && address >= USER_TOP - USER_STACK_LIMIT; }

static bool first_touch(struct space *space, u32 address, u32 *slot, bool write) {
  u32 offset = address - USER_BASE, frame;
  if (address >= USER_BASE && offset < (u32)(user_image_end - user_image)) {
    faults_image++;
    frame = phys(user_image) + offset;
  } else if ((address >= USER_BASE && address < space->brk) || in_stack(address)) {
    faults_zero++;
    frame = zero_page;
  } else {
    return false;
  }
  if (write) {
    void *copy = pages_try_alloc(1);
    if (!copy) return false;
    if (frame != zero_page) memcpy(copy, virt(frame), PAGE_SIZE);
    set_pte(space->pgdir, address, slot, phys(copy) | PTE_D | PTE_A | PTE_U | PTE_W | PTE_P);
  } else {
    page_ref(frame);
    set_pte(space->pgdir, address, slot, frame | PTE_COW | PTE_A | PTE_U | PTE_P);
  }
  space->pages++;
  return true;
}

/* Kernel tables made after a process's directory are copied into it when it stumbles over them (ABI 7.7). */
static bool kernel_fault(u32 address, u32 error) {
  u32 index = address >> 22, *pgdir = virt(current_pgdir);
  if ((error & 5) || pgdir == kernel_pgdir || (pgdir[index] & PTE_P) || !(kernel_pgdir[index] & PTE_P)) return false;
  faults_vmap++;
  set_pmd(pgdir, index, kernel_pgdir[index]);
  return true;
}

/* True: the page is there now, try again. */
bool space_fault(struct space *space, u32 address, u32 error) {
  if (address >= PAGE_OFFSET) {
    if (kernel_fault(address, error)) return true;
    faults_bad++;
    return false;
  }
  bool write = error & 2, good = false;
  u32 page = address & PTE_FRAME;
  if (space && current_pgdir == phys(space->pgdir)) {
    u32 *slot = space_pte(space, page, false);
    u32 pte = slot ? *slot : 0;
    if (!(pte & PTE_P)) {
      slot = slot ? slot : (page >= USER_BASE && (page < space->brk || in_stack(page))) ? space_pte(space, page, true) : NULL;
      good = slot && first_touch(space, page, slot, write);
    } else if (write && (pte & PTE_COW) && !(pte & PTE_READONLY)) {
      good = copy_on_write(space, page, slot);
    } else if (!write || (pte & PTE_W)) {
      good = pte & PTE_U; /* the entry allows it: another thread was faster */
      faults_stale += good;
      if (good) set_pte(space->pgdir, page, slot, pte);
    }
  }
  if (!good) faults_bad++;
  return good;
}

/* Pages that are there become read-only, or writable again (at the next fault). */
bool space_protect(struct space *space, u32 address, u32 bytes, bool read_only) {
  if (address & ~PTE_FRAME || bytes > USER_TOP || address > USER_TOP - bytes) return false;
  lazy_begin();
  for (u32 at = address; at < address + bytes; at += PAGE_SIZE) {
    u32 *slot = space_pte(space, at, false);
    if (!slot || !(*slot & PTE_P)) continue;
    u32 pte = read_only ? (*slot & ~PTE_W) | PTE_READONLY | PTE_COW : *slot & ~PTE_READONLY;
    set_pte(space->pgdir, at, slot, pte);
  }
  lazy_end();
  return true;
}
