/* What a benchmark is: given a scale it does that many times its unit of work and reports a checksum and a count. */
#ifndef BENCH_H
#define BENCH_H
#include "../user.h"

struct result {
  u32 checksum; /* the same for the same scale on every correct machine */
  u32 count;    /* units of work done */
};
typedef struct result benchmark(u32 scale);

benchmark bench_empty, bench_sieve, bench_sha256, bench_qsort, bench_crc32, bench_vm, bench_memcpy, bench_apart, bench_chase,
  bench_mandel_x87, bench_mandel_sse2, bench_cold, bench_syscall, bench_fault, bench_switch, bench_fork, bench_exec;
bool have_sse2(void);

/* The pseudo-random numbers of all benchmarks: Marsaglia's xorshift. */
static inline u32 next_random(u32 *state) {
  u32 x = *state;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return *state = x;
}

void sha256(const void *data, u32 bytes, u32 digest[8]);
u32 crc32(u32 crc, const void *data, u32 bytes);
#endif
