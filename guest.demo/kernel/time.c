/*
 * Tour 2.11: What time it is
 *
 * The machine may have a steady time-stamp counter; then time is a multiplication. If not, the only clock is the wall clock,
 * which under lguest moves when an interrupt is delivered. The timer itself is one shot: each tick asks for the next, and an
 * idle guest asks for exactly the moment its first sleeper wants, or for none.
 */
#include "kernel.h"

#define TICK_NS (10 * NS_PER_MS)

u32 ticks;
static u64 tsc_start, wall_start;
static u32 multiplier, shift; /* ns = cycles * multiplier >> shift */

u64 now_ns(void) {
  if (!multiplier) return wall_ns() - wall_start;
  u64 cycles = rdtsc() - tsc_start;
  return ((u64)(u32)(cycles >> 32) * multiplier << (32 - shift)) + ((u64)(u32)cycles * multiplier >> shift);
}

u64 wall_seconds(void) { return div64(wall_start + now_ns(), NS_PER_SEC, NULL); }

static void arm(u64 ns) { timer_arm(ns > 0xFFFFFFFFu ? 0xFFFFFFFFu : ns < 100 ? 100 : (u32)ns); }

/* While there is work: the next tick, or a sleeper before it. */
void timer_arm_tick(void) {
  u64 now = now_ns(), first = next_deadline();
  arm(first && first < now + TICK_NS ? (first > now ? first - now : 100) : TICK_NS);
}

void timer_arm_idle(void) {
  u64 now = now_ns(), first = next_deadline();
  if (first) arm(first > now ? first - now : 100);
  else timer_arm(0);
}

static void tick(u32 irq, void *arg) {
  (void)irq, (void)arg;
  ticks++;
  task_tick(now_ns());
  timer_arm_tick();
  console_flush();
}

void timer_attach(void) {
  irq_request(IRQ_TIMER, tick, NULL);
  timer_arm_tick();
}

void time_init(void) {
  wall_start = wall_ns();
  if (tsc_khz()) {
    /* The largest multiplier that fits in 32 bits keeps the rounding error near one part in a billion. */
    for (shift = 31; shift; shift--) {
      u64 m = div64((u64)1000000 << shift, tsc_khz(), NULL);
      if (m >> 32) continue;
      multiplier = (u32)m;
      break;
    }
    tsc_start = rdtsc();
  }
  timer_attach();
}
