/* In the lower halves of XMM registers; the build compiles files of this name for SSE2. */
#include "bench.h"
#include "mandel.h"

bool have_sse2(void) {
  u32 eax = 1, ebx, ecx, edx;
  __asm__("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
  return edx >> 26 & 1;
}

__attribute__((force_align_arg_pointer)) struct result bench_mandel_sse2(u32 scale) { return mandelbrot(scale); }
