/* A bytecode interpreter: an indirect jump for every few instructions, the load that interpreters of interpreters fear. */
#include "bench.h"

enum { PUSH, LOAD, STORE, ADD, SUB, MUL, XOR, LESS, JUMP_IF, JUMP, HALT };

#define LOOPS 30000

/* a = 0; b = 1; for (i = 0; i < LOOPS; i++) { t = a * 5 + b; a = b ^ i; b = t - i; } result b */
static const int code[] = {
  PUSH, 0, STORE, 0, PUSH, 1, STORE, 1, PUSH, 0, STORE, 2,
  /* 12 */ LOAD, 2, PUSH, LOOPS, LESS, JUMP_IF, 22, LOAD, 1, HALT,
  /* 22 */ LOAD, 0, PUSH, 5, MUL, LOAD, 1, ADD, STORE, 3,
  LOAD, 1, LOAD, 2, XOR, STORE, 0,
  LOAD, 3, LOAD, 2, SUB, STORE, 1,
  LOAD, 2, PUSH, 1, ADD, STORE, 2, JUMP, 12,
};

static u32 interpret(u32 *steps) {
  static const void *const labels[] = {&&push, &&load, &&store, &&add, &&sub, &&mul, &&xor, &&less, &&jump_if, &&jump, &&halt};
  u32 stack[16], variable[4] = {0}, *sp = stack, n = 0;
  const int *pc = code;
#define NEXT do { n++; goto *labels[*pc++]; } while (0)
#define BINARY(expression) do { sp--; sp[-1] = expression; NEXT; } while (0)
  NEXT;
push: *sp++ = (u32)*pc++; NEXT;
load: *sp++ = variable[*pc++]; NEXT;
store: variable[*pc++] = *--sp; NEXT;
add: BINARY(sp[-1] + sp[0]);
sub: BINARY(sp[-1] - sp[0]);
mul: BINARY(sp[-1] * sp[0]);
xor: BINARY(sp[-1] ^ sp[0]);
less: BINARY(sp[-1] < sp[0]);
jump_if: if (*--sp) pc = code + *pc; else pc++; NEXT;
jump: pc = code + *pc; NEXT;
halt: *steps += n; return sp[-1];
}

struct result bench_vm(u32 scale) {
  struct result r = {0, 0};
  for (u32 round = 0; round < scale; round++) r.checksum = r.checksum * 31 + interpret(&r.count);
  return r;
}
