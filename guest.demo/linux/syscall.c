/*
 * The third machine: none at all. The user programs run as a process of Linux on the processor itself, and what they ask of
 * the demo guest's kernel is asked of Linux in its own words (system call numbers of i386). What only the tests need is missing.
 */
#include "user.h"

enum {
  LINUX_EXIT = 1, LINUX_FORK = 2, LINUX_WRITE = 4, LINUX_WAITPID = 7, LINUX_EXECVE = 11, LINUX_GETPID = 20, LINUX_BRK = 45,
  LINUX_MPROTECT = 125, LINUX_SCHED_YIELD = 158, LINUX_PRCTL = 172, LINUX_SCHED_SETAFFINITY = 241, LINUX_CLOCK_GETTIME = 265,
  LINUX_GETCPU = 318,
};
#define PR_SET_THP_DISABLE 41
#define READ_WRITE_EXECUTE 7
#define CLOCK_MONOTONIC 1

int linux_call(int number, ...);
void start(char *command);

/* The demo guest's heap ends at a page border, and what is there can be executed. */
static u32 heap(u32 end) {
  static u32 first, now;
  if (!first) {
    first = now = ((u32)linux_call(LINUX_BRK, 0) + 4095) & ~4095u;
    linux_call(LINUX_BRK, first);
  }
  if (!end) return now;
  end = (end + 4095) & ~4095u;
  if (end < first || (u32)linux_call(LINUX_BRK, end) != end) return (u32)-1;
  if (end > now) linux_call(LINUX_MPROTECT, now, end - now, READ_WRITE_EXECUTE);
  return now = end;
}

static int wait_child(u32 pid, int *status) {
  int how, found = linux_call(LINUX_WAITPID, pid, &how, 0);
  if (found >= 0 && status) *status = how & 0x7F ? 128 + (how & 0x7F) : how >> 8 & 0xFF;
  return found;
}

static int become(u32 command) {
  const char *arguments[] = {"bench", (const char *)command, NULL}, *environment[] = {NULL};
  return linux_call(LINUX_EXECVE, "/proc/self/exe", arguments, environment);
}

int syscall3(int number, u32 a, u32 b, u32 c) {
  (void)c;
  switch (number) {
    case SYS_EXIT: return linux_call(LINUX_EXIT, a);
    case SYS_WRITE: return linux_call(LINUX_WRITE, 1, a, b);
    case SYS_GETPID: return linux_call(LINUX_GETPID);
    case SYS_YIELD: return linux_call(LINUX_SCHED_YIELD);
    case SYS_BRK: return (int)heap(a);
    case SYS_FORK: return linux_call(LINUX_FORK);
    case SYS_WAIT: return wait_child(a, (int *)b);
    case SYS_EXEC: return become(a);
    case SYS_TIME: {
      u32 now[2];
      if (linux_call(LINUX_CLOCK_GETTIME, CLOCK_MONOTONIC, now)) return -1;
      *(u64 *)a = now[0] * 1000000000ull + now[1];
      return 0;
    }
    default: return -1;
  }
}

/* As in the guest: one processor, and pages of 4 KiB. */
static void be_small(void) {
  u32 cpu = 0, mask[32] = {0};
  linux_call(LINUX_GETCPU, &cpu, 0, 0);
  mask[cpu / 32 % 32] = 1u << cpu % 32;
  linux_call(LINUX_SCHED_SETAFFINITY, 0, sizeof mask, mask);
  linux_call(LINUX_PRCTL, PR_SET_THP_DISABLE, 1, 0, 0, 0);
}

/* The words after our name, put together again. */
void linux_start(char **stack) {
  static char command[1024];
  u32 count = *(u32 *)stack, at = 0;
  be_small();
  for (u32 i = 1; i < count; i++) {
    if (at + strlen(stack[1 + i]) + 2 > sizeof command) exit(126);
    for (const char *c = stack[1 + i]; *c; c++) command[at++] = *c;
    command[at++] = ' ';
  }
  start(command);
}
