/* The Mandelbrot set in double precision: arithmetic and compares. Compiled once for each of the processor's units that can do it. */
#define SIDE 64
#define LIMIT 100

static struct result mandelbrot(u32 scale) {
  struct result r = {0, 0};
  for (u32 round = 0; round < scale; round++)
    for (int y = 0; y < SIDE; y++)
      for (int x = 0; x < SIDE; x++) {
        double cr = (double)x * 3.0 / SIDE - 2.0, ci = (double)y * 2.5 / SIDE - 1.25, zr = 0, zi = 0;
        u32 i = 0;
        for (; i < LIMIT && zr * zr + zi * zi < 4.0; i++) {
          double t = zr * zr - zi * zi + cr;
          zi = 2.0 * zr * zi + ci;
          zr = t;
        }
        r.count += i;
        r.checksum = r.checksum * 31 + i;
      }
  return r;
}
