/* What the kernel and the Host cost: system calls, first touches of pages, and switches between processes. */
#include "bench.h"

#define CALLS 100000
#define PAGES 512
#define YIELDS 10000

struct result bench_syscall(u32 scale) {
  u32 sum = 0, me = sys0(SYS_GETPID);
  for (u32 i = 0; i < CALLS * scale; i++) sum += (u32)sys0(SYS_GETPID) == me;
  return (struct result){sum, CALLS * scale};
}

/* A third of the touches read, a third write, a third write what was read before: zero page, fresh page, copy. */
struct result bench_fault(u32 scale) {
  struct result r = {0, 0};
  for (u32 round = 0; round < scale; round++) {
    u8 *pages = grow(PAGES * 4096);
    for (u32 i = 0; i < PAGES; i++) {
      volatile u8 *p = pages + i * 4096;
      if (i % 3) *p = (u8)i;
      if (i % 3 == 2) r.checksum = r.checksum * 31 + *p;
      else r.checksum += *p;
      if (i % 3 == 0) *p = 1;
      r.count++;
    }
    sys1(SYS_BRK, pages);
  }
  return r;
}

struct result bench_switch(u32 scale) {
  int child = fork();
  for (u32 i = 0; i < YIELDS * scale; i++) sys0(SYS_YIELD);
  if (!child) exit(0);
  if (child < 0) return (struct result){0, 0};
  u32 status = (u32)wait_for(child);
  return (struct result){status, 2 * YIELDS * scale};
}
