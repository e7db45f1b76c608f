/* The library of the user programs. */
#include "user.h"

void *memcpy(void *to, const void *from, u32 n) {
  void *d = to;
  __asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(n) : : "memory");
  return to;
}

void *memset(void *to, int byte, u32 n) {
  void *d = to;
  __asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(byte) : "memory");
  return to;
}

int memcmp(const void *a, const void *b, u32 n) {
  const u8 *x = a, *y = b;
  for (; n; n--, x++, y++)
    if (*x != *y) return *x - *y;
  return 0;
}

u32 strlen(const char *s) {
  u32 n = 0;
  while (s[n]) n++;
  return n;
}

int strcmp(const char *a, const char *b) {
  for (; *a == *b && *a; a++, b++) {}
  return (u8)*a - (u8)*b;
}

void exit(int status) {
  sys1(SYS_EXIT, status);
  for (;;) {}
}

int fork(void) { return sys0(SYS_FORK); }

int wait_for(int pid) {
  int status = -1;
  sys2(SYS_WAIT, pid, &status);
  return status;
}

void *grow(u32 bytes) {
  u32 old = sys1(SYS_BRK, 0);
  if (sys1(SYS_BRK, old + bytes) == -1) {
    print("out of address space\n");
    exit(1);
  }
  return (void *)old;
}

u64 now_ns(void) {
  u64 ns;
  sys1(SYS_TIME, &ns);
  return ns;
}

/* The quotient must fit in 32 bits. */
u32 div64(u64 n, u32 d, u32 *remainder) {
  u32 q, r;
  __asm__("divl %4" : "=a"(q), "=d"(r) : "0"((u32)n), "1"((u32)(n >> 32)), "rm"(d));
  if (remainder) *remainder = r;
  return q;
}

u32 number(const char *s, u32 otherwise) {
  u32 n = 0;
  if (!*s) return otherwise;
  for (; *s; s++) {
    if (*s < '0' || *s > '9') return otherwise;
    n = n * 10 + *s - '0';
  }
  return n;
}

static char out[256];
static u32 used;

static void put(char c) {
  if (used == sizeof out) {
    sys2(SYS_WRITE, out, used);
    used = 0;
  }
  out[used++] = c;
}

/* %s %c %d %u %x with width, `-` and `0`. Leaves as one write per call when it is short. */
void print(const char *f, ...) {
  __builtin_va_list args;
  __builtin_va_start(args, f);
  for (; *f; f++) {
    if (*f != '%') {
      put(*f);
      continue;
    }
    u32 width = 0;
    bool left = false, zeros = false;
    for (f++; *f == '-' || *f == '0'; f++) left |= *f == '-', zeros |= *f == '0';
    for (; *f >= '0' && *f <= '9'; f++) width = width * 10 + *f - '0';
    char text[16];
    const char *s = text;
    u32 n = 0, at = sizeof text;
    if (*f == 's') {
      s = __builtin_va_arg(args, const char *);
      n = strlen(s);
    } else if (*f == 'c') {
      text[0] = (char)__builtin_va_arg(args, int);
      n = 1;
    } else {
      u32 v = __builtin_va_arg(args, u32), base = *f == 'x' ? 16 : 10;
      bool negative = *f == 'd' && (s32)v < 0;
      if (negative) v = -v;
      do text[--at] = "0123456789abcdef"[v % base];
      while (v /= base);
      while (zeros && sizeof text - at < width && at > 1) text[--at] = '0';
      if (negative) text[--at] = '-';
      s = text + at;
      n = sizeof text - at;
    }
    for (u32 i = n; !left && i < width; i++) put(' ');
    for (u32 i = 0; i < n; i++) put(s[i]);
    for (u32 i = n; left && i < width; i++) put(' ');
  }
  __builtin_va_end(args);
  sys2(SYS_WRITE, out, used);
  used = 0;
}
