/* Formatted text to the console: %s %c %d %u %x, widths with zeros or blanks, `-` for left, `ll` for 64 bits. */
#include "kernel.h"

struct sink { char *at, *end; u32 count; };

static void emit(struct sink *s, char c) {
  if (!s->end) console_putc(c);
  else if (s->at < s->end) *s->at++ = c;
  s->count++;
}

static void emit_text(struct sink *s, const char *text, u32 n, u32 width, bool left) {
  for (u32 i = n; !left && i < width; i++) emit(s, ' ');
  for (u32 i = 0; i < n; i++) emit(s, text[i]);
  for (u32 i = n; left && i < width; i++) emit(s, ' ');
}

static void emit_number(struct sink *s, u64 n, bool negative, u32 base, u32 width, bool left, bool zeros) {
  char text[24];
  u32 at = sizeof text, digit;
  do {
    n = div64(n, base, &digit);
    text[--at] = "0123456789abcdef"[digit];
  } while (n);
  while (zeros && sizeof text - at + negative < width && at > 1) text[--at] = '0';
  if (negative) text[--at] = '-';
  emit_text(s, text + at, sizeof text - at, width, left);
}

static void vformat(struct sink *s, const char *f, va_list args) {
  for (; *f; f++) {
    if (*f != '%') {
      emit(s, *f);
      continue;
    }
    bool left = false, zeros = false, wide = false, prefix = false;
    u32 width = 0;
    for (f++; *f == '-' || *f == '0' || *f == '#'; f++) left |= *f == '-', zeros |= *f == '0', prefix |= *f == '#';
    for (; *f >= '0' && *f <= '9'; f++) width = width * 10 + *f - '0';
    for (; *f == 'l'; f++) wide |= f[1] == 'l';
    if (*f == 's') {
      const char *text = __builtin_va_arg(args, const char *);
      emit_text(s, text, strlen(text), width, left);
    } else if (*f == 'c') {
      emit(s, (char)__builtin_va_arg(args, int));
    } else if (*f == 'd') {
      s64 n = wide ? __builtin_va_arg(args, s64) : __builtin_va_arg(args, s32);
      emit_number(s, n < 0 ? -(u64)n : (u64)n, n < 0, 10, width, left, zeros);
    } else if (*f == 'u' || *f == 'x') {
      u64 n = wide ? __builtin_va_arg(args, u64) : __builtin_va_arg(args, u32);
      if (prefix) emit_text(s, "0x", 2, 0, false);
      emit_number(s, n, false, *f == 'u' ? 10 : 16, width, left, zeros);
    } else {
      emit(s, *f);
    }
  }
}

void print(const char *f, ...) {
  va_list args;
  __builtin_va_start(args, f);
  struct sink s = {0};
  vformat(&s, f, args);
  __builtin_va_end(args);
}

/* Into a buffer, cut to fit; returns the length it would have had. */
u32 format_args(char *to, u32 size, const char *f, va_list args) {
  struct sink s = {to, to + size - 1, 0};
  vformat(&s, f, args);
  *s.at = 0;
  return s.count;
}

u32 format(char *to, u32 size, const char *f, ...) {
  va_list args;
  __builtin_va_start(args, f);
  u32 n = format_args(to, size, f, args);
  __builtin_va_end(args);
  return n;
}

void panic(const char *f, ...) {
  static char why[128];
  irq_disable();
  va_list args;
  __builtin_va_start(args, f);
  format_args(why, sizeof why, f, args);
  __builtin_va_end(args);
  print("panic: %s\n", why);
  crash(why);
}
