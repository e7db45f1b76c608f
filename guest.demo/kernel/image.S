/* What every machine's first instructions find ready: a stack, and the image of our user programs, built first and carried along. */
#include "machine.h"

  .bss
  .balign 4096
  .globl boot_stack, boot_stack_top
boot_stack: .skip 8192
boot_stack_top:

/* The page-fault handler maps it page by page. */
  .section .user, "a"
  .balign 4096
  .globl user_image, user_image_end
user_image: .incbin "user.bin"
  .balign 4096
user_image_end:

  .section .note.GNU-stack, "", @progbits
