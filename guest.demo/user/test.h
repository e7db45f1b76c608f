/* What the test files of the user program share. */
#ifndef TEST_H
#define TEST_H
#include "user.h"

struct test {
  const char *name;
  const char *(*run)(void); /* NULL: passed; else why not */
  u32 quirk;                /* row of ABI appendix B that makes the original Host fail it, or 0 */
};
extern const struct test tests_trap[], tests_process[], tests_work[];
extern bool original_host;

const char *fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The last trap that reached this process, and where its handler sends it on (0: where it was). */
extern struct trap_frame seen;
extern volatile u32 resume;

/* Runs instructions that should trap and resumes behind them. seen.vector is ~0 if nothing happened. */
#define TRAP(code) do { \
    seen.vector = ~0u; \
    __asm__ volatile("movl $779f, resume\n\t" code "\n779:\n\tmovl $0, resume" : : : "eax", "ecx", "edx", "memory", "cc"); \
  } while (0)
const char *expect_trap(u32 vector, u32 error);
const char *expect_page_fault(u32 address, u32 error);
void restore_handler(void);
void *start_stack(u32 bytes); /* top of a fresh stack for a thread */
#endif
