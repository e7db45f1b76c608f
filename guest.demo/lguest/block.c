/*
 * Disks. The disk's page holds what we want, a send says go, and the answer is an interrupt on a list we have lent before
 * (ABI 3.3): for a read the data comes there, for a write nothing, but it is how we hear. One request at a time; the caller
 * sleeps meanwhile, the guest does not.
 */
#include "kernel.h"

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

bool disk_move(struct disk *d, u32 type, u32 sector, u32 bytes) {
  struct lguest_dma list = {0};
  dma_list(&list, phys(d->buffer), bytes);
  return disk_request(d, type, sector, &list, bytes) && d->result == BLOCK_DONE && d->got == (type ? 0 : bytes);
}
