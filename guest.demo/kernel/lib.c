/* The few library functions a freestanding kernel needs, and the one division i686 has no single instruction for. */
#include "kernel.h"

void *memcpy(void *to, const void *from, u32 n) {
  void *d = to;
  u32 words = n >> 2, rest = n & 3;
  __asm__ volatile("rep movsl\n\tmovl %3, %%ecx\n\trep movsb"
                   : "+D"(d), "+S"(from), "+c"(words) : "r"(rest) : "memory");
  return to;
}

void *memmove(void *to, const void *from, u32 n) {
  if ((u32)to - (u32)from >= n) return memcpy(to, from, n);
  u8 *d = (u8 *)to + n;
  const u8 *s = (const u8 *)from + n;
  while (n--) *--d = *--s;
  return to;
}

void *memset(void *to, int byte, u32 n) {
  void *d = to;
  u32 words = n >> 2, rest = n & 3;
  __asm__ volatile("rep stosl\n\tmovl %3, %%ecx\n\trep stosb"
                   : "+D"(d), "+c"(words) : "a"((byte & 0xFF) * 0x01010101u), "r"(rest) : "memory");
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

int strncmp(const char *a, const char *b, u32 n) {
  for (; n; n--, a++, b++)
    if (*a != *b || !*a) return (u8)*a - (u8)*b;
  return 0;
}

int strcmp(const char *a, const char *b) { return strncmp(a, b, ~0u); }

char *strchr(const char *s, char c) {
  for (;; s++) {
    if (*s == c) return (char *)s;
    if (!*s) return NULL;
  }
}

void copy_string(char *to, const char *from, u32 size) {
  u32 i = 0;
  for (; i + 1 < size && from[i]; i++) to[i] = from[i];
  to[i] = 0;
}

/* Decimal, or hexadecimal after 0x; K and M multiply. The whole word must be the number. */
bool parse_number(const char *s, u32 *value) {
  u32 base = 10, n = 0, digits = 0;
  if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) base = 16, s += 2;
  for (; *s; s++, digits++) {
    u32 d = *s >= '0' && *s <= '9' ? *s - '0' : (*s | 32) >= 'a' && (*s | 32) <= 'f' ? (*s | 32) - 'a' + 10 : 99;
    if (d >= base) break;
    u64 wide = (u64)n * base + d;
    if (wide >> 32) return false;
    n = (u32)wide;
  }
  if (digits && base == 10 && *s && !s[1]) {
    u32 shift = (*s | 32) == 'k' ? 10 : (*s | 32) == 'm' ? 20 : 0;
    if (!shift || n >> (32 - shift)) return false;
    n <<= shift;
    s++;
  }
  *value = n;
  return digits && !*s;
}

/* 64 by 32 bits in two steps of the 64-by-32 divide instruction, so that no step can overflow. */
u64 div64(u64 n, u32 d, u32 *remainder) {
  u32 high = (u32)(n >> 32), low = (u32)n, rest = high % d;
  high /= d;
  __asm__("divl %3" : "=a"(low), "=d"(rest) : "0"(low), "rm"(d), "1"(rest));
  if (remainder) *remainder = rest;
  return (u64)high << 32 | low;
}
