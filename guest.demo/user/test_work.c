/* Ring 3: computations with known answers, and code that changes under the processor's feet. */
#include "test.h"
#include "bench/bench.h"

static const char *hashes(void) {
  static const u32 abc[8] = {0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223, 0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad};
  u32 digest[8];
  sha256("abc", 3, digest);
  if (memcmp(digest, abc, sizeof abc)) return fail("SHA-256 of abc begins with %08x", digest[0]);
  u32 crc = crc32(0, "123456789", 9);
  return crc == 0xCBF43926 ? NULL : fail("CRC-32 of 123456789 is %08x", crc);
}

/* What benchmarks must come to at scale 1, as a processor of silicon computed it; those that take long are left to `bench`. */
static const char *answers(void) {
  static const struct { const char *name; benchmark *run; u32 checksum, count; } known[] = {
    {"vm", bench_vm, 0x92059AA1, 690012}, {"mandel", bench_mandel_x87, 0x5AD2A401, 102781}, {"mandel-sse2", bench_mandel_sse2, 0x5AD2A401, 102781},
    {"cold", bench_cold, 0xCC2C2007, 6000},
  };
  for (u32 i = 0; i < ARRAY_LEN(known); i++) {
    if (known[i].run == bench_mandel_sse2 && !have_sse2()) continue;
    struct result r = known[i].run(1);
    if (r.checksum != known[i].checksum || r.count != known[i].count) return fail("%s: checksum %08x count %u", known[i].name, r.checksum, r.count);
  }
  return NULL;
}

static u32 call(void *code) { return ((u32(*)(void))code)(); }

static void put_return(u8 *code, u32 value) { /* mov eax, value; ret */
  code[0] = 0xB8;
  memcpy(code + 1, &value, 4);
  code[5] = 0xC3;
  barrier();
}

static const char *code_changes(void) {
  u8 *code = grow(8192);
  for (u32 i = 0; i < 300; i++) {
    u8 *at = code + (i % 3 == 2 ? 4093 : 16 * (i % 3)); /* the third lies across two pages */
    put_return(at, i);
    u32 got = call(at);
    if (got != i) return fail("round %u computed %u", i, got);
    *(volatile u8 *)(at + 2) = 1;
    got = call(at);
    if (got != ((i & 0xFF) | 0x100)) return fail("a changed byte was missed in round %u: %x", i, got);
  }
  return NULL;
}

/* A loop that rewrites the instruction it executes next. */
static const char *code_in_loop(void) {
  u8 *code = grow(4096);
  static const u8 loop[] = {
    0x31, 0xC0,                               /* xor eax, eax */
    0xB9, 50, 0, 0, 0,                        /* mov ecx, 50 */
    0x88, 0x0D, 0, 0, 0, 0,                   /* again: mov [imm], cl */
    0x05, 0, 0, 0, 0,                         /* add eax, imm */
    0x49,                                     /* dec ecx */
    0x75, 0xF2,                               /* jnz again */
    0xC3,
  };
  memcpy(code, loop, sizeof loop);
  u32 imm = (u32)code + 14;
  memcpy(code + 9, &imm, 4);
  barrier();
  u32 got = call(code);
  return got == 50 * 51 / 2 ? NULL : fail("computed %u, not 1275", got);
}

/* The same address holds different code in two processes. */
static const char *code_per_process(void) {
  u8 *code = grow(4096);
  put_return(code, 5);
  if (call(code) != 5) return "could not even start";
  int child = fork();
  if (!child) {
    put_return(code, 9);
    u32 mine = call(code);
    for (u32 i = 0; i < 20; i++) {
      sys0(SYS_YIELD);
      mine = mine == call(code) ? mine : 0;
    }
    exit((int)mine);
  }
  u32 bad = 0;
  for (u32 i = 0; i < 20; i++) {
    bad += call(code) != 5;
    sys0(SYS_YIELD);
  }
  int status = wait_for(child);
  if (status != 9) return fail("the child computed %d", status);
  return bad ? fail("the parent ran the child's code %u times", bad) : NULL;
}

/* String instructions over pages that nobody has touched yet. */
static const char *strings(void) {
  u32 bytes = 5 * 4096;
  u8 *a = grow(bytes), *b = grow(bytes);
  memset(a + 1, 0x5A, bytes - 2);
  memcpy(b + 3, a + 1, bytes - 4);
  for (u32 i = 0; i < bytes - 4; i++)
    if (b[3 + i] != 0x5A) return fail("byte %u is %x", i, b[3 + i]);
  if (a[0] || a[bytes - 1] || b[2] || b[bytes - 1]) return "a byte beside the strings changed";
  u32 count = bytes, n;
  u8 *p = a + 1;
  __asm__ volatile("repe scasb" : "+D"(p), "+c"(count) : "a"(0x5A) : "cc", "memory");
  n = (u32)(p - a - 1);
  if (n != bytes - 1) return fail("scasb stopped after %u", n);
  a[777] = 1;
  u8 *q = b + 3;
  p = a + 1;
  count = bytes - 4;
  __asm__ volatile("repe cmpsb" : "+D"(q), "+S"(p), "+c"(count) : : "cc", "memory");
  return p == a + 778 ? NULL : fail("cmpsb stopped after %u", (u32)(p - a));
}

static const char *arithmetic(void) {
  u32 state = 99, sum = 0;
  for (u32 i = 0; i < 20000; i++) {
    u32 a = next_random(&state), b = next_random(&state) | 1, q, r, low, high, carry;
    __asm__("divl %4" : "=a"(q), "=d"(r) : "0"(a), "1"(0), "r"(b) : "cc");
    if (q * b + r != a || r >= b) return fail("%x / %x = %x rest %x", a, b, q, r);
    __asm__("mull %3" : "=a"(low), "=d"(high) : "0"(a), "r"(b) : "cc");
    u32 al = a & 0xFFFF, ah = a >> 16, bl = b & 0xFFFF, bh = b >> 16;
    u32 mid = (al * bl >> 16) + (ah * bl & 0xFFFF) + (al * bh & 0xFFFF);
    if (low != a * b || high != ah * bh + (ah * bl >> 16) + (al * bh >> 16) + (mid >> 16)) return fail("%x * %x = %x:%x", a, b, high, low);
    __asm__("addl %2, %0\n\tsbbl %1, %1" : "=r"(q), "=r"(carry) : "r"(b), "0"(a) : "cc");
    if (q != a + b || carry != (q < a ? ~0u : 0)) return fail("%x + %x = %x carry %x", a, b, q, carry);
    __asm__("bsrl %1, %0" : "=r"(q) : "r"(b) : "cc");
    if (b >> q != 1) return fail("bsr of %x is %u", b, q);
    sum = sum * 31 + q + high;
  }
  return sum ? NULL : "sums to nothing";
}

static const char *fpu_known(void) {
  double two = 2, root, pi;
  u16 compact[5];
  __asm__ volatile("fldl %1\n\tfsqrt\n\tfstpl %0" : "=m"(root) : "m"(two));
  __asm__ volatile("fldpi\n\tfstpl %0" : "=m"(pi));
  __asm__ volatile("fldpi\n\tfstpt %0" : "=m"(compact));
  u32 words[2];
  memcpy(words, &root, 8);
  if (words[1] != 0x3FF6A09E || words[0] != 0x667F3BCD) return fail("sqrt 2 is %08x%08x", words[1], words[0]);
  memcpy(words, &pi, 8);
  if (words[1] != 0x400921FB || words[0] != 0x54442D18) return fail("pi is %08x%08x", words[1], words[0]);
  return compact[4] == 0x4000 && compact[3] == 0xC90F && compact[0] == 0xC235 ? NULL : fail("pi in 80 bits ends in %04x", compact[0]);
}

const struct test tests_work[] = {
  {"work-hashes", hashes, 0},
  {"work-answers", answers, 0},
  {"work-arithmetic", arithmetic, 0},
  {"work-strings", strings, 0},
  {"work-fpu", fpu_known, 0},
  {"code-user", code_changes, 0},
  {"code-in-loop", code_in_loop, 0},
  {"code-per-process", code_per_process, 0},
  {0},
};
