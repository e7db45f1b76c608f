/* Virtual interrupts, the timer and HALT. While a test runs, the timer's interrupt is the test's own. */
#include "kernel.h"

static volatile u32 seen, in_handler_on;
static volatile u32 rearm; /* ns: the handler asks for the next one itself */

static void handler(u32 irq, void *arg) {
  (void)irq, (void)arg;
  seen++;
  if (irqs_on()) in_handler_on++;
  if (rearm) timer_arm(rearm);
}

static void take_timer(void) {
  console_flush();
  irq_request(IRQ_TIMER, handler, NULL);
  timer_arm(0);
  for (volatile u32 i = 0; i < 1000; i++) {} /* one that was on its way already */
  seen = in_handler_on = rearm = 0;
}

static const char *give_back(const char *result) {
  rearm = 0;
  irq_enable();
  timer_attach();
  return result;
}

/* Spins without leaving the guest until n interrupts came; false when that takes unreasonably long. */
static bool spin_until(u32 n) {
  for (u32 i = 0; i < 400000000u && seen < n; i++) barrier();
  return seen >= n;
}

/* Time enough for any interrupt that may come to have come: the Host looks at least every millisecond. */
static void pause_a_while(void) {
  if (lguest_data.tsc_khz) {
    u64 until = rdtsc() + (u64)lguest_data.tsc_khz * 20;
    while (rdtsc() < until) barrier();
  } else {
    for (u32 i = 0; i < 20000000; i++) barrier();
  }
}

static const char *spinning(void) {
  take_timer();
  timer_arm(1000000);
  if (!spin_until(1)) return give_back("a spinning guest was never interrupted");
  return give_back(in_handler_on ? "the handler ran with interrupts on" : NULL);
}

static const char *one_shot(void) {
  take_timer();
  timer_arm(100000);
  if (!spin_until(1)) return give_back("no interrupt");
  pause_a_while();
  return give_back(seen == 1 ? NULL : fail("%u interrupts for one request", seen));
}

static const char *cancel(void) {
  take_timer();
  timer_arm(10000000);
  timer_arm(0);
  pause_a_while();
  return give_back(seen ? "a cancelled timer fired" : NULL);
}

static const char *replaced(void) {
  take_timer();
  timer_arm(0xFFFFFFFF);
  timer_arm(100000);
  if (!spin_until(1)) return give_back("the second request did not replace the first");
  pause_a_while();
  return give_back(seen == 1 ? NULL : fail("%u interrupts", seen));
}

static const char *disabled(void) {
  take_timer();
  irq_disable();
  timer_arm(100);
  pause_a_while();
  if (seen) return give_back("delivered with irq_enabled = 0");
  irq_enable();
  return give_back(spin_until(1) ? NULL : "not delivered after interrupts went on");
}

static const char *blocked(void) {
  take_timer();
  irq_mask(IRQ_TIMER);
  timer_arm(100);
  pause_a_while();
  if (seen) return give_back("delivered while blocked");
  irq_unmask(IRQ_TIMER);
  return give_back(spin_until(1) ? NULL : "not delivered after it was unblocked");
}

static const char *merged(void) {
  take_timer();
  irq_disable();
  timer_arm(100);
  pause_a_while();
  timer_arm(100);
  pause_a_while();
  irq_enable();
  bool came = spin_until(1);
  pause_a_while();
  return give_back(came && seen == 1 ? NULL : fail("%u interrupts for two that merged", seen));
}

/* Flags without bit 9 are "off", whatever else is in them. */
static const char *other_flags(void) {
  take_timer();
  lguest_data.irq_enabled = 0x46;
  timer_arm(100);
  pause_a_while();
  u32 early = seen;
  lguest_data.irq_enabled = 0x246;
  bool came = spin_until(1);
  return give_back(early ? "irq_enabled = 0x46 counted as on" : came ? NULL : "irq_enabled = 0x246 did not count as on");
}

static const char *halt_wakes(void) {
  take_timer();
  irq_disable();
  timer_arm(3000000);
  hypercall(LHCALL_HALT, 0, 0, 0);
  u32 enabled = lguest_data.irq_enabled, count = seen;
  if (count != 1) return give_back(fail("%u interrupts ended the halt", count));
  return give_back(enabled & FLAGS_IF ? NULL : fail("irq_enabled is %#x after a halt", enabled));
}

static const char *halt_pending(void) {
  take_timer();
  irq_disable();
  timer_arm(100);
  pause_a_while();
  hypercall(LHCALL_HALT, 0, 0, 0);
  return give_back(seen == 1 ? NULL : fail("%u interrupts", seen));
}

/* A halt lasts until the interrupt, not a moment less. */
static const char *halt_sleeps(void) {
  take_timer();
  u64 start = now_ns();
  irq_disable();
  timer_arm(30000000);
  hypercall(LHCALL_HALT, 0, 0, 0);
  u64 took = now_ns() - start;
  return give_back(took >= 29000000 ? NULL : fail("a halt of 30 ms ended after %u us", (u32)div64(took, 1000, NULL)));
}

/* What a trap's frame says about interrupts, and whether its gate turned them off.
 * Page faults have an interrupt gate, ud2 has a trap gate. */
static const char *frame_flag(const char *trap, bool on, bool gate_off) {
  if (last_fault.vector == ~0u) return fail("%s did not trap", trap);
  if (((last_fault.eflags & FLAGS_IF) != 0) != on)
    return fail("%s with interrupts %s: frame has flags %#x", trap, on ? "on" : "off", last_fault.eflags);
  if (last_fault.irqs != (on && !gate_off))
    return fail("%s: interrupts are %s in its handler", trap, last_fault.irqs ? "on" : "off");
  return NULL;
}

static const char *reflected_frames(void) {
  for (u32 on = 0; on < 2; on++) {
    u32 saved = irq_save();
    if (on) irq_enable();
    PROBE("movl %%ds:0, %%eax");
    bool after = irqs_on();
    irq_restore(saved);
    const char *result = frame_flag("a page fault", on, true);
    if (result) return result;
    if (after != on) return fail("after a page fault interrupts are %s", after ? "on" : "off");
  }
  return NULL;
}

static const char *direct_frames(void) {
  for (u32 on = 0; on < 2; on++) {
    u32 saved = irq_save();
    if (on) irq_enable();
    PROBE("ud2");
    bool after = irqs_on();
    irq_restore(saved);
    const char *result = frame_flag("ud2", on, false);
    if (result) return result;
    if (after != on) return fail("after ud2 interrupts are %s", after ? "on" : "off");
  }
  return NULL;
}

extern u32 noirq_probe(volatile u32 *counter, u32 spins);

/* The interrupt falls due while we spin in the range, with interrupts on: none may come before we leave it, and then it must. */
static const char *noirq_range(void) {
  u32 spins = lguest_data.tsc_khz ? 1000000 : 50000000;
  take_timer();
  if (lguest_data.tsc_khz) { /* spin for about 20 ms, however fast we are */
    u64 start = rdtsc();
    noirq_probe(&seen, spins);
    u64 took = rdtsc() - start, wanted = (u64)lguest_data.tsc_khz * 20;
    for (; took < wanted && spins < 1u << 30; took *= 2) spins *= 2;
  }
  for (u32 attempt = 0; attempt < 10; attempt++) {
    seen = 0;
    timer_arm(2000000);
    u32 before = seen, came = noirq_probe(&seen, spins);
    if (came) return give_back("an interrupt in the range");
    if (!before && !spin_until(1)) return give_back("the interrupt was lost");
    if (!before) return give_back(NULL);
  }
  return give_back("never got into the range in time");
}

/* A storm of interrupts against a stream of irets. */
static const char *noirq_storm(void) {
  take_timer();
  u32 before = irqs_in_noirq;
  rearm = 100;
  timer_arm(100);
  for (u32 i = 0; i < 3000000 && seen < 500; i++) {
    u32 eax = 2;
    __asm__ volatile("int $0x80" : "+a"(eax) : "b"(0), "c"(0), "d"(0) : "memory");
  }
  u32 count = seen;
  give_back(NULL);
  if (count < 100) return fail("only %u interrupts came", count);
  return irqs_in_noirq == before ? NULL : fail("%u interrupts in the range", irqs_in_noirq - before);
}

const struct test tests_irq[] = {
  {"timer-spinning", spinning, 0},
  {"timer-one-shot", one_shot, 0},
  {"timer-cancel", cancel, 0},
  {"timer-replaced", replaced, 0},
  {"irq-disabled", disabled, 0},
  {"irq-blocked", blocked, 0},
  {"irq-merged", merged, 0},
  {"irq-other-flags", other_flags, 1},
  {"irq-frame-reflected", reflected_frames, 0},
  {"irq-frame-direct", direct_frames, 20},
  {"irq-noirq-range", noirq_range, 0},
  {"irq-noirq-storm", noirq_storm, 0},
  {"halt-wakes", halt_wakes, 0},
  {"halt-pending", halt_pending, 0},
  {"halt-sleeps", halt_sleeps, 0},
  {0},
};
