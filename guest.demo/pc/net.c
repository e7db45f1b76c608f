/* Networks: virtio 1.0, section 5.1. Frames travel behind a header of ten bytes, which stays zero: nothing is offloaded. */
#include "kernel.h"

#define HEADER_BYTES 10
#define FEATURE_MAC (1u << 5)
#define BUFFERS 64
#define ROOM 2048

enum { QUEUE_RECEIVE, QUEUE_SEND };

struct net {
  struct network network; /* first: the kernel knows only this */
  struct virtqueue receive, send;
  u32 port, send_free;    /* buffers of the sending queue that are ours */
  u32 free[BUFFERS];      /* their chains */
  u8 *frames;             /* ROOM for each: those of the receiving queue, then those of the sending one */
};

static struct net cards[MAX_NETS];

/* Every buffer is a chain of two: an old device wants the header by itself. */
static u8 *frame_of(struct net *n, u32 chain, bool sending) { return n->frames + (chain / 2 + (sending ? BUFFERS : 0)) * ROOM; }

static void make_chains(struct net *n, struct virtqueue *q, u32 header, bool sending) {
  u16 flag = sending ? 0 : VIRTIO_WRITE;
  for (u32 i = 0; i < BUFFERS; i++) {
    u32 chain = virtqueue_chain(q, 2, (u32[]){header + i * 16, phys(frame_of(n, 2 * i, sending))}, (u32[]){HEADER_BYTES, FRAME_MAX}, (u16[]){flag, flag});
    if (sending) n->free[n->send_free++] = chain;
    else virtqueue_offer(q, chain);
  }
}

static void received(u32 irq, void *arg) {
  (void)irq;
  struct net *n = arg;
  u32 chain, bytes, got = 0;
  virtio_interrupt(n->port);
  for (; virtqueue_take(&n->receive, &chain, &bytes); got++) {
    net_received(&n->network, frame_of(n, chain, false), bytes - HEADER_BYTES);
    virtqueue_offer(&n->receive, chain);
  }
  if (got) virtqueue_notify(&n->receive);
}

/* Frames are copied and left to the device; only when all buffers are with it we wait. */
void net_transmit(struct network *network, const u8 *frame, u32 bytes) {
  struct net *n = (struct net *)network;
  u32 chain, sent;
  do {
    while (virtqueue_take(&n->send, &chain, &sent)) n->free[n->send_free++] = chain;
  } while (!n->send_free);
  chain = n->free[--n->send_free];
  memcpy(frame_of(n, chain, true), frame, bytes);
  n->send.descriptors[chain + 1].bytes = bytes;
  virtqueue_offer(&n->send, chain);
  virtqueue_notify(&n->send);
}

bool net_probe(const struct pci_device *device) {
  if (net_count == MAX_NETS) return false;
  struct net *n = &cards[net_count];
  virtio_reset(device, FEATURE_MAC);
  if (!virtqueue_open(&n->receive, device, QUEUE_RECEIVE) || !virtqueue_open(&n->send, device, QUEUE_SEND)) return false;
  if (n->receive.size < 2 * BUFFERS || n->send.size < 2 * BUFFERS) return false;
  n->port = device->port;
  n->network.irq = device->irq;
  for (u32 i = 0; i < 6; i++) n->network.mac[i] = (u8)virtio_config(n->port, i);
  n->frames = pages_alloc(2 * BUFFERS * ROOM / PAGE_SIZE);
  u32 headers = phys(pages_alloc(1));
  make_chains(n, &n->receive, headers, false);
  make_chains(n, &n->send, headers + BUFFERS * 16, true);
  n->send.available->flags = 1; /* no interrupt for what has been sent */
  irq_request(n->network.irq, received, n);
  net_add(&n->network);
  virtio_ready(device);
  virtqueue_notify(&n->receive);
  return true;
}

void net_describe(struct network *network) { (void)network; }
