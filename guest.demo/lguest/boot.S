/*
 * Tour 2.2: The first instruction
 *
 * The Launcher looks for thirteen letters and jumps to the byte behind them. Paging is on already and everything up to the
 * end of memory is mapped at PAGE_OFFSET; ESI holds the guest-physical address of the boot parameters; there is no stack, no
 * interrupt table, and we are in ring 1. All that is left for assembly is a stack, a clean BSS and a call.
 *
 * A confession: the four loads from memory into EAX could be immediates. A raw image (a bzImage) carries no addresses, so
 * the Launcher guesses PAGE_OFFSET by looking for that very instruction, opcode 0xA1: the first top byte seen four times
 * wins. So we see to it that the first four are ours.
 */
#include "lguest.h"

  .section .head, "ax"
  .ascii "GenuineLguest"
  .globl _start
_start:
  movl boot_stack_pointer, %eax
  movl %eax, %esp
  movl boot_bss_start, %eax
  movl %eax, %edi
  movl boot_bss_end, %eax
  movl %eax, %ecx
  subl %edi, %ecx
  xorl %eax, %eax
  cld
  rep stosb
  movl boot_entry, %eax
  addl $PAGE_OFFSET, %esi
  pushl %esi
  call *%eax
1: jmp 1b                     /* kernel_main does not return */

  .section .rodata
  .balign 4
boot_stack_pointer: .long boot_stack_top
boot_bss_start: .long __bss_start
boot_bss_end: .long __bss_end
boot_entry: .long kernel_main

  .section .note.GNU-stack, "", @progbits
