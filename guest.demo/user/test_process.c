/* Ring 3: memory on demand, copy-on-write, several processes and threads, and what the scheduler keeps apart. */
#include "test.h"
#include "bench/bench.h"

static u32 counter(u32 which) { return (u32)sys1(SYS_COUNTER, which); }

static const char *demand_zero(void) {
  u32 pages = 64, before = counter(COUNTER_FREE_PAGES), sum = 0;
  u8 *p = grow(pages * 4096);
  for (u32 i = 0; i < pages; i++) sum += *(volatile u32 *)(p + i * 4096 + 4 * i);
  u32 read = before - counter(COUNTER_FREE_PAGES);
  if (sum) return "fresh memory is not zero";
  if (read > 2) return fail("reading %u fresh pages took %u frames", pages, read);
  for (u32 i = 0; i < pages; i++) p[i * 4096] = (u8)i;
  u32 written = before - counter(COUNTER_FREE_PAGES);
  if (written < pages || written > pages + 2) return fail("writing %u fresh pages took %u frames", pages, written);
  for (u32 i = 0; i < pages; i++)
    if (p[i * 4096] != (u8)i || p[i * 4096 + 1]) return fail("page %u holds something else", i);
  sys1(SYS_BRK, p);
  return counter(COUNTER_FREE_PAGES) + 2 >= before ? NULL : "memory given back is not free";
}

static const char *stack_growth(void) {
  volatile u8 deep[256 * 1024];
  u32 sum = 0;
  for (u32 i = 0; i < sizeof deep; i += 4096) deep[i] = 1;
  for (u32 i = 0; i < sizeof deep; i += 4096) sum += deep[i];
  return sum == sizeof deep / 4096 ? NULL : fail("sum %u", sum);
}

static const char *page_bits(void) {
  volatile u8 *p = grow(4096);
  *p = 1;
  if ((sys1(SYS_PTE, p) & 0x60) != 0x60) return fail("entry %x after a write", (u32)sys1(SYS_PTE, p));
  sys1(SYS_AGE, p);
  if (sys1(SYS_PTE, p) & 0x60) return "the bits could not be cleared";
  (void)*p;
  if ((sys1(SYS_PTE, p) & 0x60) != 0x20) return fail("entry %x after a read", (u32)sys1(SYS_PTE, p));
  *p = 2;
  return (sys1(SYS_PTE, p) & 0x60) == 0x60 ? NULL : fail("entry %x after a second write", (u32)sys1(SYS_PTE, p));
}

static u32 in_data = 1;

static const char *copy_on_write(void) {
  u32 pages = 16, cow = counter(COUNTER_COW);
  u32 *p = grow(pages * 4096);
  for (u32 i = 0; i < pages; i++) p[i * 1024] = i;
  int child = fork();
  if (child < 0) return "fork failed";
  if (!child) {
    u32 bad = in_data != 1;
    for (u32 i = 0; i < pages; i++) {
      bad += p[i * 1024] != i;
      p[i * 1024] = 1000 + i;
    }
    in_data = 2;
    sys0(SYS_YIELD);
    for (u32 i = 0; i < pages; i++) bad += p[i * 1024] != 1000 + i;
    exit((int)bad);
  }
  for (u32 i = 0; i < pages; i += 2) p[i * 1024] += 500;
  int bad = wait_for(child);
  for (u32 i = 0; i < pages; i++)
    if (p[i * 1024] != i + (i % 2 ? 0 : 500)) return fail("the child's write to page %u reached its parent", i);
  if (bad || in_data != 1) return fail("parent and child share data (%d)", bad);
  u32 copies = counter(COUNTER_COW) - cow;
  return copies >= pages ? NULL : fail("only %u copies", copies);
}

static const char *many_processes(void) {
  u32 before = counter(COUNTER_FREE_PAGES), sum = 0;
  for (u32 round = 0; round < 5; round++) {
    for (u32 i = 0; i < 20; i++) {
      int child = fork();
      if (child < 0) return fail("fork %u failed", i);
      if (!child) {
        sys0(SYS_YIELD);
        exit((int)(i + 1));
      }
    }
    for (u32 i = 0; i < 20; i++) {
      int status = -1;
      if (sys2(SYS_WAIT, -1, &status) < 0) return "a child was lost";
      sum += (u32)status;
    }
  }
  if (sum != 5 * 210) return fail("exit statuses add up to %u", sum);
  u32 after = counter(COUNTER_FREE_PAGES);
  return after + 8 >= before ? NULL : fail("%u pages were not given back", before - after);
}

/* Depth first: every process makes one child and waits for it. */
static const char *nested_processes(void) {
  u32 depth = 0;
  for (; depth < 12; depth++) {
    int child = fork();
    if (child < 0) exit(-1);
    if (child) {
      int status = wait_for(child);
      if (depth) exit(status < 0 ? status : status + 1);
      return status == 11 ? NULL : fail("12 generations counted %d", status);
    }
  }
  exit(0);
}

#define THREADS 4

static volatile u32 shared[THREADS], stop, mixed, started;
static u32 thread_words[THREADS + 1];

static u32 gs_word(void) {
  u32 word;
  __asm__ volatile("movl %%gs:0, %0" : "=r"(word));
  return word;
}

static void use_tls(u32 i) {
  u32 base = (u32)&thread_words[i];
  thread_words[i] = 0x1000 + i;
  sys3(SYS_SET_TLS, i % 3, 3 | base << 16, (base >> 16 & 0xFF) | 0xF2 << 8 | 0x4 << 20 | (base & 0xFF000000));
  __asm__ volatile("movl %0, %%gs" : : "r"((6 + i % 3) << 3 | 3));
}

static void tls_thread(void) {
  u32 me = __sync_fetch_and_add(&started, 1);
  use_tls(me);
  while (!stop) {
    if (gs_word() != 0x1000 + me) mixed++;
    if (++shared[me] % 64 == 0) sys0(SYS_YIELD);
  }
  exit(0);
}

/* Runs THREADS of them for a while; false if one could not start. */
static bool run_threads(void (*body)(void), u32 ms) {
  stop = mixed = started = 0;
  for (u32 i = 0; i < THREADS; i++) shared[i] = 0;
  u32 running = 0;
  for (u32 i = 0; i < THREADS; i++) running += sys2(SYS_THREAD, body, start_stack(8192)) > 0;
  sys2(SYS_SLEEP, ms * 1000000, 0);
  stop = 1;
  int status;
  for (u32 i = 0; i < running; i++) sys2(SYS_WAIT, -1, &status);
  return running == THREADS;
}

static const char *thread_tls(void) {
  if (!run_threads(tls_thread, 100)) return "threads failed to start";
  if (mixed) return fail("%u reads of another thread's word", mixed);
  for (u32 i = 0; i < THREADS; i++)
    if (!shared[i]) return fail("thread %u never ran", i);
  return NULL;
}

static void spinning_thread(void) {
  u32 me = __sync_fetch_and_add(&started, 1);
  while (!stop) shared[me]++;
  exit(0);
}

/* Nobody yields: only the timer can be fair. A quarter of the mean is the least that counts. */
static const char *preemption_once(void) {
  u32 switches = counter(COUNTER_SWITCHES);
  if (!run_threads(spinning_thread, 400)) return "threads failed to start";
  switches = counter(COUNTER_SWITCHES) - switches;
  u32 sum = 0;
  for (u32 i = 0; i < THREADS; i++) sum += shared[i] >> 4;
  if (switches < 2 * THREADS) return fail("%u switches in 400 ms", switches);
  for (u32 i = 0; i < THREADS; i++)
    if (shared[i] >> 4 < sum / THREADS / 4) return fail("thread %u did %u of %u rounds", i, shared[i] >> 4, sum);
  return NULL;
}

/* Our own processor is shared, too: one bad time slice of the machine below must not count. */
static const char *preemption(void) {
  const char *result = preemption_once();
  for (u32 attempt = 0; result && attempt < 4; attempt++) result = preemption_once();
  return result;
}

/* A sum whose every step depends on what is in the FPU registers, and a control word of one's own. */
static void fpu_thread(void) {
  u32 me = __sync_fetch_and_add(&started, 1);
  u16 control = (u16)(0x037F | (me & 3) << 10), now;
  double step = me + 1, value;
  __asm__ volatile("fninit\n\tfldcw %0\n\tfldl %1\n\tfldz" : : "m"(control), "m"(step));
  while (!stop) {
    for (u32 i = 0; i < 1000; i++) __asm__ volatile("fadd %st(1), %st");
    shared[me]++;
    if (shared[me] % 128 == 0) sys0(SYS_YIELD);
    __asm__ volatile("fnstcw %0\n\tfstl %1" : "=m"(now), "=m"(value));
    if (now != control || value != (double)shared[me] * 1000.0 * step) mixed++;
  }
  exit(0);
}

static const char *fpu_separation(void) {
  if (!run_threads(fpu_thread, 200)) return "threads failed to start";
  for (u32 i = 0; i < THREADS; i++)
    if (!shared[i]) return fail("thread %u never ran", i);
  return mixed ? fail("%u times a task found another's FPU state", mixed) : NULL;
}

/* The same for XMM registers: each thread adds its own number to four of its own, under a rounding of its own. */
static void sse_thread(void) {
  u32 me = __sync_fetch_and_add(&started, 1);
  u32 control = 0x1F80 | (me & 3) << 13, now, step[4] = {me, me + 1, me + 2, me + 3}, value[4], sum = 0;
  __asm__ volatile("ldmxcsr %0\n\tmovups %1, %%xmm6\n\tpxor %%xmm7, %%xmm7" : : "m"(control), "m"(step));
  while (!stop) {
    for (u32 i = 0; i < 1000; i++) __asm__ volatile("paddd %xmm6, %xmm7");
    shared[me]++;
    sum += 1000;
    if (shared[me] % 128 == 0) sys0(SYS_YIELD);
    __asm__ volatile("stmxcsr %0\n\tmovups %%xmm7, %1" : "=m"(now), "=m"(value));
    if (now != control) mixed++;
    for (u32 i = 0; i < 4; i++) mixed += value[i] != sum * step[i];
  }
  exit(0);
}

static const char *sse_separation(void) {
  if (!have_sse2()) return NULL;
  if (!run_threads(sse_thread, 200)) return "threads failed to start";
  return mixed ? fail("%u times a task found another's XMM registers or MXCSR", mixed) : NULL;
}

/* A child inherits the registers; after that they are its own. */
static const char *fpu_fork(void) {
  double two = 2, value = 0;
  __asm__ volatile("fninit\n\tfldl %0" : : "m"(two));
  int child = fork();
  if (!child) {
    __asm__ volatile("fld1\n\tfaddp\n\tfstpl %0" : "=m"(value));
    exit(value == 3.0 ? 7 : 1);
  }
  int status = wait_for(child);
  __asm__ volatile("fstpl %0" : "=m"(value));
  return status == 7 && value == 2.0 ? NULL : fail("the child ended with %d", status);
}

static const char *fpu_lazy(void) {
  volatile double x = 1;
  x = x + 1;
  u32 before = counter(COUNTER_NM);
  for (u32 i = 0; i < 100; i++) x = x + 1;
  u32 quiet = counter(COUNTER_NM) - before;
  if (quiet > 10) return fail("%u traps without a switch", quiet);
  sys2(SYS_SLEEP, 1000000, 0);
  before = counter(COUNTER_NM);
  x = x + 1;
  u32 after = counter(COUNTER_NM) - before;
  return after == 1 && x == 103.0 ? NULL : fail("%u traps for the first use after a switch", after);
}

static const char *sleeping(void) {
  for (u32 ms = 1; ms < 40; ms *= 3) {
    u64 start = now_ns();
    sys2(SYS_SLEEP, ms * 1000000, 0);
    u32 us = div64(now_ns() - start, 1000, NULL);
    if (us < ms * 1000) return fail("a sleep of %u ms took %u us", ms, us);
  }
  return NULL;
}

/* A trap nobody handles ends its process, and nothing else. */
static const char *death(void) {
  int child = fork();
  if (!child) {
    sys1(SYS_ON_TRAP, 0);
    sys2(SYS_WRITE, "(expected) ", 11);
    __asm__ volatile("movl $1, 4" : : : "memory");
    exit(0);
  }
  int status = wait_for(child);
  return status == 128 + 14 ? NULL : fail("status %d", status);
}

const struct test tests_process[] = {
  {"process-demand-zero", demand_zero, 0},
  {"process-stack-growth", stack_growth, 0},
  {"process-page-bits", page_bits, 0},
  {"process-copy-on-write", copy_on_write, 0},
  {"process-many", many_processes, 0},
  {"process-nested", nested_processes, 0},
  {"process-death", death, 0},
  {"process-sleep", sleeping, 0},
  {"thread-tls", thread_tls, 0},
  {"thread-preemption", preemption, 0},
  {"fpu-separation", fpu_separation, 0},
  {"sse-separation", sse_separation, 0},
  {"fpu-fork", fpu_fork, 0},
  {"fpu-lazy", fpu_lazy, 0},
  {0},
};
