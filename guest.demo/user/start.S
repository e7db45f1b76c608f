/* The first page of every process. The kernel jumps to the third word, with the command in EAX, just above the stack pointer. */
  .section .head, "ax"
  .ascii "DEMO"
  .long __bss_end
  .globl _start
_start:
  xorl %ebp, %ebp
  pushl %eax
  call start
1: jmp 1b

  .text
/* int syscall3(int number, a, b, c) */
  .globl syscall3
syscall3:
  pushl %ebx
  movl 8(%esp), %eax
  movl 12(%esp), %ebx
  movl 16(%esp), %ecx
  movl 20(%esp), %edx
  int $0x80
  popl %ebx
  ret

  .section .note.GNU-stack, "", @progbits
