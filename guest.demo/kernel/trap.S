/*
 * Tour 2.4: The doors
 *
 * Every trap, interrupt and system call enters here: a stub pushes its number (and a zero where the processor pushed no
 * error code), the registers follow, and C gets a pointer to all of it. The way out ends with what the machine needs for an
 * iret (return.h), the delicate part.
 */
#include "machine.h"

  .text

/* 64 stubs of 16 bytes for vectors 0..63, and one for system calls. 8, 10-14 and 17 come with an error code. */
  .balign 16
  .globl vector_stubs
vector_stubs:
  .set n, 0
  .rept 64
  .balign 16
  .if !(n == 8 || (n >= 10 && n <= 14) || n == 17)
  pushl $0
  .endif
  pushl $n
  jmp trap_common
  .set n, n + 1
  .endr

  .balign 16
  .globl syscall_stub
syscall_stub:
  pushl $0
  pushl $SYSCALL_VECTOR
  jmp trap_common

  .balign 16
trap_common:
  cld
  pushl %gs
  pushl %fs
  pushl %es
  pushl %ds
  pushl %eax
  pushl %ebp
  pushl %edi
  pushl %esi
  pushl %edx
  pushl %ecx
  pushl %ebx
  movl $KERNEL_DS, %eax
  movl %eax, %ds
  movl %eax, %es
  xorl %eax, %eax
  movl %eax, %fs
  movl %eax, %gs
  movl %esp, %eax
  pushl %eax
  call trap_dispatch
  addl $4, %esp

/* A new process starts here too, on registers that task.c made up. */
  .globl return_to_user
return_to_user:
  IRQS_OFF
  popl %ebx
  popl %ecx
  popl %edx
  popl %esi
  popl %edi
  popl %ebp
  popl %eax
  /* A thread may have lost the descriptor it had loaded; it then gets a null selector, not us a panic. */
1: popl %ds
2: popl %es
3: popl %fs
4: popl %gs
  .pushsection .text.fixup, "ax"
11: movl $0, %ss:(%esp)
  jmp 1b
12: movl $0, %ss:(%esp)
  jmp 2b
13: movl $0, %ss:(%esp)
  jmp 3b
14: movl $0, %ss:(%esp)
  jmp 4b
  .popsection
  .pushsection __ex_table, "a"
  .long 1b, 11b, 2b, 12b, 3b, 13b, 4b, 14b
  .popsection
#include "return.h"

/* switch_stacks(u32 *save, u32 load): the whole of a context switch that C cannot say. */
  .globl switch_stacks
switch_stacks:
  movl 4(%esp), %eax
  movl 8(%esp), %edx
  pushl %ebp
  pushl %ebx
  pushl %esi
  pushl %edi
  movl %esp, (%eax)
  movl %edx, %esp
  popl %edi
  popl %esi
  popl %ebx
  popl %ebp
  ret

/* First switch to a new task "returns" here: function and argument wait on its stack. */
  .globl task_entry
task_entry:
  IRQS_ON
  popl %eax
  call *%eax
1: jmp 1b

  .section .note.GNU-stack, "", @progbits
