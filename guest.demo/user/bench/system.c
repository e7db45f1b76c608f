/* What the kernel and the Host cost: system calls, first touches of pages, switches between processes, and new processes. */
#include "bench.h"

#define CALLS 100000
#define PAGES 512
#define YIELDS 10000
#define FORKS 100
#define EXECS 50

struct result bench_empty(u32 scale) { return (struct result){0, scale}; }

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

/* A child that copies a few pages by writing to them, and ends. */
struct result bench_fork(u32 scale) {
  struct result r = {0, 0};
  volatile u8 *pages = grow(8 * 4096);
  for (u32 i = 0; i < 8; i++) pages[i * 4096] = (u8)i;
  for (u32 i = 0; i < FORKS * scale; i++) {
    int child = fork();
    if (!child) {
      u32 sum = 0;
      for (u32 k = 0; k < 8; k++) sum += pages[k * 4096] += (u8)i;
      exit((int)(sum & 63));
    }
    if (child < 0) return r;
    r.checksum = r.checksum * 31 + (u32)wait_for(child);
    r.count++;
  }
  return r;
}

/* A child that becomes another program, which ends with what it was told. */
struct result bench_exec(u32 scale) {
  struct result r = {0, 0};
  for (u32 i = 0; i < EXECS * scale; i++) {
    int child = fork();
    if (!child) {
      char command[16];
      format(command, sizeof command, "exit %u", i & 63);
      exec(command);
      exit(127);
    }
    if (child < 0) return r;
    r.checksum = r.checksum * 31 + (u32)wait_for(child);
    r.count++;
  }
  return r;
}
