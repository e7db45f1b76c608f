/*
 * Tour 2.3: Asking the Host
 *
 * A hypercall is `int $0x1f` with a number and three words. It costs a trip out of the guest, so calls whose effect nobody
 * needs at once (a page-table entry changed, a new stack, a new TLS) may be put in a ring of 64 entries instead while we are
 * in a "lazy" section; the Host works them off, in order, before it looks at the next real call. The slot's status byte is
 * all the protocol there is: 0 is ours to be read, 0xFF is done.
 */
#include "kernel.h"

extern char noirq_start[], noirq_end[]; /* trap.S: the last three instructions before iret */

/* Lies in .data, not .bss: the Host reads it before anything of ours has run. Every interrupt starts masked. */
struct lguest_data lguest_data __attribute__((aligned(4096))) = {
  .blocked_interrupts = ~0u,
  .hcall_status = {[0 ... LHCALL_RING_SIZE - 1] = 0xFF},
  .noirq_start = (u32)noirq_start,
  .noirq_end = (u32)noirq_end,
};

u32 hypercalls_direct[LHCALL_COUNT + 1], hypercalls_queued[LHCALL_COUNT + 1], ring_full;
static u32 ring_next;
static bool lazy;

static u32 *counter(u32 *counters, u32 number) { return &counters[number < LHCALL_COUNT ? number : LHCALL_COUNT]; }

u32 hypercall(u32 number, u32 a1, u32 a2, u32 a3) {
  ++*counter(hypercalls_direct, number);
  __asm__ volatile("int %1" : "+a"(number) : "i"(LGUEST_TRAP_ENTRY), "d"(a1), "b"(a2), "c"(a3) : "memory");
  return number;
}

/* Puts a call in the ring; false when all 64 slots still wait for the Host. */
bool ring_enqueue(u32 number, u32 a1, u32 a2, u32 a3) {
  u32 flags = irq_save();
  bool room = lguest_data.hcall_status[ring_next] == 0xFF;
  if (room) {
    lguest_data.hcalls[ring_next] = (struct hcall_entry){number, a1, a2, a3};
    barrier(); /* the entry must be whole before the Host may see it */
    lguest_data.hcall_status[ring_next] = 0;
    ring_next = (ring_next + 1) % LHCALL_RING_SIZE;
    ++*counter(hypercalls_queued, number);
  } else {
    ring_full++;
  }
  irq_restore(flags);
  return room;
}

/* A call that may wait until lazy_end, if we are in such a section. A direct call makes the Host drain the ring first. */
void hypercall_lazy(u32 number, u32 a1, u32 a2, u32 a3) {
  if (!lazy || !ring_enqueue(number, a1, a2, a3)) hypercall(number, a1, a2, a3);
}

void lazy_begin(void) { lazy = true; }

void lazy_end(void) {
  lazy = false;
  hypercall(LHCALL_FLUSH_ASYNC, 0, 0, 0);
}

/* The Host copies 128 bytes of text, wherever the string ends. */
void crash(const char *why) {
  static char text[128];
  irq_disable();
  copy_string(text, why, sizeof text);
  console_flush();
  hypercall(LHCALL_CRASH, phys(text), 0, 0);
  for (;;) barrier();
}
