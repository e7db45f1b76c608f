/*
 * Sides of memory: long copies (string instructions and word loops); copies between addresses a power of two apart, which meet in
 * the same places of caches and of a TLB; and a walk where every address comes from the last load.
 */
#include "bench.h"

#define COPY_BYTES (512 * 1024)
#define APART (2 * 1024 * 1024)
#define APART_BYTES (256 * 1024)
#define NODES (256 * 1024)
#define STEPS 1000000

struct result bench_memcpy(u32 scale) {
  u32 *from = grow(COPY_BYTES), *to = grow(COPY_BYTES), seed = 5, n = COPY_BYTES / 4, sum = 0;
  for (u32 i = 0; i < n; i++) from[i] = next_random(&seed);
  for (u32 round = 0; round < scale; round++) {
    u32 *d = to, *s = from, words = n;
    __asm__ volatile("rep movsl" : "+D"(d), "+S"(s), "+c"(words) : : "memory");
    for (u32 i = 0; i < n; i++) from[i] = to[n - 1 - i]; /* and back, turned round */
    memcpy((u8 *)to + 1, from, COPY_BYTES - 4);          /* bytes, unaligned */
    sum += to[round % n];
  }
  return (struct result){sum ^ crc32(0, to, COPY_BYTES), 3 * COPY_BYTES * scale};
}

struct result bench_apart(u32 scale) {
  u32 *from = grow(APART + APART_BYTES), *to = from + APART / 4, seed = 9, n = APART_BYTES / 4;
  for (u32 i = 0; i < n; i++) from[i] = next_random(&seed);
  for (u32 round = 0; round < scale; round++) {
    for (u32 i = 0; i < n; i++) to[i] = from[i] + round;
    for (u32 i = 0; i < n; i++) from[i] = to[i] ^ i;
  }
  return (struct result){crc32(0, to, APART_BYTES), 2 * APART_BYTES * scale};
}

struct result bench_chase(u32 scale) {
  u32 *next = grow(NODES * 4), seed = 11, at = 0;
  for (u32 i = 0; i < NODES; i++) next[i] = i;
  for (u32 i = NODES - 1; i; i--) { /* Sattolo's shuffle: one cycle through all */
    u32 j = next_random(&seed) % i, t = next[i];
    next[i] = next[j];
    next[j] = t;
  }
  for (u32 i = 0; i < STEPS * scale; i++) at = next[at];
  return (struct result){at, STEPS * scale};
}
