/* What all virtio devices have in common, by the legacy interface (virtio 1.0, sections 2.4.2 and 4.1.4.8). */
#include "kernel.h"

enum {
  REGISTER_GUEST_FEATURES = 4, REGISTER_QUEUE_ADDRESS = 8, REGISTER_QUEUE_SIZE = 12, REGISTER_QUEUE_SELECT = 14,
  REGISTER_QUEUE_NOTIFY = 16, REGISTER_STATUS = 18, REGISTER_ISR = 19, REGISTER_CONFIG = 20,
};
#define DESCRIPTOR_NEXT 1

void virtio_reset(const struct pci_device *device, u32 features) {
  out8(device->port + REGISTER_STATUS, 0);
  out8(device->port + REGISTER_STATUS, 1);     /* acknowledge */
  out8(device->port + REGISTER_STATUS, 1 | 2); /* driver */
  out32(device->port + REGISTER_GUEST_FEATURES, in32(device->port) & features);
}

void virtio_ready(const struct pci_device *device) { out8(device->port + REGISTER_STATUS, 1 | 2 | 4); }

u8 virtio_interrupt(u32 port) { return in8(port + REGISTER_ISR); }

u32 virtio_config(u32 port, u32 offset) { return in8(port + REGISTER_CONFIG + offset); }

/* Descriptors and the driver's ring, then, on a page of its own, the device's ring. */
bool virtqueue_open(struct virtqueue *q, const struct pci_device *device, u32 number) {
  out16(device->port + REGISTER_QUEUE_SELECT, (u16)number);
  u32 size = in16(device->port + REGISTER_QUEUE_SIZE);
  if (!size) return false;
  u32 first = PAGE_UP(16 * size + 2 * (3 + size)), second = PAGE_UP(6 + 8 * size);
  u8 *memory = pages_try_alloc((first + second) / PAGE_SIZE);
  if (!memory) return false;
  q->port = (u16)device->port;
  q->number = (u16)number;
  q->size = (u16)size;
  q->descriptors = (void *)memory;
  q->available = (void *)(memory + 16 * size);
  q->used = (void *)(memory + first);
  out32(device->port + REGISTER_QUEUE_ADDRESS, phys(memory) / PAGE_SIZE);
  return true;
}

u32 virtqueue_chain(struct virtqueue *q, u32 n, const u32 *physical, const u32 *bytes, const u16 *flags) {
  u32 head = q->free;
  for (u32 i = 0; i < n; i++, q->free++) {
    q->descriptors[q->free].address = physical[i];
    q->descriptors[q->free].bytes = bytes[i];
    q->descriptors[q->free].flags = (u16)(flags[i] | (i + 1 < n ? DESCRIPTOR_NEXT : 0));
    q->descriptors[q->free].next = (u16)(q->free + 1);
  }
  return head;
}

void virtqueue_offer(struct virtqueue *q, u32 chain) {
  q->available->ring[q->available->index % q->size] = (u16)chain;
  barrier(); /* the entry must be there before the index says so; the processor keeps the order */
  q->available->index++;
  barrier();
}

void virtqueue_notify(struct virtqueue *q) {
  __asm__ volatile("lock; addl $0, (%%esp)" : : : "memory");
  if (!(q->used->flags & 1)) out16(q->port + REGISTER_QUEUE_NOTIFY, q->number);
}

bool virtqueue_take(struct virtqueue *q, u32 *chain, u32 *bytes) {
  if (q->used_seen == q->used->index) return false;
  barrier();
  u32 at = q->used_seen++ % q->size;
  *chain = q->used->ring[at].id;
  *bytes = q->used->ring[at].bytes;
  return true;
}
