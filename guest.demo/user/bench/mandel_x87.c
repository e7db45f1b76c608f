/* In the x87's registers, eighty bits wide, as a stack. */
#include "bench.h"
#include "mandel.h"

struct result bench_mandel_x87(u32 scale) { return mandelbrot(scale); }
