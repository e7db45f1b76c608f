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

int exec(const char *command) { return sys1(SYS_EXEC, command); }

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

struct sink { char *at, *end; bool console; };

static void put(struct sink *s, char c, char *start) {
  if (s->at == s->end) {
    if (!s->console) return;
    sys2(SYS_WRITE, start, s->at - start);
    s->at = start;
  }
  *s->at++ = c;
}

/* %s %c %d %u %x with width, `-` and `0`. */
static void vformat(struct sink *s, const char *f, __builtin_va_list args) {
  char *start = s->at;
  for (; *f; f++) {
    if (*f != '%') {
      put(s, *f, start);
      continue;
    }
    u32 width = 0;
    bool left = false, zeros = false;
    for (f++; *f == '-' || *f == '0'; f++) left |= *f == '-', zeros |= *f == '0';
    for (; *f >= '0' && *f <= '9'; f++) width = width * 10 + *f - '0';
    char digits[16];
    const char *text = digits;
    u32 n = 0, at = sizeof digits;
    if (*f == 's') {
      text = __builtin_va_arg(args, const char *);
      n = strlen(text);
    } else if (*f == 'c') {
      digits[0] = (char)__builtin_va_arg(args, int);
      n = 1;
    } else {
      u32 v = __builtin_va_arg(args, u32), base = *f == 'x' ? 16 : 10;
      bool negative = *f == 'd' && (s32)v < 0;
      if (negative) v = -v;
      do digits[--at] = "0123456789abcdef"[v % base];
      while (v /= base);
      while (zeros && sizeof digits - at < width && at > 1) digits[--at] = '0';
      if (negative) digits[--at] = '-';
      text = digits + at;
      n = sizeof digits - at;
    }
    for (u32 i = n; !left && i < width; i++) put(s, ' ', start);
    for (u32 i = 0; i < n; i++) put(s, text[i], start);
    for (u32 i = n; left && i < width; i++) put(s, ' ', start);
  }
}

void format_args(char *to, u32 size, const char *f, __builtin_va_list args) {
  struct sink s = {to, to + size - 1, false};
  vformat(&s, f, args);
  *s.at = 0;
}

void format(char *to, u32 size, const char *f, ...) {
  __builtin_va_list args;
  __builtin_va_start(args, f);
  format_args(to, size, f, args);
  __builtin_va_end(args);
}

/* Leaves as one write per call when it is short. */
void print(const char *f, ...) {
  char out[256];
  __builtin_va_list args;
  __builtin_va_start(args, f);
  struct sink s = {out, out + sizeof out, true};
  vformat(&s, f, args);
  sys2(SYS_WRITE, out, s.at - out);
  __builtin_va_end(args);
}
