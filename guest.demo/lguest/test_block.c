/* Tests of the block protocol, on the last sectors of the first disk that has enough; what was there is put back. */
#include "kernel.h"

#define TEST_SECTORS 32
#define TEST_BYTES (TEST_SECTORS * SECTOR)

static struct disk *d;
static u32 first;
static u8 *before, *wanted;

/* Random enough, and different each time. */
static u32 noise(void) {
  static u32 state = 12345;
  state = state * 1664525 + 1013904223;
  return state >> 8;
}

static void fresh(u8 *to, u32 bytes) {
  for (u32 i = 0; i < bytes; i++) to[i] = (u8)noise();
}

/* Is on the disk what should be? Read the plain way. */
static const char *check(void) {
  if (!disk_move(d, BLOCK_READ, first, TEST_BYTES)) return fail("reading back: result %u, %u bytes", d->result, d->got);
  for (u32 i = 0; i < TEST_BYTES; i++)
    if (d->buffer[i] != wanted[i]) return fail("byte %u is %02x on the disk, %02x was written", i, d->buffer[i], wanted[i]);
  return NULL;
}

static const char *expect(bool answer, u32 result, u32 got) {
  if (!answer) return "no answer came";
  if (d->sent) return fail("used_len of what was sent became %u", d->sent);
  if (d->result != result || d->got != got) return fail("result %u with %u bytes; %u with %u expected", d->result, d->got, result, got);
  return NULL;
}

/* Runs a test between saving and restoring, or not at all without a disk for it. */
static const char *with_disk(const char *(*test)(void)) {
  for (d = disks; d < disks + disk_count && d->sectors < TEST_SECTORS; d++) {}
  if (d == disks + disk_count) return NULL;
  if (!before) before = pages_alloc(TEST_BYTES / PAGE_SIZE), wanted = pages_alloc(TEST_BYTES / PAGE_SIZE);
  first = d->sectors - TEST_SECTORS;
  if (!disk_move(d, BLOCK_READ, first, TEST_BYTES)) return fail("cannot read: result %u", d->result);
  memcpy(before, d->buffer, TEST_BYTES);
  fresh(wanted, TEST_BYTES);
  memcpy(d->buffer, wanted, TEST_BYTES);
  if (!disk_move(d, BLOCK_WRITE, first, TEST_BYTES)) return fail("cannot write: result %u; is the disk read-only?", d->result);
  const char *why = check();
  if (!why) why = test();
  memcpy(d->buffer, before, TEST_BYTES);
  if (!disk_move(d, BLOCK_WRITE, first, TEST_BYTES) && !why) why = "cannot write back what was there";
  return why;
}

/* Sixteen sections of odd sizes at odd places, none across a page. */
static u32 scatter(struct lguest_dma *list) {
  u32 bytes = 0;
  for (u32 i = 0; i < LGUEST_MAX_DMA_SECTIONS; i++) {
    u32 page = i % (DISK_BUFFER / PAGE_SIZE), at = noise() % 3000, n = 1 + noise() % 900;
    list->addr[i] = phys(d->buffer) + page * PAGE_SIZE + at;
    list->len[i] = (u16)n;
    bytes += n;
  }
  return bytes;
}

static const char *sections_body(void) {
  for (u32 round = 0; round < 20; round++) {
    struct lguest_dma list = {0};
    u32 bytes = scatter(&list), at = 0;
    fresh(d->buffer, DISK_BUFFER);
    for (u32 i = 0; i < LGUEST_MAX_DMA_SECTIONS; at += list.len[i++]) memcpy(wanted + at, virt(list.addr[i]), list.len[i]);
    const char *why = expect(disk_request(d, BLOCK_WRITE, first, &list, bytes), BLOCK_DONE, 0);
    if (why || (why = check())) return why;
    bytes = scatter(&list), at = 0;
    fresh(d->buffer, DISK_BUFFER);
    if ((why = expect(disk_request(d, BLOCK_READ, first, &list, bytes), BLOCK_DONE, bytes))) return why;
    for (u32 i = 0; i < LGUEST_MAX_DMA_SECTIONS; at += list.len[i++])
      if (memcmp(wanted + at, virt(list.addr[i]), list.len[i])) return fail("round %u: section %u of %u bytes came wrong", round, i, list.len[i]);
  }
  return NULL;
}
static const char *sections(void) { return with_disk(sections_body); }

static const char *crossing_body(void) {
  struct lguest_dma list = {.addr = {phys(d->buffer) + 4000}, .len = {9000}};
  fresh(d->buffer, DISK_BUFFER);
  memcpy(wanted, d->buffer + 4000, 9000);
  const char *why = expect(disk_request(d, BLOCK_WRITE, first, &list, 9000), BLOCK_DONE, 0);
  if (why || (why = check())) return why;
  memset(d->buffer, 0, DISK_BUFFER);
  if ((why = expect(disk_request(d, BLOCK_READ, first, &list, 9000), BLOCK_DONE, 9000))) return why;
  return memcmp(wanted, d->buffer + 4000, 9000) ? "it came wrong" : NULL;
}
static const char *crossing(void) { return with_disk(crossing_body); }

static const char *empty_body(void) {
  struct lguest_dma none = {0};
  const char *why = expect(disk_request(d, BLOCK_READ, first, &none, 0), BLOCK_DONE, 0);
  if (why || (why = expect(disk_request(d, BLOCK_WRITE, first, &none, 0), BLOCK_DONE, 0))) return why;
  if ((why = expect(disk_request(d, BLOCK_READ, first, &none, 512), BLOCK_FAILED, 0))) return why;
  return check();
}
static const char *empty(void) { return with_disk(empty_body); }

static const char *odd_body(void) {
  static const u32 sizes[] = {1, 3, 511, 513, 4095, 4097};
  for (u32 i = 0; i < ARRAY_LEN(sizes); i++) {
    u32 sector = i * 2;
    struct lguest_dma list = {0};
    dma_list(&list, phys(d->buffer) + 7, sizes[i]);
    fresh(d->buffer, DISK_BUFFER);
    memcpy(wanted + sector * SECTOR, d->buffer + 7, sizes[i]);
    const char *why = expect(disk_request(d, BLOCK_WRITE, first + sector, &list, sizes[i]), BLOCK_DONE, 0);
    if (why || (why = check())) return why;
    memset(d->buffer, 0xA5, DISK_BUFFER);
    if ((why = expect(disk_request(d, BLOCK_READ, first + sector, &list, sizes[i]), BLOCK_DONE, sizes[i]))) return why;
    if (memcmp(wanted + sector * SECTOR, d->buffer + 7, sizes[i])) return fail("%u bytes came wrong", sizes[i]);
    if (d->buffer[6] != 0xA5 || d->buffer[7 + sizes[i]] != 0xA5) return fail("%u bytes were not all that changed", sizes[i]);
  }
  return NULL;
}
static const char *odd(void) { return with_disk(odd_body); }

static const char *short_body(void) {
  struct lguest_dma list = {0};
  dma_list(&list, phys(d->buffer), 1024);
  const char *why = expect(disk_request(d, BLOCK_READ, first, &list, 1025), BLOCK_FAILED, 1024);
  if (why || (why = expect(disk_request(d, BLOCK_READ, first, &list, 512), BLOCK_FAILED, 1024))) return why;
  if ((why = expect(disk_request(d, BLOCK_READ, d->sectors - 1, &list, 1024), BLOCK_FAILED, 512))) return why;
  if (memcmp(d->buffer, wanted + TEST_BYTES - SECTOR, SECTOR)) return "the last sector came wrong";
  memcpy(d->buffer, wanted, 1024);
  if ((why = expect(disk_request(d, BLOCK_WRITE, first, &list, 4096), BLOCK_FAILED, 0))) return why;
  return check();
}
static const char *short_transfer(void) { return with_disk(short_body); }

/* Any number but 0 writes, as the original has it. */
static const char *type_body(void) {
  struct lguest_dma list = {0};
  dma_list(&list, phys(d->buffer), SECTOR);
  fresh(d->buffer, SECTOR);
  memcpy(wanted, d->buffer, SECTOR);
  const char *why = expect(disk_request(d, 0x80000000, first, &list, SECTOR), BLOCK_DONE, 0);
  return why ? why : check();
}
static const char *type(void) { return with_disk(type_body); }

const struct test tests_block[] = {
  {"disk-sections", sections, 0},
  {"disk-crossing", crossing, 0},
  {"disk-empty", empty, 0},
  {"disk-odd", odd, 0},
  {"disk-short", short_transfer, 0},
  {"disk-type", type, 0},
  {0},
};
