/*
 * A boot loader that follows the Multiboot specification (0.6.96) leaves us at a physical address in protected mode, without
 * paging, EBX pointing at what it knows. Pages of 4 MiB put all of memory at PAGE_OFFSET as well; they serve until the kernel
 * has made its own, of 4 KiB each.
 */
#include "machine.h"

#define MAGIC 0x1BADB002
#define WANT_MEMORY_INFO 2
#define CR4_PSE_OSFXSR_OSXMMEXCPT 0x610
#define CR0_PG_WP_NE_MP_PE 0x80010023
#define LARGE_PAGE 0x83

  .section .head, "ax"
  .balign 4
  .long MAGIC, WANT_MEMORY_INFO, -(MAGIC + WANT_MEMORY_INFO)
  .globl _start
_start:
  cli
  cld
  movl $(boot_directory - PAGE_OFFSET), %edi
  movl $LARGE_PAGE, %eax
1: movl %eax, (%edi)
  movl %eax, (PAGE_OFFSET >> 20)(%edi)
  addl $4, %edi
  addl $0x400000, %eax
  cmpl $(boot_directory - PAGE_OFFSET + (0x38000000 >> 20)), %edi
  jb 1b
  movl %cr4, %eax
  orl $CR4_PSE_OSFXSR_OSXMMEXCPT, %eax
  movl %eax, %cr4
  movl $(boot_directory - PAGE_OFFSET), %eax
  movl %eax, %cr3
  movl %cr0, %eax
  orl $CR0_PG_WP_NE_MP_PE, %eax
  movl %eax, %cr0
  movl $2f, %eax
  jmp *%eax
2: movl $boot_stack_top, %esp
  addl $PAGE_OFFSET, %ebx
  pushl %ebx
  call kernel_main
3: jmp 3b

  .bss
  .balign 4096
boot_directory: .skip 4096

  .section .note.GNU-stack, "", @progbits
