/* Disks: virtio 1.0, section 5.2. A request is a header, the data and a byte of answer; one at a time, like the guest's. */
#include "kernel.h"

#define HEADER_BYTES 16

static void answered(u32 irq, void *arg) {
  (void)irq;
  struct disk *d = arg;
  u32 chain, bytes;
  virtio_interrupt(d->port);
  while (virtqueue_take(&d->queue, &chain, &bytes)) {
    d->busy = false;
    wake(d);
  }
}

bool block_probe(const struct pci_device *device) {
  if (disk_count == MAX_DISKS) return false;
  struct disk *d = &disks[disk_count];
  virtio_reset(device, 0);
  if (!virtqueue_open(&d->queue, device, 0)) return false;
  d->port = device->port;
  d->irq = device->irq;
  for (u32 i = 0; i < 4; i++) d->sectors |= virtio_config(d->port, i) << 8 * i;
  d->buffer = pages_alloc(DISK_BUFFER / PAGE_SIZE);
  d->request = pages_alloc(1);
  u32 header = phys(d->request), addresses[] = {header, phys(d->buffer), header + HEADER_BYTES}, sizes[] = {HEADER_BYTES, DISK_BUFFER, 1};
  for (u32 type = BLOCK_READ; type <= BLOCK_WRITE; type++)
    d->request_chain[type] = virtqueue_chain(&d->queue, 3, addresses, sizes, (u16[]){0, type == BLOCK_READ ? VIRTIO_WRITE : 0, VIRTIO_WRITE});
  irq_request(d->irq, answered, d);
  virtio_ready(device);
  disk_count++;
  return true;
}

bool disk_move(struct disk *d, u32 type, u32 sector, u32 bytes) {
  u32 flags = irq_save(), chain = d->request_chain[type];
  d->request->type = type;
  d->request->sector = sector;
  d->request->status = 0xFF;
  d->queue.descriptors[chain + 1].bytes = bytes;
  d->busy = true;
  virtqueue_offer(&d->queue, chain);
  virtqueue_notify(&d->queue);
  u64 until = now_ns() + 30ull * NS_PER_SEC;
  while (d->busy && now_ns() < until) wait_on(d, NS_PER_SEC);
  irq_restore(flags);
  d->result = d->request->status;
  return !d->busy && !d->result;
}
