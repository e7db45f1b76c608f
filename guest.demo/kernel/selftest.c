/* Self-tests that run in ring 1. */
#include "kernel.h"

static void test_hypercall_registers(void) {
  u32 eax = LHCALL_FLUSH_ASYNC, esi = 0x12345678, edi = 0x9ABCDEF0;
  __asm__ volatile("int $0x1f" : "+a"(eax), "+S"(esi), "+D"(edi) : "d"(0), "b"(0), "c"(0) : "memory");
  test_result("hypercall-registers", eax == LHCALL_FLUSH_ASYNC && esi == 0x12345678 && edi == 0x9ABCDEF0 ? NULL : "changed");
}

int command_selftest(int argc, char **argv) {
  (void)argc, (void)argv;
  test_passed = test_failed = 0;
  test_hypercall_registers();
  print("%d passed, %d failed\n", test_passed, test_failed);
  return test_failed != 0;
}
