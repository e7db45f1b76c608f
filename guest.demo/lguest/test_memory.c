/* Paging, as the guest's own tables promise it: faults and error codes, accessed and dirty bits, every way to change an entry. */
#include "kernel.h"

#define AT VMAP_BASE
#define NEXT (VMAP_BASE + PAGE_SIZE)

static u8 *frame(u32 i) { /* three frames to play with, each filled with its number */
  static u8 *frames;
  if (!frames) {
    frames = pages_alloc(3);
    for (u32 f = 0; f < 3; f++) memset(frames + f * PAGE_SIZE, (int)f + 1, PAGE_SIZE);
  }
  return frames + i * PAGE_SIZE;
}

static u32 pte(u32 i, u32 flags) { return phys(frame(i)) | flags; }

/* No A, no D: as fresh as an entry can be. */
static void map(u32 address, u32 i) { kernel_map(address, pte(i, PTE_W | PTE_P)); }
static void unmap(void) {
  kernel_map(AT, 0);
  kernel_map(NEXT, 0);
}

static const char *done(const char *result) {
  unmap();
  return result;
}

static const char *expect_page_fault(bool good, u32 address, u32 error) {
  if (good) return fail("no fault at %#x", address);
  if (last_fault.vector != 14) return fail("%s instead of a page fault", trap_name(last_fault.vector));
  if (last_fault.cr2 != address) return fail("cr2 %#x, not %#x", last_fault.cr2, address);
  return last_fault.error == error ? NULL : fail("error code %#x, not %#x", last_fault.error, error);
}

static const char *not_present(void) {
  u8 byte;
  unmap();
  const char *r = expect_page_fault(probe_read(AT + 0x123, &byte), AT + 0x123, 0);
  if (!r) r = expect_page_fault(probe_write(AT + 0x123, 1), AT + 0x123, 2);
  if (!r) r = expect_page_fault(probe_read(VMAP_END - PAGE_SIZE - 1, &byte), VMAP_END - PAGE_SIZE - 1, 0); /* no table either */
  return r ? r : expect_page_fault(probe_write(0x10, 1), 0x10, 2);
}

static const char *write_protected(void) {
  u8 byte;
  kernel_map(AT, pte(0, PTE_P));
  if (!probe_read(AT, &byte) || byte != 1) return done("a read-only page cannot be read");
  const char *r = expect_page_fault(probe_write(AT + 7, 9), AT + 7, 3);
  if (!r && frame(0)[7] != 1) r = "the write went through";
  if (!r) {
    kernel_map(AT, pte(0, PTE_W | PTE_P));
    if (!probe_write(AT + 7, 1)) r = "still protected after the entry allowed it";
  }
  return done(r);
}

static const char *write_protected_untouched(void) {
  kernel_map(AT, pte(0, PTE_P));
  return done(expect_page_fault(probe_write(AT + 9, 9), AT + 9, 3));
}

static const char *user_page(void) {
  u8 byte;
  kernel_map(AT, pte(1, PTE_U | PTE_W | PTE_P));
  if (!probe_read(AT, &byte) || byte != 2 || !probe_write(AT, 2)) return done("ring 1 may not use a user page");
  return done(NULL);
}

static const char *accessed_dirty(void) {
  u8 byte;
  map(AT, 0);
  u32 *slot = kernel_pte(AT, false);
  if (*slot & (PTE_A | PTE_D)) return done("set before any access");
  if (!probe_read(AT, &byte)) return done("unreadable");
  if ((*slot & (PTE_A | PTE_D)) != PTE_A) return done(fail("entry %#x after a read", *slot));
  if (!probe_write(AT, 1)) return done("unwritable");
  if ((*slot & (PTE_A | PTE_D)) != (PTE_A | PTE_D)) return done(fail("entry %#x after a write", *slot));
  map(AT, 0);
  if (!probe_write(AT, 1)) return done("unwritable");
  if ((*slot & (PTE_A | PTE_D)) != (PTE_A | PTE_D)) return done(fail("entry %#x after a first write", *slot));
  kernel_map(AT, pte(0, PTE_P));
  probe_write(AT, 1);
  return done(*slot & PTE_D ? "a refused write set the dirty bit" : NULL);
}

static const char *expect_byte(u32 address, u8 wanted, const char *after) {
  u8 byte = 0xFF;
  if (!probe_read(address, &byte)) return fail("unreadable after %s", after);
  return byte == wanted ? NULL : fail("the old page is still there after %s", after);
}

static const char *remap(void) {
  map(AT, 0);
  const char *r = expect_byte(AT, 1, "SET_PTE");
  if (r) return done(r);
  map(AT, 1);
  if ((r = expect_byte(AT, 2, "SET_PTE"))) return done(r);
  u32 *slot = kernel_pte(AT, false);
  *slot = pte(2, PTE_W | PTE_P);
  hypercall(LHCALL_SET_PTE, current_pgdir, AT, 0); /* value 0: forget this page, keep the entry */
  if ((r = expect_byte(AT, 3, "SET_PTE with 0"))) return done(r);
  if ((*slot & PTE_FRAME) != phys(frame(2))) return done("SET_PTE wrote into our table");
  *slot = pte(0, PTE_W | PTE_P);
  flush_tlb(true);
  if ((r = expect_byte(AT, 1, "FLUSH_TLB"))) return done(r);
  lazy_begin();
  for (u32 i = 0; i < 300; i++) map(AT, (i + 1) % 3);
  lazy_end();
  return done(expect_byte(AT, 1, "300 SET_PTE in the ring"));
}

static const char *set_pmd_test(void) {
  u32 index = AT >> 22, *pgdir = virt(current_pgdir), *other = pages_alloc(1);
  map(AT, 0);
  const char *r = expect_byte(AT, 1, "mapping");
  u32 old = kernel_pgdir[index];
  other[0] = pte(1, PTE_W | PTE_P);
  set_pmd(pgdir, index, phys(other) | PDE_TABLE);
  if (!r) r = expect_byte(AT, 2, "SET_PMD");
  set_pmd(pgdir, index, 0);
  u8 byte;
  if (!r && pgdir == kernel_pgdir) r = expect_page_fault(probe_read(AT, &byte), AT, 0);
  set_pmd(pgdir, index, old);
  if (!r) r = expect_byte(AT, 1, "SET_PMD back");
  page_unref(phys(other));
  return done(r);
}

/* Two directories that differ in one user page. */
static const char *directories(void) {
  struct space *a = space_new(), *b = space_new();
  u32 old = current_pgdir;
  const char *r = NULL;
  if (!a || !b) return "no memory";
  *space_pte(a, 0x1000, true) = pte(0, PTE_U | PTE_W | PTE_P);
  *space_pte(b, 0x1000, true) = pte(1, PTE_U | PTE_W | PTE_P);
  page_ref(phys(frame(0)));
  page_ref(phys(frame(1)));
  a->pages++, b->pages++;
  for (u32 i = 0; i < 50 && !r; i++) {
    load_pgdir(a->pgdir);
    r = expect_byte(0x1000, 1, "loading the first directory");
    load_pgdir(b->pgdir);
    if (!r) r = expect_byte(0x1000, 2, "loading the second directory");
    if (!r && i == 25) {
      *space_pte(b, 0x1000, false) = pte(2, PTE_U | PTE_W | PTE_P);
      flush_tlb(false);
      r = expect_byte(0x1000, 3, "FLUSH_TLB of the user part");
      set_pte(b->pgdir, 0x1000, space_pte(b, 0x1000, false), pte(1, PTE_U | PTE_W | PTE_P));
    }
  }
  load_pgdir(virt(old));
  space_put(a);
  space_put(b);
  return r;
}

/* A kernel table younger than the directory that is loaded. */
static const char *kernel_table(void) {
  struct space *s = space_new();
  u32 old = current_pgdir, before = faults_vmap, address = VMAP_BASE + (8u << 22);
  if (!s) return "no memory";
  load_pgdir(s->pgdir);
  kernel_map(address, pte(1, PTE_W | PTE_P));
  u8 byte = 0;
  bool good = probe_read(address, &byte);
  u32 faults = faults_vmap - before;
  load_pgdir(virt(old));
  kernel_map(address, 0);
  u32 table = kernel_pgdir[address >> 22] & PTE_FRAME;
  set_pmd(kernel_pgdir, address >> 22, 0);
  page_unref(table);
  flush_tlb(true);
  space_put(s);
  if (!good || byte != 2) return "the page could not be read";
  return faults == 1 ? NULL : fail("%u faults to find one table", faults);
}

/* An access across two pages of which the second refuses: it faults there, and has changed nothing here. */
static const char *crossing(void) {
  map(AT, 0);
  kernel_map(NEXT, 0);
  u32 at = NEXT - 2, value = 0;
  last_fault.vector = ~0u;
  __asm__ volatile("1: movl %1, (%0)\n2:\n" EX_TABLE(1b, 2b) : : "r"(at), "r"(0x99999999) : "memory");
  const char *r = expect_page_fault(last_fault.vector == ~0u, NEXT, 2);
  if (!r && frame(0)[PAGE_SIZE - 1] != 1) r = "half of a faulting store was done";
  last_fault.vector = ~0u;
  __asm__ volatile("1: movl (%1), %0\n2:\n" EX_TABLE(1b, 2b) : "+r"(value) : "r"(at) : "memory");
  if (!r) r = expect_page_fault(last_fault.vector == ~0u, NEXT, 0);
  map(NEXT, 1);
  __asm__ volatile("movl (%1), %0" : "=r"(value) : "r"(at) : "memory");
  if (!r && value != 0x02020101) r = fail("read %#x across two pages", value);
  *(volatile u32 *)at = 0x02020101;
  return done(r);
}

static u32 hook_faults;

/* Lets a faulting instruction go on by mapping the page it wants. */
static bool map_on_fault(struct regs *r) {
  u32 address = lguest_data.cr2 & PTE_FRAME;
  if (r->vector != 14 || (address != AT && address != NEXT)) return false;
  hook_faults++;
  map(address, address == AT ? 0 : 1);
  return true;
}

static const char *string_restart(void) {
  static u8 source[PAGE_SIZE * 2];
  for (u32 i = 0; i < sizeof source; i++) source[i] = (u8)(i * 7);
  unmap();
  hook_faults = 0;
  trap_hook = map_on_fault;
  u32 to = AT + 100, from = (u32)source, count = PAGE_SIZE + 500;
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
  trap_hook = NULL;
  const char *r = NULL;
  if (hook_faults != 2) r = fail("%u faults for two pages", hook_faults);
  else if (count || to != AT + 100 + PAGE_SIZE + 500 || from != (u32)source + PAGE_SIZE + 500)
    r = "registers wrong after a restarted string move";
  else if (memcmp((void *)(AT + 100), source, PAGE_SIZE + 500)) r = "data wrong after a restarted string move";
  /* Backwards, words, from the end. */
  unmap();
  hook_faults = 0;
  trap_hook = map_on_fault;
  to = NEXT + 396, from = (u32)source + 796, count = 200;
  __asm__ volatile("std\n\trep movsl\n\tcld" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
  trap_hook = NULL;
  if (!r && (hook_faults != 2 || count || memcmp((void *)(NEXT + 400 - 800), source, 800)))
    r = "a restarted string move with DF set went wrong";
  memset(frame(0), 1, PAGE_SIZE);
  memset(frame(1), 2, PAGE_SIZE);
  return done(r);
}

static const char *fetch(void) {
  unmap();
  hook_faults = 0;
  trap_hook = map_on_fault;
  frame(0)[0] = 0xC3;
  ((void (*)(void))AT)();
  trap_hook = NULL;
  frame(0)[0] = 1;
  return done(hook_faults == 1 ? NULL : fail("%u faults", hook_faults));
}

/* An instruction whose bytes lie in two pages: the second is fetched, and faults, only when it is needed. */
static const char *fetch_crossing(void) {
  unmap();
  u8 *first = frame(0), *second = frame(1);
  static const u8 code[] = {0xB8, 0x78, 0x56, 0x34, 0x12, 0xC3}; /* mov eax, 0x12345678; ret */
  memcpy(first + PAGE_SIZE - 3, code, 3);
  memcpy(second, code + 3, 3);
  hook_faults = 0;
  trap_hook = map_on_fault;
  u32 got = ((u32(*)(void))(NEXT - 3))();
  trap_hook = NULL;
  memset(first + PAGE_SIZE - 3, 1, 3);
  memset(second, 2, 3);
  if (got != 0x12345678) return done(fail("computed %#x", got));
  return done(hook_faults == 2 ? NULL : fail("%u faults for two pages", hook_faults));
}

/* Read-modify-write needs the right to write even if it would store nothing new. */
static const char *locked(void) {
  u8 byte;
  kernel_map(AT, pte(0, PTE_P));
  probe_read(AT, &byte);
  last_fault.vector = ~0u;
  __asm__ volatile("movl $0, %%eax\n\t1: lock cmpxchgl %%ecx, (%0)\n2:\n" EX_TABLE(1b, 2b)
                   : : "b"(AT) : "eax", "ecx", "memory", "cc");
  const char *r = expect_page_fault(last_fault.vector == ~0u, AT, 3);
  last_fault.vector = ~0u;
  __asm__ volatile("1: xchgl %%eax, (%0)\n2:\n" EX_TABLE(1b, 2b) : : "b"(AT) : "eax", "memory");
  if (!r) r = expect_page_fault(last_fault.vector == ~0u, AT, 3);
  return done(r);
}

/* Entries that are not present may hold anything; mprotect(PROT_NONE) of Linux makes such. The original may die of it. */
static const char *prot_none(void) {
  if (original_host) return "not tried";
  u8 byte;
  map(AT, 0);
  probe_read(AT, &byte);
  kernel_map(AT, pte(0, 0x80 | PTE_D | PTE_A));
  const char *r = expect_page_fault(probe_read(AT, &byte), AT, 0);
  kernel_map(AT, 0xFFFFF000 | PTE_A | PTE_D);
  if (!r) r = expect_page_fault(probe_read(AT, &byte), AT, 0);
  return done(r);
}

static const char *descriptor_page(void) {
  u8 byte;
  if (memory_pages * PAGE_SIZE == memory_bytes && probe_read(PAGE_OFFSET + memory_bytes, &byte))
    return "the linear map reaches beyond memory";
  u32 consoles = 0;
  for (u32 i = 0; i < LGUEST_MAX_DEVICES; i++) {
    struct lguest_device_desc *d = &device_page[i];
    if (d->type == DEVICE_NONE) continue;
    consoles += d->type == DEVICE_CONSOLE;
    if (!(d->status & STATUS_ACKNOWLEDGE)) return fail("slot %u forgot its status", i);
    if (d->type == DEVICE_CONSOLE && d->status != 7) return fail("the console's status is %u", d->status);
    if (d->num_pages && d->pfn <= memory_bytes / PAGE_SIZE) return fail("slot %u has its page at frame %#x", i, d->pfn);
  }
  const u8 *rest = (u8 *)device_page + LGUEST_MAX_DEVICES * sizeof(struct lguest_device_desc);
  for (u32 i = 0; i < PAGE_SIZE - LGUEST_MAX_DEVICES * sizeof(struct lguest_device_desc); i++)
    if (rest[i]) return "the rest of the page is not zero";
  return consoles == 1 ? NULL : fail("%u consoles", consoles);
}

const struct test tests_memory[] = {
  {"page-not-present", not_present, 0},
  {"page-write-protected", write_protected, 0},
  {"page-write-protected-untouched", write_protected_untouched, 14},
  {"page-user-from-kernel", user_page, 0},
  {"page-accessed-dirty", accessed_dirty, 0},
  {"page-remap", remap, 0},
  {"page-set-pmd", set_pmd_test, 0},
  {"page-directories", directories, 0},
  {"page-kernel-table", kernel_table, 0},
  {"page-crossing", crossing, 0},
  {"page-string-restart", string_restart, 0},
  {"page-fetch", fetch, 0},
  {"page-fetch-crossing", fetch_crossing, 0},
  {"page-locked", locked, 0},
  {"page-prot-none", prot_none, 8},
  {"device-page", descriptor_page, 0},
  {0},
};
