/*
 * Console output as fast as it goes: lines of 64 bytes, each beginning with its own number, 64 KiB at a time. The sum at the
 * end is that of all little-endian words sent, so a reader can prove that nothing is missing, doubled or changed.
 */
#include "kernel.h"

#define LINE 64
#define BATCH_PAGES 16
#define DEFAULT_BYTES (1u << 20)

static void number(char *line, u32 n) {
  for (int i = 7; i >= 0; i--, n >>= 4) line[i] = "0123456789abcdef"[n & 15];
}

int command_flood(int argc, char **argv) {
  u32 bytes = DEFAULT_BYTES;
  if (argc > 2 || (argc == 2 && !parse_number(argv[1], &bytes))) {
    print("usage: flood [bytes]\n");
    return 1;
  }
  bytes = (bytes + LINE - 1) & ~(u32)(LINE - 1);
  char *batch = pages_try_alloc(BATCH_PAGES);
  if (!batch) {
    print("no memory for a buffer\n");
    return 1;
  }
  u32 rest_sum = 0, lines = 0, sum = 0, sent = 0;
  for (u32 at = 0; at < BATCH_PAGES * PAGE_SIZE; at += LINE) {
    for (u32 i = 8; i < LINE - 2; i++) batch[at + i] = i == 8 ? ' ' : (char)('!' + (i * 7 + 5) % 94);
    batch[at + LINE - 2] = '\r';
    batch[at + LINE - 1] = '\n';
  }
  for (u32 i = 8; i < LINE; i += 4) rest_sum += *(u32 *)(batch + i);
  console_flush();
  u64 start = now_ns();
  while (sent < bytes && !console_interrupted) {
    u32 n = bytes - sent < BATCH_PAGES * PAGE_SIZE ? bytes - sent : BATCH_PAGES * PAGE_SIZE;
    for (char *line = batch; line < batch + n; line += LINE) {
      number(line, lines++);
      sum += ((u32 *)line)[0] + ((u32 *)line)[1] + rest_sum;
    }
    u32 flags = irq_save();
    u32 taken = console_send(batch, n);
    irq_restore(flags);
    sent += n;
    if (taken != n) {
      print("flood: the console took only %u of %u bytes\n", taken, n);
      break;
    }
  }
  u32 us = (u32)div64(now_ns() - start, 1000, NULL);
  print("flood: %u bytes, %u lines, sum %08x, %u.%06u s\n", sent, lines, sum, us / 1000000, us % 1000000);
  for (u32 i = 0; i < BATCH_PAGES; i++) page_unref(phys(batch) + i * PAGE_SIZE);
  return 0;
}
