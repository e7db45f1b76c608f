/* CRC-32 (IEEE 802.3) with a table: a load that depends on the one before. */
#include "bench.h"

#define BYTES (1024 * 1024)

u32 crc32(u32 crc, const void *data, u32 bytes) {
  static u32 table[256];
  if (!table[1])
    for (u32 i = 0; i < 256; i++) {
      u32 c = i;
      for (int bit = 0; bit < 8; bit++) c = c & 1 ? 0xEDB88320 ^ c >> 1 : c >> 1;
      table[i] = c;
    }
  crc = ~crc;
  for (const u8 *p = data; bytes; bytes--) crc = table[(crc ^ *p++) & 0xFF] ^ crc >> 8;
  return ~crc;
}

struct result bench_crc32(u32 scale) {
  u32 *data = grow(BYTES), seed = 3, crc = 0;
  for (u32 i = 0; i < BYTES / 4; i++) data[i] = next_random(&seed);
  for (u32 round = 0; round < scale; round++) crc = crc32(crc, data, BYTES);
  return (struct result){crc, BYTES * scale};
}
