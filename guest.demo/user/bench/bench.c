/*
 * Tour 2.18: Work to measure
 *
 * Each benchmark is a different kind of load on a processor made of software: tight loops, calls through pointers, an
 * interpreter within the interpreter, memory that does not fit, code that is executed once. The checksum says that the work
 * was right, the count how much it was; only then is the time worth printing.
 */
#include "bench.h"

static const struct { const char *name; benchmark *run; const char *unit; bool sse2; } benchmarks[] = {
  {"empty", bench_empty, "nothing at all: what starting costs", false},
  {"sieve", bench_sieve, "numbers sieved", false},
  {"sha256", bench_sha256, "bytes hashed", false},
  {"qsort", bench_qsort, "elements sorted by an indirect compare", false},
  {"crc32", bench_crc32, "bytes summed", false},
  {"vm", bench_vm, "bytecodes interpreted", false},
  {"memcpy", bench_memcpy, "bytes copied", false},
  {"apart", bench_apart, "bytes copied between addresses 2 MiB apart", false},
  {"chase", bench_chase, "pointers followed", false},
  {"mandel-x87", bench_mandel_x87, "x87 iterations", false},
  {"mandel-sse2", bench_mandel_sse2, "SSE2 iterations", true},
  {"cold", bench_cold, "generated functions called, more than a megabyte of them", false},
  {"syscall", bench_syscall, "system calls", false},
  {"fault", bench_fault, "pages touched for the first time", false},
  {"switch", bench_switch, "yields between two processes", false},
  {"fork", bench_fork, "processes forked", false},
  {"exec", bench_exec, "processes forked that become another program", false},
};

static void run(u32 i, u32 scale) {
  if (benchmarks[i].sse2 && !have_sse2()) {
    print("bench %s skipped: this processor does not have SSE2\n", benchmarks[i].name);
    return;
  }
  u64 start = now_ns();
  struct result r = benchmarks[i].run(scale);
  u64 ns = now_ns() - start;
  u32 us = div64(ns, 1000, NULL), ms = us / 1000 ? us / 1000 : 1;
  print("bench %-11s scale %u  checksum %08x  count %u  time %u.%06u s  %u per ms\n", benchmarks[i].name, scale, r.checksum,
        r.count, us / 1000000, us % 1000000, r.count / ms);
}

int bench_main(int argc, char **argv) {
  u32 scale = argc > 2 ? number(argv[2], 0) : 1;
  if (argc > 3 || !scale) {
    print("usage: bench [name [scale]], scale 1 or more\n");
    return 1;
  }
  if (argc > 1 && !strcmp(argv[1], "list")) {
    for (u32 i = 0; i < ARRAY_LEN(benchmarks); i++) print("  %-11s %s\n", benchmarks[i].name, benchmarks[i].unit);
    return 0;
  }
  u32 ran = 0;
  for (u32 i = 0; i < ARRAY_LEN(benchmarks); i++) {
    if (argc > 1 && strcmp(argv[1], "all") && strcmp(argv[1], benchmarks[i].name)) continue;
    run(i, scale);
    ran++;
  }
  if (!ran) print("bench: no benchmark %s; `bench list` names them\n", argv[1]);
  return !ran;
}
