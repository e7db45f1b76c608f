/*
 * Tour 2.5: What a trap means
 *
 * One function receives every vector. A page fault is tried on the address space first (most of them are just pages nobody
 * has touched yet); vector 7 is the FPU asking for its owner; a trap in the kernel at an address listed in the exception
 * table was expected; a trap of a process is the process's own trouble. What is left is a bug of ours: panic.
 */
#include "kernel.h"

extern char vector_stubs[], syscall_stub[];
extern const u32 __ex_table_start[][2], __ex_table_end[][2];

u32 trap_counts[32];
struct fault last_fault;
bool (*trap_hook)(struct regs *r);

static const char *const names[] = {
  "divide error", "debug", "NMI", "breakpoint", "overflow", "bound range", "invalid opcode", "device not available",
  "double fault", "coprocessor overrun", "invalid TSS", "segment not present", "stack fault", "general protection",
  "page fault", "reserved", "x87 error", "alignment check", "machine check", "SIMD error",
};

const char *trap_name(u32 vector) { return vector < ARRAY_LEN(names) ? names[vector] : "unknown trap"; }

bool from_user(const struct regs *r) { return (r->cs & 3) == 3; }

void set_gate(u32 vector, u32 handler, u32 type, u32 dpl) {
  u32 low = KERNEL_CS << 16 | (handler & 0xFFFF), high = (handler & 0xFFFF0000) | 0x8000 | dpl << 13 | type << 8;
  load_gate(vector, low, high);
}

void clear_gate(u32 vector) { load_gate(vector, 0, 0); }

/* Interrupt gates where a nested interrupt could clobber state the handler has not read yet (cr2, the debug flags). */
void trap_init(void) {
  for (u32 v = 0; v < 20; v++) {
    bool interrupt = v == 1 || v == 3 || v == 14, user = v == 3 || v == 4;
    if (v != 2 && v != 8 && v != 15)
      set_gate(v, (u32)vector_stubs + 16 * v, interrupt ? GATE_INTERRUPT : GATE_TRAP, user ? 3 : 0);
  }
  for (u32 v = FIRST_IRQ_VECTOR; v < FIRST_IRQ_VECTOR + IRQS; v++)
    set_gate(v, (u32)vector_stubs + 16 * v, GATE_INTERRUPT, 0);
  set_gate(SYSCALL_VECTOR, (u32)syscall_stub, GATE_TRAP, 3);
}

void print_regs(const struct regs *r) {
  u32 esp = from_user(r) ? r->esp : (u32)&r->esp;
  print("  eip %08x cs %04x eflags %08x error %x cr2 %08x\n", r->eip, r->cs & 0xFFFF, r->eflags, r->error, fault_address());
  print("  eax %08x ebx %08x ecx %08x edx %08x\n", r->eax, r->ebx, r->ecx, r->edx);
  print("  esi %08x edi %08x ebp %08x esp %08x\n", r->esi, r->edi, r->ebp, esp);
}

static bool fixup(struct regs *r, u32 cr2, bool irqs) {
  for (const u32 (*e)[2] = __ex_table_start; e < __ex_table_end; e++)
    if ((*e)[0] == r->eip) {
      last_fault = (struct fault){r->vector, r->error, cr2, r->eip, r->eflags, irqs};
      r->eip = (*e)[1];
      return true;
    }
  return false;
}

static void trap(struct regs *r) {
  u32 cr2 = fault_address(); /* before interrupts go on: the next fault overwrites it */
  bool irqs = irqs_on();
  trap_counts[r->vector]++;
  if (trap_hook && trap_hook(r)) return;
  if (r->vector == 7) {
    fpu_trap();
    return;
  }
  if (r->vector == 14) {
    if (r->eflags & FLAGS_IF) irq_enable(); /* as the interrupted code had it */
    if (space_fault(current->space, cr2, r->error)) return;
  }
  if (!from_user(r)) {
    if (fixup(r, cr2, irqs)) return;
    print("kernel: %s (%u)\n", trap_name(r->vector), r->vector);
    print_regs(r);
    panic("%s at %#x", trap_name(r->vector), r->eip);
  }
  irq_enable();
  if (user_upcall(r, cr2)) return;
  print("%s[%d]: %s (%u) at %08x error %x", current->name, current->pid, trap_name(r->vector), r->vector, r->eip, r->error);
  if (r->vector == 14) print(" address %08x", cr2);
  print("\n");
  task_exit(128 + r->vector);
}

/* Called by trap.S. Before going back to user mode: is it another task's turn, is this one to die? */
void trap_dispatch(struct regs *r) {
  if (r->vector == SYSCALL_VECTOR) syscall_dispatch(r);
  else if (r->vector >= FIRST_IRQ_VECTOR) machine_interrupt(r);
  else trap(r);
  if (!from_user(r)) return;
  for (;;) {
    irq_disable();
    if (current->killed) task_exit(130);
    if (!need_resched) return;
    irq_enable();
    schedule();
  }
}

/* Copies to and from user space walk into page faults on purpose; one that cannot be resolved ends the copy. */
bool copy_to_user(u32 to, const void *from, u32 n) {
  if (to >= USER_TOP || n > USER_TOP - to) return false;
  bool good;
  __asm__ volatile("1: rep movsb\n\tmovl $1, %0\n\tjmp 3f\n2: movl $0, %0\n3:\n" EX_TABLE(1b, 2b)
                   : "=&r"(good), "+D"(to), "+S"(from), "+c"(n) : : "memory");
  return good;
}

bool copy_from_user(void *to, u32 from, u32 n) {
  if (from >= USER_TOP || n > USER_TOP - from) return false;
  bool good;
  __asm__ volatile("1: rep movsb\n\tmovl $1, %0\n\tjmp 3f\n2: movl $0, %0\n3:\n" EX_TABLE(1b, 2b)
                   : "=&r"(good), "+D"(to), "+S"(from), "+c"(n) : : "memory");
  return good;
}

/* One byte at any address; false (and last_fault) if that trapped. */
bool probe_read(u32 address, u8 *value) {
  bool good;
  u8 byte = 0;
  __asm__ volatile("1: movb (%2), %1\n\tmovl $1, %0\n\tjmp 3f\n2: movl $0, %0\n3:\n" EX_TABLE(1b, 2b)
                   : "=&r"(good), "+q"(byte) : "r"(address) : "memory");
  *value = byte;
  return good;
}

bool probe_write(u32 address, u8 value) {
  bool good;
  __asm__ volatile("1: movb %1, (%2)\n\tmovl $1, %0\n\tjmp 3f\n2: movl $0, %0\n3:\n" EX_TABLE(1b, 2b)
                   : "=&r"(good) : "q"(value), "r"(address) : "memory");
  return good;
}
