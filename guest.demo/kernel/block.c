/*
 * Disks. The disk's page holds what we want, a send says go, and the answer is an interrupt on a list we have lent before
 * (ABI 3.3): for a read the data comes there, for a write nothing, but it is how we hear. One request at a time; the caller
 * sleeps meanwhile, the guest does not.
 */
#include "kernel.h"

struct disk disks[MAX_DISKS];
u32 disk_count;

static void answered(u32 irq, void *arg) {
  (void)irq;
  struct disk *d = arg;
  /* used_len alone says nothing: it holds the line's number from the moment the list is taken. */
  if (!d->busy || !d->page->result) return;
  d->busy = false;
  d->got = d->reply.used_len;
  d->result = d->page->result;
  d->reply.used_len = 0;
  wake(d);
}

static bool probe(struct lguest_device_desc *desc, u32 irq) {
  if (disk_count == MAX_DISKS) return false;
  struct disk *d = &disks[disk_count];
  d->page = map_device(desc->pfn, 1);
  d->key = desc->pfn * PAGE_SIZE;
  d->irq = irq;
  d->sectors = d->page->num_sectors;
  d->buffer = pages_alloc(DISK_BUFFER / PAGE_SIZE);
  irq_request(irq, answered, d);
  if (!hypercall(LHCALL_BIND_DMA, d->key, phys(&d->reply), 1 << 8 | irq)) return false;
  disk_count++;
  return true;
}

const struct driver block_driver = {DEVICE_BLOCK, "block", probe};

void disk_ask(struct disk *d, u32 type, u32 sector, u32 bytes) {
  d->page->type = type;
  d->page->sector = sector;
  d->page->bytes = bytes;
  d->page->result = 0;
}

/* One request with that list, of which `bytes` are expected. False: no answer came in half a minute. The rest is in *d. */
bool disk_request(struct disk *d, u32 type, u32 sector, const struct lguest_dma *list, u32 bytes) {
  struct lguest_dma send = {0};
  u32 flags = irq_save();
  memcpy(type ? send.addr : d->reply.addr, list->addr, sizeof list->addr);
  memcpy(type ? send.len : d->reply.len, list->len, sizeof list->len);
  disk_ask(d, type, sector, bytes);
  d->busy = true;
  hypercall(LHCALL_SEND_DMA, d->key, phys(&send), 0);
  d->sent = send.used_len;
  u64 until = now_ns() + 30ull * NS_PER_SEC;
  while (d->busy && now_ns() < until) wait_on(d, NS_PER_SEC);
  irq_restore(flags);
  return !d->busy;
}

/* Between the disk and its buffer; true if all of it went well. */
bool disk_move(struct disk *d, u32 type, u32 sector, u32 bytes) {
  struct lguest_dma list = {0};
  dma_list(&list, phys(d->buffer), bytes);
  return disk_request(d, type, sector, &list, bytes) && d->result == BLOCK_DONE && d->got == (type ? 0 : bytes);
}

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
    if (!strcmp(argv[2], "write")) return over_disk(&disks[n], BLOCK_WRITE, "wrote", fill, seed);
    if (!strcmp(argv[2], "verify")) return over_disk(&disks[n], BLOCK_READ, "verified", compare, seed);
    if (!strcmp(argv[2], "sum")) {
      sum_low = 1;
      sum_high = 0;
      int status = over_disk(&disks[n], BLOCK_READ, "read", sum, 0);
      if (!status) print("disk %u: adler32 %08x\n", n, sum_high << 16 | sum_low);
      return status;
    }
  }
  print("usage: disk [<number> write|verify|sum [seed]]\n");
  return 1;
}
