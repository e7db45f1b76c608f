/* What kernel and user programs agree on: system call numbers and the frame a trap handler gets. */
#ifndef ABI_H
#define ABI_H

enum {
  SYS_EXIT, SYS_WRITE, SYS_GETPID, SYS_YIELD, SYS_SLEEP, SYS_TIME, SYS_BRK, SYS_FORK, SYS_THREAD, SYS_WAIT, SYS_SET_TLS,
  SYS_ON_TRAP, SYS_TRAP_RETURN, SYS_RESULT, SYS_COUNTER, SYS_PROTECT, SYS_PTE, SYS_READ, SYS_AGE, SYS_EXEC,
};

enum {
  COUNTER_COW, COUNTER_ZERO, COUNTER_IMAGE, COUNTER_SWITCHES, COUNTER_MY_SWITCHES, COUNTER_NM, COUNTER_FREE_PAGES,
  COUNTER_TICKS,
};

struct trap_frame {
  unsigned vector, error, cr2, eip, eflags, esp;
  unsigned eax, ebx, ecx, edx, esi, edi, ebp;
  unsigned gs, fs, ds, es, ss;
};

#endif
