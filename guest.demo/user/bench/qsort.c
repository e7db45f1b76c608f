/* Quicksort with a compare function behind a pointer: calls and returns, branches that cannot be guessed. */
#include "bench.h"

#define ELEMENTS 50000

typedef int compare(const u32 *a, const u32 *b);

static int ascending(const u32 *a, const u32 *b) { return *a < *b ? -1 : *a > *b; }
static int by_low_half(const u32 *a, const u32 *b) { return (int)(*a & 0xFFFF) - (int)(*b & 0xFFFF); }

static void sort(u32 *a, int left, int right, compare *order) {
  while (left < right) {
    u32 pivot = a[(left + right) >> 1];
    int i = left, j = right;
    while (i <= j) {
      while (order(&a[i], &pivot) < 0) i++;
      while (order(&a[j], &pivot) > 0) j--;
      if (i > j) break;
      u32 t = a[i];
      a[i++] = a[j];
      a[j--] = t;
    }
    if (j - left < right - i) {
      sort(a, left, j, order);
      left = i;
    } else {
      sort(a, i, right, order);
      right = j;
    }
  }
}

struct result bench_qsort(u32 scale) {
  u32 *a = grow(ELEMENTS * 4), sum = 0, seed = 7;
  compare *volatile orders[2] = {ascending, by_low_half};
  for (u32 round = 0; round < scale; round++) {
    for (u32 i = 0; i < ELEMENTS; i++) a[i] = next_random(&seed);
    for (u32 pass = 0; pass < 2; pass++) {
      sort(a, 0, ELEMENTS - 1, orders[pass]);
      for (u32 i = 0; i < ELEMENTS; i += 97) sum = sum * 31 + (pass ? a[i] & 0xFFFF : a[i]);
      for (u32 i = 1; i < ELEMENTS; i++) sum += orders[pass](&a[i - 1], &a[i]) > 0; /* must add nothing */
    }
  }
  return (struct result){sum, 2 * ELEMENTS * scale};
}
