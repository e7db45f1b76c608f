/*
 * Code that is hardly ever hot: thousands of different functions, more than a megabyte of them, called in a changing order. They
 * are written into fresh memory at run time, which costs little beside the first run through them and spares the image a
 * megabyte. A translator must not spend more on a piece of code than the piece will ever give back.
 */
#include "bench.h"

#define FUNCTIONS 6000
#define FUNCTION_ROOM 512
#define DATA_BYTES 65536

static u8 *emit_bytes(u8 *at, const void *bytes, u32 n) {
  memcpy(at, bytes, n);
  return at + n;
}

static u8 *emit_word(u8 *at, u32 word) { return emit_bytes(at, &word, 4); }

static u8 *emit_pair(u8 *at, u8 first, u8 second) {
  *at++ = first;
  *at++ = second;
  return at;
}

/* One instruction on EAX, ECX and the data at EBX; the choice and the constant come from r. No jumps. */
static u8 *emit_step(u8 *at, u32 r, u32 constant) {
  static const u8 wide[] = {0x05, 0x2D, 0x35, 0xB9};            /* add, sub, xor eax, imm; mov ecx, imm */
  static const u8 pairs[][2] = {{0x01, 0xC8}, {0x29, 0xC8}, {0x31, 0xC8}, {0x11, 0xC8}, {0x89, 0xC1}, {0x8D, 0x08}}; /* eax op= ecx ... */
  static const u8 loads[] = {0x03, 0x2B, 0x33, 0x03};           /* add, sub, xor eax, [ebx + disp] */
  u32 choice = r >> 3;
  switch (r % 8) {
    case 0: case 1:
      *at++ = wide[choice & 3];
      return emit_word(at, constant);
    case 2: case 3:
      return emit_bytes(at, pairs[choice % 6], 2);
    case 4: /* rol, ror eax */
      at = emit_pair(at, 0xC1, choice & 1 ? 0xC8 : 0xC0);
      *at++ = (u8)(1 + (choice >> 1) % 31);
      return at;
    case 5: /* imul eax, eax, odd */
      return emit_word(emit_pair(at, 0x69, 0xC0), constant | 1);
    case 6:
      return emit_word(emit_pair(at, loads[choice & 3], 0x83), constant % DATA_BYTES & ~3u);
    default: /* mov [ebx + disp], eax */
      return emit_word(emit_pair(at, 0x89, 0x83), constant % DATA_BYTES & ~3u);
  }
}

/* u32 function(u32), with its own mixture; a few of its steps are jumped over, or not. */
static u8 *emit_function(u8 *at, u32 data, u32 *seed) {
  static const u8 prologue[] = {0x53, 0x8B, 0x44, 0x24, 0x08, 0x31, 0xC9, 0xBB}; /* push ebx; mov eax, [esp+8]; xor ecx, ecx; mov ebx, data */
  at = emit_word(emit_bytes(at, prologue, sizeof prologue), data);
  for (u32 n = 28 + next_random(seed) % 24; n; n--) {
    u32 r = next_random(seed) >> 8;
    if (r % 8 == 0) { /* test eax, 1 << n; jz behind the next steps */
      *at++ = 0xA9;
      at = emit_word(at, 1u << (r >> 3 & 31));
      u8 *jump = at = emit_pair(at, 0x74, 0);
      for (u32 skipped = 1 + (r >> 8) % 3; skipped; skipped--) {
        u32 choice = next_random(seed) >> 8;
        at = emit_step(at, choice, next_random(seed));
      }
      jump[-1] = (u8)(at - jump);
    } else {
      at = emit_step(at, r >> 3, next_random(seed));
    }
  }
  return emit_pair(at, 0x5B, 0xC3); /* pop ebx; ret */
}

struct result bench_cold(u32 scale) {
  typedef u32 function(u32);
  function **functions = grow(FUNCTIONS * sizeof(function *));
  u32 data = (u32)grow(DATA_BYTES), seed = 13, value = 1;
  u8 *at = grow(FUNCTIONS * FUNCTION_ROOM);
  struct result r = {0, 0};
  for (u32 i = 0; i < FUNCTIONS; i++) {
    functions[i] = (function *)at;
    at = emit_function(at, data, &seed);
  }
  for (u32 round = 0; round < scale; round++)
    for (u32 i = 0; i < FUNCTIONS; i++) {
      value = functions[(i * 1021 + round) % FUNCTIONS](value + i);
      r.checksum = r.checksum * 31 + value;
      r.count++;
    }
  return r;
}
