/*
 * Code that is hardly ever hot: thousands of different functions, written into fresh memory at run time, each called a few
 * times in a changing order. A translator must not spend more on a piece of code than the piece will ever give back.
 */
#include "bench.h"

#define FUNCTIONS 4096
#define ROUNDS 4

static u8 *emit_bytes(u8 *at, const void *bytes, u32 n) {
  memcpy(at, bytes, n);
  return at + n;
}

static u8 *emit_word(u8 *at, u32 word) { return emit_bytes(at, &word, 4); }

/* One instruction on EAX and ECX; the choice and the constant come from r. */
static u8 *emit_step(u8 *at, u32 r, u32 constant) {
  static const u8 wide[] = {0x05, 0x2D, 0x35, 0xB9};            /* add, sub, xor eax, imm; mov ecx, imm */
  static const u8 pairs[][2] = {{0x01, 0xC8}, {0x29, 0xC8}, {0x31, 0xC8}, {0x11, 0xC8}, {0x89, 0xC1}, {0x8D, 0x08}}; /* eax op= ecx ... */
  static const u8 rotates[] = {0xC0, 0xC8};                       /* rol, ror eax */
  switch (r % 8) {
    case 0: case 1: case 2:
      *at++ = wide[r >> 3 & 3];
      return emit_word(at, constant);
    case 3: case 4:
      return emit_bytes(at, pairs[(r >> 3) % 6], 2);
    case 5:
      *at++ = 0xC1;
      *at++ = rotates[r >> 3 & 1];
      *at++ = (u8)(1 + (r >> 5) % 31);
      return at;
    case 6: /* imul eax, eax, odd */
      *at++ = 0x69;
      *at++ = 0xC0;
      return emit_word(at, constant | 1);
    default: /* test eax, 1 << n; jz over an inc */
      *at++ = 0xA9;
      at = emit_word(at, 1u << (r >> 3 & 31));
      *at++ = 0x74;
      *at++ = 0x01;
      *at++ = 0x40;
      return at;
  }
}

struct result bench_cold(u32 scale) {
  typedef u32 function(u32);
  function **functions = grow(FUNCTIONS * sizeof(function *));
  u8 *at = grow(FUNCTIONS * 256);
  u32 seed = 13, value = 1;
  struct result r = {0, 0};
  for (u32 i = 0; i < FUNCTIONS; i++) {
    functions[i] = (function *)at;
    static const u8 prologue[] = {0x8B, 0x44, 0x24, 0x04, 0x31, 0xC9}; /* mov eax, [esp+4]; xor ecx, ecx */
    at = emit_bytes(at, prologue, sizeof prologue);
    for (u32 n = 24 + next_random(&seed) % 24; n; n--) {
      u32 choice = next_random(&seed), constant = next_random(&seed);
      at = emit_step(at, choice >> 8, constant);
    }
    *at++ = 0xC3;
  }
  for (u32 round = 0; round < ROUNDS * scale; round++)
    for (u32 i = 0; i < FUNCTIONS; i++) {
      value = functions[(i * 1021 + round) % FUNCTIONS](value + i);
      r.checksum = r.checksum * 31 + value;
      r.count++;
    }
  return r;
}
