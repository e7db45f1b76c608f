/* Hypercalls, the ring, and the calls that need no particular moment. */
#include "kernel.h"

/* Something to see the order of calls by: TLS entry 0 points at one of these words. */
static u32 marks[4] = {0x11111111, 0x22222222, 0x33333333, 0x44444444};

static void tls_to(struct descriptor tls[TLS_ENTRIES], const void *at) {
  memset(tls, 0, TLS_ENTRIES * sizeof *tls);
  tls[0] = make_descriptor((u32)at, 0xFFFFF, 0xF2, 0xC);
}

static u32 read_tls(void) {
  u32 word;
  __asm__ volatile("movl %1, %%gs\n\tmovl %%gs:0, %0\n\tmovl %2, %%gs" : "=r"(word) : "r"(GDT_TLS << 3 | 3), "r"(0));
  return word;
}

static const char *registers(void) {
  static u32 flags; /* static: the stack pointer moves within the asm */
  u32 eax = LHCALL_FLUSH_ASYNC, edx = 0, ecx = 0, esi = 0x12345678, edi = 0x9ABCDEF0;
  __asm__ volatile("pushl %%ebx\n\txorl %%ebx, %%ebx\n\tstc\n\tint $0x1f\n\tpushf\n\t"
                   "addl %%ebx, %%edx\n\tpopl %%ebx\n\tmovl %%ebx, %5\n\tpopl %%ebx"
                   : "+a"(eax), "+d"(edx), "+c"(ecx), "+S"(esi), "+D"(edi), "=m"(flags) : : "memory", "cc");
  if (eax != LHCALL_FLUSH_ASYNC || edx || ecx || esi != 0x12345678 || edi != 0x9ABCDEF0) return "a register changed";
  return flags & 1 ? NULL : "the carry flag changed";
}

static const char *data(void) {
  if (lguest_data.reserve_mem != 4u << 20) return fail("reserve_mem is %#x", lguest_data.reserve_mem);
  if (lguest_data.tsc_khz && lguest_data.tsc_khz < 977) return fail("tsc_khz %u would overflow Linux's clock", lguest_data.tsc_khz);
  if (lguest_data.time_nsec >= NS_PER_SEC) return fail("nanoseconds %u", lguest_data.time_nsec);
  return NULL; /* the guest id may be any number: the original stopped at 15, ours tells the guests of many processes apart */
}

static const char *ring_order(void) {
  struct descriptor tls[4][TLS_ENTRIES];
  for (u32 i = 0; i < 4; i++) tls_to(tls[i], &marks[i]);
  for (u32 round = 0; round < 200; round++) {
    u32 last = (round * 7 + 3) % 4;
    for (u32 i = 0; i < 5; i++) {
      u32 which = i < 4 ? (round + i) % 4 : last;
      if (!ring_enqueue(LHCALL_LOAD_TLS, phys(tls[which]), 0, 0)) return "ring full after a flush";
    }
    hypercall(LHCALL_FLUSH_ASYNC, 0, 0, 0);
    u32 got = read_tls();
    if (got != marks[last]) return fail("round %u: %#x, the last call said %#x", round, got, marks[last]);
  }
  return NULL;
}

static const char *ring_before_direct(void) {
  struct descriptor first[TLS_ENTRIES], second[TLS_ENTRIES];
  tls_to(first, &marks[0]);
  tls_to(second, &marks[1]);
  ring_enqueue(LHCALL_LOAD_TLS, phys(first), 0, 0);
  hypercall(LHCALL_LOAD_TLS, phys(second), 0, 0);
  return read_tls() == marks[1] ? NULL : "a queued call overtook a direct one";
}

/* The Host may drain the ring at any exit, so one try may be spoilt; a hundred cannot all be. */
static const char *ring_full_test(void) {
  for (u32 attempt = 0; attempt < 100; attempt++) {
    hypercall(LHCALL_FLUSH_ASYNC, 0, 0, 0);
    u32 flags = irq_save(), queued = 0;
    while (queued < 1000 && ring_enqueue(LHCALL_FLUSH_ASYNC, 0, 0, 0)) queued++;
    u32 waiting = 0;
    for (u32 i = 0; i < LHCALL_RING_SIZE; i++) waiting += lguest_data.hcall_status[i] != 0xFF;
    hypercall(LHCALL_FLUSH_ASYNC, 0, 0, 0);
    irq_restore(flags);
    for (u32 i = 0; i < LHCALL_RING_SIZE; i++)
      if (lguest_data.hcall_status[i] != 0xFF) return fail("slot %u still waits after a direct call", i);
    if (queued == LHCALL_RING_SIZE && waiting == LHCALL_RING_SIZE) return NULL;
  }
  return "64 calls never filled the ring";
}

static u32 spare_key[1024] __attribute__((aligned(PAGE_SIZE)));

static const char *bind(void) {
  static struct lguest_dma dma;
  u32 key = phys(spare_key), array = phys(&dma);
  if (hypercall(LHCALL_BIND_DMA, key, array, 1 << 8 | 32)) return "irq 32 was accepted";
  if (hypercall(LHCALL_BIND_DMA, key, array, 0)) return "unbound what was never bound";
  if (hypercall(LHCALL_BIND_DMA, key, array, 1 << 8 | 31) != 1) return "binding failed";
  if (hypercall(LHCALL_BIND_DMA, key, array, 0) != 1) return "unbinding failed";
  /* The original must not be asked twice: its list would break (appendix B 7). */
  return !original_host && hypercall(LHCALL_BIND_DMA, key, array, 0) ? "unbound it a second time" : NULL;
}

static const char *bind_all(void) {
  static struct lguest_dma dma[40];
  u32 bound = 0, undone = 0;
  while (bound < 40 && hypercall(LHCALL_BIND_DMA, phys(spare_key) + 4 * bound, phys(&dma[bound]), 1 << 8 | 31)) bound++;
  for (u32 i = 0; i < bound; i++) undone += hypercall(LHCALL_BIND_DMA, phys(spare_key) + 4 * i, phys(&dma[i]), 0);
  if (bound >= 32 || bound + LGUEST_MAX_DEVICES < 32) return fail("%u bindings beside the devices' own; 32 is the limit", bound);
  return undone == bound ? NULL : fail("%u of %u could be undone", undone, bound);
}

/* Twice: what was undone must be free again. */
static const char *bind_limit(void) {
  const char *result = bind_all();
  return result ? result : bind_all();
}

/* No device listens there: the call must change nothing. */
static const char *send_nobody(void) {
  struct lguest_dma dma = {.addr = {phys(spare_key)}, .len = {16}};
  hypercall(LHCALL_SEND_DMA, phys(spare_key) + 64, phys(&dma), 0);
  return dma.used_len ? fail("somebody took %u bytes", dma.used_len) : NULL;
}

static const char *send_lists(void) {
  struct lguest_dma dma = {0};
  console_flush();
  hypercall(LHCALL_SEND_DMA, LGUEST_CONSOLE_KEY, phys(&dma), 0);
  return dma.used_len ? fail("an empty list sent %u bytes", dma.used_len) : NULL;
}

/* All sixteen sections, of uneven lengths; the console shows whether they came in order. */
static const char *send_sections(void) {
  static const char text[] = "all sixteen sections of one list\r\n";
  struct lguest_dma dma = {0};
  u32 at = 0;
  console_flush();
  for (u32 i = 0; i < LGUEST_MAX_DMA_SECTIONS; i++) {
    u32 n = i == 15 ? sizeof text - 1 - at : 1 + i % 2;
    dma.addr[i] = phys(text + at);
    dma.len[i] = (u16)n;
    at += n;
  }
  hypercall(LHCALL_SEND_DMA, LGUEST_CONSOLE_KEY, phys(&dma), 0);
  return dma.used_len == sizeof text - 1 ? NULL : fail("%u of %u bytes sent", dma.used_len, (u32)sizeof text - 1);
}

/* Calls the Host ignores: vectors that are not ours, directory entries that are the Switcher's. */
static const char *ignored(void) {
  static const u32 vectors[] = {2, 8, 15, 31, 64, 127, 129, 200, 255};
  for (u32 i = 0; i < ARRAY_LEN(vectors); i++) hypercall(LHCALL_LOAD_IDT_ENTRY, vectors[i], KERNEL_CS << 16, 0xEF00);
  hypercall(LHCALL_SET_PMD, current_pgdir, 1023, 0);
  hypercall(LHCALL_SET_PMD, current_pgdir, 5000, 0);
  PROBE("int $200");
  return expect_fault(13, 200 * 8 + 2);
}

static const char *gate_removed(void) {
  clear_gate(FIRST_IRQ_VECTOR + 31);
  set_gate(FIRST_IRQ_VECTOR + 31, 0xC0000000, GATE_INTERRUPT, 3);
  clear_gate(FIRST_IRQ_VECTOR + 31);
  PROBE("int $0x3f");
  const char *result = expect_fault(13, 0x3F * 8 + 2);
  extern char vector_stubs[];
  set_gate(FIRST_IRQ_VECTOR + 31, (u32)vector_stubs + 16 * (FIRST_IRQ_VECTOR + 31), GATE_INTERRUPT, 0);
  return result;
}

const struct test tests_call[] = {
  {"hypercall-registers", registers, 0},
  {"hypercall-data", data, 0},
  {"ring-order", ring_order, 0},
  {"ring-before-direct", ring_before_direct, 0},
  {"ring-full", ring_full_test, 0},
  {"dma-bind", bind, 0},
  {"dma-bind-limit", bind_limit, 0},
  {"dma-send-nobody", send_nobody, 0},
  {"dma-send-empty", send_lists, 0},
  {"dma-send-sections", send_sections, 0},
  {"hypercall-ignored", ignored, 0},
  {"gate-removed", gate_removed, 0},
  {0},
};
