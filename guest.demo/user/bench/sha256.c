/* SHA-256 (FIPS 180-4): rotates and adds in long straight lines. The round constants are computed, not stored. */
#include "bench.h"

#define BYTES (256 * 1024)

static u32 k[64], initial[8];

/* The first 32 bits of the fractional part of the cube (or square) root of p, by bisection in 64-bit arithmetic. */
static u32 root_fraction(u32 p, bool cube) {
  u64 low = 0, high = 1ull << 37; /* the root, scaled by 2^32, lies in [low, high) */
  while (high - low > 1) {
    u64 middle = (low + high) >> 1;
    /* Compare middle^2 (or ^3) with p * 2^64 (2^96) in 32-bit limbs. */
    u32 power[4] = {1, 0, 0, 0}, m[2] = {(u32)middle, (u32)(middle >> 32)};
    for (int times = 0; times < (cube ? 3 : 2); times++) {
      u32 next[4] = {0};
      for (int i = 0; i < 4; i++) {
        u64 carry = 0;
        for (int j = 0; i + j < 4; j++) {
          carry += (u64)power[i] * (j < 2 ? m[j] : 0) + next[i + j];
          next[i + j] = (u32)carry;
          carry >>= 32;
        }
      }
      memcpy(power, next, sizeof power);
    }
    bool greater = cube ? power[3] >= p : power[3] || power[2] >= p;
    if (greater) high = middle;
    else low = middle;
  }
  return (u32)low;
}

static void prepare(void) {
  u32 found = 0;
  for (u32 p = 2; found < 64; p++) {
    bool prime = true;
    for (u32 d = 2; d * d <= p; d++) prime &= p % d != 0;
    if (!prime) continue;
    if (found < 8) initial[found] = root_fraction(p, false);
    k[found++] = root_fraction(p, true);
  }
}

static inline u32 ror(u32 x, u32 n) { return x >> n | x << (32 - n); }

static void block(u32 h[8], const u8 *data) {
  u32 w[64];
  for (u32 i = 0; i < 16; i++) w[i] = __builtin_bswap32(((const u32 *)data)[i]);
  for (u32 i = 16; i < 64; i++) {
    u32 s0 = ror(w[i - 15], 7) ^ ror(w[i - 15], 18) ^ w[i - 15] >> 3;
    u32 s1 = ror(w[i - 2], 17) ^ ror(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  u32 v[8];
  memcpy(v, h, sizeof v);
  for (u32 i = 0; i < 64; i++) {
    u32 s1 = ror(v[4], 6) ^ ror(v[4], 11) ^ ror(v[4], 25), choose = (v[4] & v[5]) ^ (~v[4] & v[6]);
    u32 t1 = v[7] + s1 + choose + k[i] + w[i];
    u32 s0 = ror(v[0], 2) ^ ror(v[0], 13) ^ ror(v[0], 22), major = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
    v[7] = v[6], v[6] = v[5], v[5] = v[4], v[4] = v[3] + t1;
    v[3] = v[2], v[2] = v[1], v[1] = v[0], v[0] = t1 + s0 + major;
  }
  for (u32 i = 0; i < 8; i++) h[i] += v[i];
}

void sha256(const void *data, u32 bytes, u32 digest[8]) {
  if (!initial[0]) prepare();
  memcpy(digest, initial, sizeof initial);
  const u8 *p = data;
  u32 rest = bytes;
  for (; rest >= 64; rest -= 64, p += 64) block(digest, p);
  u8 tail[128];
  u32 size = rest < 56 ? 64 : 128;
  memset(tail, 0, sizeof tail);
  memcpy(tail, p, rest);
  tail[rest] = 0x80;
  u32 bits[2] = {__builtin_bswap32(bytes >> 29), __builtin_bswap32(bytes << 3)};
  memcpy(tail + size - 8, bits, sizeof bits);
  for (u32 at = 0; at < size; at += 64) block(digest, tail + at);
}

struct result bench_sha256(u32 scale) {
  u8 *data = grow(BYTES);
  u32 seed = 1, digest[8] = {0};
  for (u32 i = 0; i < BYTES; i++) data[i] = (u8)next_random(&seed);
  for (u32 round = 0; round < scale; round++) {
    sha256(data, BYTES, digest);
    memcpy(data, digest, sizeof digest); /* the next round hashes something else */
  }
  return (struct result){digest[0], BYTES * scale};
}
