/*
 * Tour 2.19: What a guest can know about its Host
 *
 * Every promise of the contract that is visible from inside has a test here, one line each. A Host is right if all pass. The
 * original is not quite: where one of its known faults (ABI appendix B) makes a test fail, the line says which, and where a
 * test would have killed us there, it is not tried. Tests in ring 1 are the files test_*.c; those that need ring 3 are a
 * program of their own (user/test*.c).
 */
#include "kernel.h"

bool original_host;
static char why[160];

const char *fail(const char *f, ...) {
  va_list args;
  __builtin_va_start(args, f);
  format_args(why, sizeof why, f, args);
  __builtin_va_end(args);
  return why;
}

const char *expect_fault(u32 vector, u32 error) {
  if (last_fault.vector == ~0u) return fail("no trap; %s (error %#x) expected", trap_name(vector), error);
  if (last_fault.vector != vector || last_fault.error != error)
    return fail("%s (error %#x); %s (error %#x) expected", trap_name(last_fault.vector), last_fault.error,
                trap_name(vector), error);
  return NULL;
}

/* A byte IN that answers with sixteen bits (appendix B 10) gives the original away; nothing else we do depends on it. */
static bool meet_host(void) {
  u32 eax = 0;
  __asm__ volatile("inb $0x80, %%al" : "+a"(eax));
  return eax == 0xFFFF;
}

static bool matches(const char *name, const char *wanted) { return !wanted || !strncmp(name, wanted, strlen(wanted)); }

static void run_group(const struct test *tests, const char *wanted) {
  for (const struct test *t = tests; t->name && !console_interrupted; t++) {
    if (!matches(t->name, wanted)) continue;
    const char *result = t->run();
    char text[200];
    if (result && t->quirk && original_host) {
      format(text, sizeof text, "%s (known of the original Host: appendix B %u)", result, t->quirk);
      result = text;
    }
    test_result(t->name, result);
    console_flush();
  }
}

int command_selftest(int argc, char **argv) {
  static const struct test *const groups[] = {tests_call, tests_cpu, tests_irq, tests_memory, tests_task, tests_block};
  const char *wanted = argc > 1 ? argv[1] : NULL;
  test_passed = test_failed = 0;
  original_host = meet_host();
  for (u32 i = 0; i < ARRAY_LEN(groups); i++) run_group(groups[i], wanted);
  char line[64];
  format(line, sizeof line, "test %s %s", original_host ? "original" : "ours", wanted ? wanted : "");
  int status = console_interrupted ? 0 : run_user(line);
  if (status && !console_interrupted) test_result("user-program", fail("ended with status %d", status));
  if (test_passed + test_failed == 0) print("selftest: no test is named %s...\n", wanted ? wanted : "");
  print("%d passed, %d failed\n", test_passed, test_failed);
  return test_failed != 0;
}
