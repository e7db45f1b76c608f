/* A process of Linux begins with its arguments on the stack; the programs want them as one command. */
  .section .head, "ax"
  .globl _start
_start:
  xorl %ebp, %ebp
  movl %esp, %eax
  andl $-16, %esp
  subl $12, %esp
  pushl %eax
  call linux_start
1: jmp 1b

  .text
/* int linux_call(int number, a, b, c, d, e) */
  .globl linux_call
linux_call:
  pushl %ebx
  pushl %esi
  pushl %edi
  movl 16(%esp), %eax
  movl 20(%esp), %ebx
  movl 24(%esp), %ecx
  movl 28(%esp), %edx
  movl 32(%esp), %esi
  movl 36(%esp), %edi
  int $0x80
  popl %edi
  popl %esi
  popl %ebx
  ret

  .section .note.GNU-stack, "", @progbits
