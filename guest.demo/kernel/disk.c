/* What to do with a disk: a pattern over all of it, is it there, its sum. */
#include "kernel.h"

struct disk disks[MAX_DISKS];
u32 disk_count;

/* Each word differs from its neighbours, in this sector and in all others, and for each seed. */
static u32 pattern(u32 seed, u32 word) { return (seed ^ word) * 2654435761u; }

/* Goes over the whole disk, a buffer at a time; `step` fills or looks at the buffer, and says whether to go on. */
static int over_disk(struct disk *d, u32 type, const char *what, bool (*step)(struct disk *d, u32 sector, u32 words, u32 seed), u32 seed) {
  u64 start = now_ns();
  for (u32 sector = 0; sector < d->sectors;) {
    u32 n = d->sectors - sector < DISK_BUFFER / SECTOR ? d->sectors - sector : DISK_BUFFER / SECTOR;
    if (console_interrupted) return 1;
    if (type == BLOCK_WRITE && !step(d, sector, n * SECTOR / 4, seed)) return 1;
    if (!disk_move(d, type, sector, n * SECTOR)) {
      print("disk %u: %s failed at sector %u, result %u\n", (u32)(d - disks), what, sector, d->result);
      return 1;
    }
    if (type == BLOCK_READ && !step(d, sector, n * SECTOR / 4, seed)) return 1;
    sector += n;
  }
  u32 ms = (u32)div64(now_ns() - start, NS_PER_MS, NULL);
  print("disk %u: %s %u sectors in %u ms, %u KiB/s\n", (u32)(d - disks), what, d->sectors, ms,
        (u32)div64((u64)d->sectors * 500, ms ? ms : 1, NULL));
  return 0;
}

static bool fill(struct disk *d, u32 sector, u32 words, u32 seed) {
  for (u32 i = 0; i < words; i++) ((u32 *)d->buffer)[i] = pattern(seed, sector * (SECTOR / 4) + i);
  return true;
}

static bool compare(struct disk *d, u32 sector, u32 words, u32 seed) {
  for (u32 i = 0; i < words; i++) {
    u32 want = pattern(seed, sector * (SECTOR / 4) + i), got = ((u32 *)d->buffer)[i];
    if (got == want) continue;
    print("disk %u: sector %u, byte %u: %08x instead of %08x\n", (u32)(d - disks), sector + i * 4 / SECTOR, i * 4 % SECTOR, got, want);
    return false;
  }
  return true;
}

static u32 sum_low, sum_high;

/* Adler-32, as zlib has it: the host can check a file with a line of Python or Java. */
static bool sum(struct disk *d, u32 sector, u32 words, u32 seed) {
  (void)sector, (void)seed;
  for (u32 at = 0; at < words * 4;) {
    /* So many bytes fit into 32 bits before the remainder must be taken. */
    for (u32 end = at + 4096; at < end && at < words * 4; at++) {
      sum_low += d->buffer[at];
      sum_high += sum_low;
    }
    sum_low %= 65521;
    sum_high %= 65521;
  }
  return true;
}

#define REQUEST 4096

/* Requests of 4 KiB, one after the other or all over the disk, each waited for. The sum says that what came was what is there. */
static int measure(struct disk *d, u32 type, bool random, u32 requests) {
  u32 places = d->sectors / (REQUEST / SECTOR), seed = 17, total = 0;
  if (!places) {
    print("the disk is smaller than a request\n");
    return 1;
  }
  u64 start = now_ns();
  for (u32 i = 0; i < requests && !console_interrupted; i++) {
    seed ^= seed << 13, seed ^= seed >> 17, seed ^= seed << 5;
    u32 place = (random ? seed : i) % places, sector = place * (REQUEST / SECTOR);
    if (type == BLOCK_WRITE)
      for (u32 at = 0; at < REQUEST; at += SECTOR) *(u32 *)(d->buffer + at) = pattern(place, i + at);
    if (!disk_move(d, type, sector, REQUEST)) {
      print("disk: request at sector %u failed, result %u\n", sector, d->result);
      return 1;
    }
    total = total * 31 + *(u32 *)d->buffer + *(u32 *)(d->buffer + REQUEST - 4);
  }
  u32 us = (u32)div64(now_ns() - start, 1000, NULL);
  print("disk: %u requests of %u bytes, %s %s, in %u us, sum %08x\n", requests, REQUEST, random ? "random" : "sequential",
        type == BLOCK_WRITE ? "write" : "read", us, total);
  return 0;
}

/*
 * Writes with rising numbers, all over the disk, until ^C, and says each number when its write is done: whoever pulls the plug knows from the last line what must be there. Odd ones are a
 * sector, even ones eight, which cover what earlier ones wrote.
 */
static int log_writes(struct disk *d, u32 number) {
  if (d->sectors < 8) {
    print("the disk is too small\n");
    return 1;
  }
  while (!console_interrupted) {
    u32 n = ++number & 1 ? 1 : 8, sector = number * 2654435761u % (d->sectors / 8) * 8 + (n == 1 ? number / 2 % 8 : 0);
    fill(d, sector, n * SECTOR / 4, number);
    if (!disk_move(d, BLOCK_WRITE, sector, n * SECTOR)) {
      print("disk %u: write %u failed at sector %u, result %u\n", (u32)(d - disks), number, sector, d->result);
      return 1;
    }
    print("%u %u %u\n", number, sector, n);
  }
  return 0;
}

int command_disk(int argc, char **argv) {
  u32 n, seed = 1;
  if (argc == 1) {
    print("disk sectors irq\n");
    for (u32 i = 0; i < disk_count; i++) print("%4u %7u %3u\n", i, disks[i].sectors, disks[i].irq);
    return 0;
  }
  if (argc >= 3 && parse_number(argv[1], &n) && (argc == 3 || (argc == 4 && parse_number(argv[3], &seed)))) {
    if (n >= disk_count) {
      print("there is no disk %u\n", n);
      return 1;
    }
    u32 requests;
    const char *how = strchr(argv[2], '-');
    bool random = !strncmp(argv[2], "random-", 7), write = how && !strcmp(how, "-write");
    if ((random || !strncmp(argv[2], "sequential-", 11)) && (write || !strcmp(how, "-read")) && parse_number(argc == 4 ? argv[3] : "1000", &requests))
      return measure(&disks[n], write ? BLOCK_WRITE : BLOCK_READ, random, requests);
    if (!strcmp(argv[2], "write")) return over_disk(&disks[n], BLOCK_WRITE, "wrote", fill, seed);
    if (!strcmp(argv[2], "verify")) return over_disk(&disks[n], BLOCK_READ, "verified", compare, seed);
    if (!strcmp(argv[2], "log")) return log_writes(&disks[n], seed);
    if (!strcmp(argv[2], "sum")) {
      sum_low = 1;
      sum_high = 0;
      int status = over_disk(&disks[n], BLOCK_READ, "read", sum, 0);
      if (!status) print("disk %u: adler32 %08x\n", n, sum_high << 16 | sum_low);
      return status;
    }
  }
  print("usage: disk [<number> write|verify|sum [seed] | <number> log [first] | <number> sequential-read|sequential-write|random-read|random-write [requests]]\n");
  return 1;
}
