/*
 * Tour 2.14: What processes may ask
 *
 * `int $0x80`, number in EAX, arguments in EBX, ECX, EDX; the vector is a trap gate, so the call goes straight from ring 3
 * to ring 1 without a visit to the Host. The table is small: enough to run several programs, and to let them see what the
 * self-tests must see (their page-table entries, their own traps).
 */
#include "kernel.h"
#include "../user/abi.h"

u32 syscalls;
int test_passed, test_failed;

void test_result(const char *name, const char *why) {
  if (why) {
    test_failed++;
    print("FAILED %s: %s\n", name, why);
  } else {
    test_passed++;
    print("ok %s\n", name);
  }
}

static u32 sys_write(u32 from, u32 n) {
  char part[256];
  for (u32 done = 0; done < n;) {
    u32 m = n - done < sizeof part ? n - done : sizeof part;
    if (!copy_from_user(part, from + done, m)) return (u32)-1;
    console_write(part, m);
    done += m;
  }
  return n;
}

static u32 sys_brk(u32 end) {
  struct space *s = current->space;
  if (!end) return s->brk;
  u32 top = PAGE_UP(end);
  if (end < user_bss_end() || top > USER_TOP - USER_STACK_LIMIT) return (u32)-1;
  u32 old = s->brk;
  s->brk = top;
  space_unmap(s, top, old);
  return s->brk;
}

static u32 sys_set_tls(u32 index, u32 low, u32 high) {
  if (index >= TLS_ENTRIES) return (u32)-1;
  /* Only data segments for ring 3; everything else about it is the caller's choice, also "not present". */
  current->tls[index] = (struct descriptor){low, (high & ~0x0800u) | 0x7000};
  load_tls(current);
  return 0;
}

static u32 sys_result(u32 name, u32 why) {
  char n[64], w[160];
  for (u32 i = 0; i < sizeof n; i++)
    if (!copy_from_user(n + i, name + i, 1) || !n[i]) break;
  n[sizeof n - 1] = w[0] = 0;
  for (u32 i = 0; why && i < sizeof w; i++)
    if (!copy_from_user(w + i, why + i, 1) || !w[i]) break;
  w[sizeof w - 1] = 0;
  test_result(n, why ? w : NULL);
  return 0;
}

static u32 sys_counter(u32 which) {
  switch (which) {
    case COUNTER_COW: return faults_cow;
    case COUNTER_ZERO: return faults_zero;
    case COUNTER_IMAGE: return faults_image;
    case COUNTER_SWITCHES: return context_switches;
    case COUNTER_MY_SWITCHES: return current->switches;
    case COUNTER_NM: return current->nm_traps;
    case COUNTER_FREE_PAGES: return pages_free;
    case COUNTER_TICKS: return ticks;
    default: return (u32)-1;
  }
}

/* A trap of a process that asked for it: its handler runs, on its own stack, with the saved registers to look at and change. */
bool user_upcall(struct regs *r, u32 cr2) {
  if (!current->trap_entry) return false;
  struct trap_frame frame = {
    .vector = r->vector, .error = r->error, .cr2 = cr2, .eip = r->eip, .eflags = r->eflags, .esp = r->esp,
    .eax = r->eax, .ebx = r->ebx, .ecx = r->ecx, .edx = r->edx, .esi = r->esi, .edi = r->edi, .ebp = r->ebp,
    .gs = r->gs & 0xFFFF, .fs = r->fs & 0xFFFF, .ds = r->ds & 0xFFFF, .es = r->es & 0xFFFF, .ss = r->ss & 0xFFFF,
  };
  u32 at = ((r->esp - 256 - sizeof frame) & ~15u), call[2] = {0, at};
  if (!copy_to_user(at, &frame, sizeof frame) || !copy_to_user(at - sizeof call, call, sizeof call)) return false;
  r->esp = at - sizeof call;
  r->eip = current->trap_entry;
  r->eflags &= ~(1u << 8 | 1u << 10); /* the handler is not single-stepped and runs with DF clear */
  r->ds = r->es = r->ss = USER_DS;
  return true;
}

/* Back to where the trap was, or wherever the handler decided; privilege is not its to give. */
static u32 sys_trap_return(struct regs *r, u32 at) {
  struct trap_frame f;
  if (!copy_from_user(&f, at, sizeof f)) task_exit(128);
  r->eip = f.eip, r->esp = f.esp, r->ebx = f.ebx, r->ecx = f.ecx, r->edx = f.edx;
  r->esi = f.esi, r->edi = f.edi, r->ebp = f.ebp;
  r->gs = f.gs & 0xFFFF, r->fs = f.fs & 0xFFFF, r->ds = f.ds & 0xFFFF, r->es = f.es & 0xFFFF;
  r->eflags = (f.eflags & 0x00200DD5) | 0x202; /* arithmetic, TF, DF and ID; IF stays */
  return f.eax;
}

static u32 syscall(struct regs *r) {
  u32 a = r->ebx, b = r->ecx, c = r->edx;
  switch (r->eax) {
    case SYS_EXIT: task_exit((int)a);
    case SYS_WRITE: return sys_write(a, b);
    case SYS_GETPID: return (u32)current->pid;
    case SYS_YIELD: schedule(); return 0;
    case SYS_SLEEP: task_sleep((u64)b << 32 | a); return 0;
    case SYS_TIME: {
      u64 now = now_ns();
      return copy_to_user(a, &now, sizeof now) ? 0 : (u32)-1;
    }
    case SYS_BRK: return sys_brk(a);
    case SYS_FORK: return (u32)task_fork(r, 0, 0);
    case SYS_THREAD: return a && b ? (u32)task_fork(r, a, b) : (u32)-1;
    case SYS_WAIT: {
      int status = 0, pid = task_wait((int)a, &status);
      return pid >= 0 && b && !copy_to_user(b, &status, sizeof status) ? (u32)-1 : (u32)pid;
    }
    case SYS_SET_TLS: return sys_set_tls(a, b, c);
    case SYS_ON_TRAP: current->trap_entry = a; return 0;
    case SYS_TRAP_RETURN: return sys_trap_return(r, a);
    case SYS_RESULT: return sys_result(a, b);
    case SYS_COUNTER: return sys_counter(a);
    case SYS_PROTECT: return space_protect(current->space, a, b, c != 0) ? 0 : (u32)-1;
    case SYS_PTE: {
      u32 *slot = a < PAGE_OFFSET ? space_pte(current->space, a, false) : NULL;
      return slot ? *slot : 0;
    }
    case SYS_READ: {
      char ch = (char)console_getc();
      return b && copy_to_user(a, &ch, 1) ? 1 : (u32)-1;
    }
    case SYS_AGE: { /* forget that a page was used */
      u32 *slot = a < PAGE_OFFSET ? space_pte(current->space, a, false) : NULL;
      if (slot) set_pte(current->space->pgdir, a & PTE_FRAME, slot, *slot & ~(PTE_A | PTE_D));
      return slot != NULL;
    }
    case SYS_EXEC: {
      char command[128];
      for (u32 i = 0; i < sizeof command; i++) {
        if (!copy_from_user(command + i, a + i, 1)) break;
        if (!command[i]) return task_exec(r, command) ? r->eax : (u32)-1;
      }
      return (u32)-1;
    }
    default: return (u32)-1;
  }
}

void syscall_dispatch(struct regs *r) {
  syscalls++;
  r->eax = syscall(r);
}
