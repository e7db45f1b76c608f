/* The self-tests of ring 3: their registry, and how they catch their own traps. */
#include "test.h"

bool original_host;
struct trap_frame seen;
volatile u32 resume;
static char why[160];

static void on_trap(struct trap_frame *frame) {
  seen = *frame;
  if (resume) frame->eip = resume;
  frame->eflags &= ~0x100u;
  sys1(SYS_TRAP_RETURN, frame);
}

void restore_handler(void) { sys1(SYS_ON_TRAP, on_trap); }

const char *fail(const char *f, ...) {
  __builtin_va_list args;
  __builtin_va_start(args, f);
  format_args(why, sizeof why, f, args);
  __builtin_va_end(args);
  return why;
}

const char *expect_trap(u32 vector, u32 error) {
  if (seen.vector == ~0u) return fail("no trap; vector %u error %x expected", vector, error);
  if (seen.vector == vector && seen.error == error) return NULL;
  return fail("vector %u error %x; vector %u error %x expected", seen.vector, seen.error, vector, error);
}

const char *expect_page_fault(u32 address, u32 error) {
  if (seen.vector == 14 && seen.cr2 != address) return fail("page fault at %x, not %x", seen.cr2, address);
  return expect_trap(14, error);
}

void *start_stack(u32 bytes) { return (u8 *)grow(bytes) + bytes - 16; }

static bool matches(const char *name, const char *wanted) {
  for (; *wanted; name++, wanted++)
    if (*name != *wanted) return false;
  return true;
}

static void run_group(const struct test *tests, const char *wanted) {
  static char text[256];
  for (const struct test *t = tests; t->name; t++) {
    if (!matches(t->name, wanted)) continue;
    const char *result = t->run();
    if (result && t->quirk && original_host) {
      format(text, sizeof text, "%s (known of the original Host: appendix B %u)", result, t->quirk);
      result = text;
    }
    sys2(SYS_RESULT, t->name, result);
  }
}

/* test ours|original [name] */
int test_main(int argc, char **argv) {
  original_host = argc > 1 && !strcmp(argv[1], "original");
  const char *wanted = argc > 2 ? argv[2] : "";
  restore_handler();
  run_group(tests_trap, wanted);
  run_group(tests_process, wanted);
  run_group(tests_work, wanted);
  return 0;
}
