/* Eratosthenes over a byte array: short loops, one store each, little arithmetic. */
#include "bench.h"

#define NUMBERS 1000000

struct result bench_sieve(u32 scale) {
  u8 *composite = grow(NUMBERS);
  u32 primes = 0, last = 0;
  for (u32 round = 0; round < scale; round++) {
    memset(composite, 0, NUMBERS);
    primes = 0;
    for (u32 i = 2; i < NUMBERS; i++) {
      if (composite[i]) continue;
      primes++;
      last = i;
      if (i < 1000)
        for (u32 j = i * i; j < NUMBERS; j += i) composite[j] = 1;
    }
  }
  return (struct result){primes ^ last << 8, NUMBERS * scale};
}
