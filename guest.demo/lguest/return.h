/*
 * The last step back. Ring 1 cannot execute a real `sti`, so the iret that should turn interrupts on again is preceded by a
 * store to lguest_data.irq_enabled; an interrupt between the two would nest on a stack that is just being given up. The Host
 * knows the range noirq_start..noirq_end and keeps quiet there.
 */
  addl $8, %esp
  pushl %eax
  movl %ss:12(%esp), %eax       /* the EFLAGS image iret is about to load */
  .globl noirq_start, noirq_end
noirq_start:
  movl %eax, %ss:lguest_data    /* irq_enabled; DS is the user's already */
  popl %eax
  iret
/* bool noirq_probe(volatile u32 *counter, u32 spins): did the counter change? A self-test waits here for what must not come. */
  .globl noirq_probe
noirq_probe:
  movl 4(%esp), %edx
  movl 8(%esp), %ecx
  movl (%edx), %eax
1: subl $1, %ecx
  jnz 1b
  subl (%edx), %eax
  ret
noirq_end:
