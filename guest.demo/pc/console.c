/* Bytes to QEMU's debug port (isa-debugcon), which takes any number by one instruction. Nobody types here. */
#include "kernel.h"

#define DEBUG_PORT 0xE9

u32 console_send(const void *bytes, u32 n) {
  u32 left = n;
  __asm__ volatile("rep outsb" : "+S"(bytes), "+c"(left) : "d"(DEBUG_PORT) : "memory");
  console_sends++;
  console_bytes_out += n;
  return n;
}

bool console_take(char *c) {
  (void)c;
  return false;
}
