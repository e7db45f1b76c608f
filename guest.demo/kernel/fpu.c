/*
 * Tour 2.10: The FPU, on request
 *
 * Saving 512 bytes of x87 and SSE state at every switch would be honest but slow. Instead a task starts its turn with TS set; if it
 * touches the FPU the processor traps (vector 7), we clear TS and give it its registers back. Only a task that did so has
 * anything to save when it leaves.
 */
#include "kernel.h"

u32 fpu_switches;
bool ts_set; /* before our first TS call the Host runs us with TS clear (ABI 5.12) */

void set_ts(bool on) {
  ts_set = on;
  load_ts(on);
}

/* What a program finds at its first use: everything zero but the two control words. */
static const struct {
  u16 x87_control, zero[11];
  u32 mxcsr;
  u8 rest[512 - 28];
} clean __attribute__((aligned(16))) = {.x87_control = 0x37F, .mxcsr = 0x1F80};

void fpu_trap(void) {
  set_ts(false);
  current->nm_traps++;
  if (current->fpu_used) __asm__ volatile("fxrstor %0" : : "m"(current->fpu));
  else __asm__ volatile("fxrstor %0" : : "m"(clean));
  current->fpu_used = current->fpu_live = true;
}

void fpu_leave(struct task *prev) {
  if (prev->fpu_live) {
    __asm__ volatile("fxsave %0" : "=m"(prev->fpu));
    prev->fpu_live = false;
    fpu_switches++;
  }
  if (!ts_set) set_ts(true);
}

void fpu_drop(struct task *t) {
  t->fpu_live = t->fpu_used = false;
}

bool fpu_copy(struct task *from, struct task *to) {
  if (from->fpu_live) __asm__ volatile("fxsave %0" : "=m"(from->fpu));
  to->fpu_used = from->fpu_used;
  memcpy(to->fpu, from->fpu, sizeof to->fpu);
  return to->fpu_used;
}
