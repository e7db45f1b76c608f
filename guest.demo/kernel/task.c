/*
 * Tour 2.9: Many of us
 *
 * A task is a kernel stack and, for a process, an address space. Switching is done where a task gives up the processor: when
 * it waits, or on its way back to user mode after the timer said its time is up. The calls that tell the Host of the new
 * page directory, stack and TLS go through the ring and are made good with one FLUSH_ASYNC. With nothing to do, the idle
 * task asks to be halted: the Host then sleeps for us until an interrupt comes.
 */
#include "kernel.h"

struct task tasks[MAX_TASKS], *current = &tasks[0];
volatile bool need_resched;
u32 context_switches;
u64 idle_ns;
int foreground;
static int next_pid = 1;
static u64 switched_at;
extern u8 boot_stack[];

static bool expired(const struct task *t, u64 now) { return t->state == TASK_WAITING && t->wake_at && t->wake_at <= now; }

/* Round robin from the one after us; the idle task (0) only when nobody else can run. */
static struct task *pick(void) {
  u32 me = current - tasks;
  for (u32 i = 1; i <= MAX_TASKS; i++) {
    struct task *t = &tasks[(me + i) % MAX_TASKS];
    if (t != &tasks[0] && t->state == TASK_READY) return t;
  }
  return &tasks[0];
}

void set_stack(struct task *t) { load_kernel_stack((u32)t->stack + TASK_STACK, TASK_STACK / PAGE_SIZE); }

void schedule(void) {
  u32 flags = irq_save();
  struct task *prev = current, *next = pick();
  need_resched = false;
  if (next != prev) {
    u64 now = now_ns();
    prev->cpu_ns += now - switched_at;
    if (prev == &tasks[0]) idle_ns += now - switched_at;
    switched_at = now;
    context_switches++;
    next->switches++;
    lazy_begin();
    fpu_leave(prev);
    if (next->space) {
      load_pgdir(next->space->pgdir);
      set_stack(next);
      load_tls(next);
    }
    lazy_end();
    current = next;
    switch_stacks(&prev->esp, next->esp);
  }
  irq_restore(flags);
}

/* Waits until wake(channel), or the time is up (0: no limit), or somebody kills us. Call with interrupts off to lose no wake-up. */
void wait_on(const volatile void *channel, u64 timeout_ns) {
  u32 flags = irq_save();
  if (!(current->space && current->killed)) {
    current->channel = channel;
    current->wake_at = timeout_ns ? now_ns() + timeout_ns : 0;
    current->state = TASK_WAITING;
    schedule();
    current->channel = NULL;
    current->wake_at = 0;
  }
  irq_restore(flags);
}

void wake(const volatile void *channel) {
  u32 flags = irq_save();
  for (struct task *t = tasks; t < tasks + MAX_TASKS; t++)
    if (t->state == TASK_WAITING && t->channel == channel) {
      t->state = TASK_READY;
      need_resched = true;
    }
  irq_restore(flags);
}

/* ^C ends a sleep early. */
void task_sleep(u64 ns) {
  u64 until = now_ns() + ns;
  for (u64 now = now_ns(); now < until && !current->killed && !console_interrupted; now = now_ns())
    wait_on(&console_interrupted, until - now);
}

/* From the timer interrupt. */
void task_tick(u64 now) {
  for (struct task *t = tasks; t < tasks + MAX_TASKS; t++)
    if (expired(t, now)) t->state = TASK_READY;
  need_resched = true;
}

u64 next_deadline(void) {
  u64 first = 0;
  for (struct task *t = tasks; t < tasks + MAX_TASKS; t++)
    if (t->state == TASK_WAITING && t->wake_at && (!first || t->wake_at < first)) first = t->wake_at;
  return first;
}

static struct task *new_task(const char *name) {
  u32 flags = irq_save();
  struct task *t = tasks + 1;
  while (t < tasks + MAX_TASKS && t->state != TASK_FREE) t++;
  if (t < tasks + MAX_TASKS) {
    memset(t, 0, sizeof *t);
    t->stack = pages_try_alloc(TASK_STACK / PAGE_SIZE);
    if (t->stack) {
      t->state = TASK_WAITING; /* not before its maker is done */
      t->pid = next_pid++;
      t->parent = current->pid;
      t->started_at = now_ns();
      copy_string(t->name, name, sizeof t->name);
    }
  }
  irq_restore(flags);
  return t < tasks + MAX_TASKS && t->stack ? t : NULL;
}

static void first_switch(struct task *t, u32 eip, u32 *top) {
  *--top = eip;
  top -= 4; /* ebp ebx esi edi, as switch_stacks pops them */
  t->esp = (u32)top;
  t->state = TASK_READY;
}

struct task *task_kernel(const char *name, void (*body)(void *), void *arg) {
  struct task *t = new_task(name);
  if (!t) panic("no room for task %s", name);
  u32 *top = (u32 *)(t->stack + TASK_STACK);
  *--top = (u32)arg;
  *--top = (u32)body; /* task_entry pops this and calls it */
  first_switch(t, (u32)task_entry, top);
  return t;
}

struct regs *task_regs(struct task *t) { return (struct regs *)(t->stack + TASK_STACK) - 1; }

static void bury(struct task *t) {
  page_unref(phys(t->stack));
  page_unref(phys(t->stack) + PAGE_SIZE);
  t->state = TASK_FREE;
}

/* An address space for the user image, and the registers to start it with; the command is put at the top of its stack for start.S to take apart. */
static struct space *new_program(const char *command, struct regs *r) {
  struct space *space = space_new();
  u32 *slot = space ? space_pte(space, USER_TOP - PAGE_SIZE, true) : NULL;
  u8 *stack = slot ? pages_try_alloc(1) : NULL;
  if (!stack) {
    if (space) space_put(space);
    return NULL;
  }
  u32 length = strlen(command) + 1, top = PAGE_SIZE - ((length + 15) & ~15u);
  memcpy(stack + top, command, length);
  *slot = phys(stack) | PTE_D | PTE_A | PTE_U | PTE_W | PTE_P;
  space->pages++;
  *r = (struct regs){
    .eax = USER_TOP - PAGE_SIZE + top, .esp = USER_TOP - PAGE_SIZE + top, .ss = USER_DS, .cs = USER_CS,
    .ds = USER_DS, .es = USER_DS, .eip = USER_BASE + 8, .eflags = 0x202,
  };
  return space;
}

static void set_name(struct task *t, const char *command) {
  copy_string(t->name, command, sizeof t->name);
  char *space_at = strchr(t->name, ' ');
  if (space_at) *space_at = 0;
}

/* A process running the user image. */
struct task *task_user(const char *command) {
  struct task *t = new_task(command);
  if (!t) return NULL;
  set_name(t, command);
  t->space = new_program(command, task_regs(t));
  if (!t->space) {
    bury(t);
    return NULL;
  }
  first_switch(t, (u32)return_to_user, (u32 *)task_regs(t));
  return t;
}

/* The running process forgets all it was and starts again with that command. */
bool task_exec(struct regs *r, const char *command) {
  struct space *old = current->space, *space = new_program(command, r);
  if (!space) return false;
  u32 flags = irq_save();
  set_name(current, command);
  current->space = space;
  current->trap_entry = 0;
  fpu_drop(current);
  if (!ts_set) set_ts(true);
  memset(current->tls, 0, sizeof current->tls);
  load_tls(current);
  load_pgdir(space->pgdir);
  space_put(old);
  irq_restore(flags);
  return true;
}

/* A copy of the running process, or (with a stack) a thread in the same space starting at entry. Returns its pid, or -1. */
int task_fork(struct regs *r, u32 entry, u32 stack) {
  struct task *t = new_task(current->name);
  if (!t) return -1;
  t->space = current->space;
  if (stack) t->space->refs++;
  else t->space = space_fork(current->space);
  if (!t->space) {
    bury(t);
    return -1;
  }
  memcpy(t->tls, current->tls, sizeof t->tls);
  t->trap_entry = current->trap_entry;
  *task_regs(t) = *r;
  task_regs(t)->eax = 0;
  if (stack) {
    task_regs(t)->eip = entry;
    task_regs(t)->esp = stack;
  } else {
    fpu_copy(current, t);
  }
  first_switch(t, (u32)return_to_user, (u32 *)task_regs(t));
  return t->pid;
}

void task_exit(int status) {
  if (current->space) {
    struct space *space = current->space;
    irq_disable();
    fpu_drop(current);
    current->space = NULL;
    space_put(space);
  }
  irq_disable();
  current->status = status;
  current->state = TASK_ZOMBIE;
  for (struct task *t = tasks; t < tasks + MAX_TASKS; t++)
    if (t->state != TASK_FREE && t->parent == current->pid) {
      t->parent = 0; /* the idle task buries orphans */
      if (t->state == TASK_ZOMBIE) wake(&tasks[0]);
    }
  wake(&tasks[0]);
  struct task *parent = task_find(current->parent);
  if (parent) wake(parent);
  schedule();
  panic("a dead task ran");
}

struct task *task_find(int pid) {
  for (struct task *t = tasks; t < tasks + MAX_TASKS; t++)
    if (t->state != TASK_FREE && t->pid == pid) return t;
  return NULL;
}

/* Waits for a child (pid, or any with pid -1) to end; its pid, or -1 if there is none or we were killed. */
int task_wait(int pid, int *status) {
  u32 flags = irq_save();
  int found = -1;
  for (bool any = true; any && found < 0;) {
    any = false;
    for (struct task *t = tasks + 1; t < tasks + MAX_TASKS && found < 0; t++) {
      if (t->state == TASK_FREE || t->parent != current->pid || (pid >= 0 && t->pid != pid)) continue;
      any = true;
      if (t->state == TASK_ZOMBIE) {
        found = t->pid;
        *status = t->status;
        bury(t);
      }
    }
    if (current->space && current->killed) break;
    if (any && found < 0) wait_on(current, 0);
  }
  irq_restore(flags);
  return found;
}

/* What ^C does: every process ends on its way back to user mode. */
void task_kill_users(void) {
  for (struct task *t = tasks + 1; t < tasks + MAX_TASKS; t++)
    if (t->space && t->state != TASK_FREE && t->state != TASK_ZOMBIE) {
      t->killed = true;
      if (t->state == TASK_WAITING) t->state = TASK_READY;
    }
  need_resched = true;
}

void task_init(void) {
  tasks[0] = (struct task){.state = TASK_READY, .pid = 0, .parent = -1, .name = "idle", .stack = boot_stack};
  set_stack(&tasks[0]);
}

void idle_loop(void) {
  for (;;) {
    schedule();
    for (struct task *t = tasks + 1; t < tasks + MAX_TASKS; t++)
      if (t->state == TASK_ZOMBIE && t->parent == 0) bury(t);
    console_flush();
    irq_disable();
    if (pick() == &tasks[0]) {
      timer_arm_idle();
      wait_for_irq();
      irq_disable();
      timer_arm_tick();
    }
    irq_enable();
  }
}
