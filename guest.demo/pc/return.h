/* The last step back: iret turns interrupts on again, all at once. */
  addl $8, %esp
  iret
