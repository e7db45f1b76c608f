/*
 * Networks. The page is a table of six-byte hardware addresses, a line for each who is there (ABI 3.4). To send, we look
 * through the table for who should get the frame and send it to the key of each such line; to receive, we lend eight
 * buffers on the key of our own.
 */
#include "kernel.h"

#define LINES (PAGE_SIZE / 6)
#define BUFFERS 8
#define PROMISCUOUS 1

struct net {
  struct network network; /* first: the kernel knows only this */
  volatile u8 (*lines)[6];
  u32 key;
  u8 *buffers[BUFFERS];
  struct lguest_dma receive[BUFFERS];
};

static struct net wires[MAX_NETS];

static bool wants(struct net *n, u32 line, const u8 *to) {
  volatile u8 *mac = n->lines[line];
  if (line == n->network.line || !mac[0]) return false;
  if ((to[0] & 1) || (mac[0] & PROMISCUOUS)) return true;
  return mac[0] == to[0] && mac[1] == to[1] && mac[2] == to[2] && mac[3] == to[3] && mac[4] == to[4] && mac[5] == to[5];
}

void net_transmit(struct network *network, const u8 *frame, u32 bytes) {
  struct net *n = (struct net *)network;
  for (u32 line = 0; line < LINES; line++) {
    if (!wants(n, line, frame)) continue;
    struct lguest_dma list = {0};
    dma_list(&list, phys(frame), bytes);
    hypercall(LHCALL_SEND_DMA, n->key + 4 * line, phys(&list), 0);
    if (list.used_len != bytes) network->lost++;
  }
}

/* The key of somebody else's line, 0 when nobody else is there. */
u32 net_neighbour_key(void) {
  for (struct net *n = wires; n < wires + net_count; n++)
    for (u32 line = 0; line < LINES; line++)
      if (line != n->network.line && n->lines[line][0]) return n->key + 4 * line;
  return 0;
}

static void received(u32 irq, void *arg) {
  (void)irq;
  struct net *n = arg;
  for (u32 i = 0; i < BUFFERS; i++) {
    if (!n->receive[i].used_len) continue;
    net_received(&n->network, n->buffers[i], n->receive[i].used_len);
    barrier();
    n->receive[i].used_len = 0;
  }
}

static bool probe(struct lguest_device_desc *desc, u32 irq) {
  if (net_count == MAX_NETS) return false;
  struct net *n = &wires[net_count];
  n->lines = map_device(desc->pfn, 1);
  n->key = desc->pfn * PAGE_SIZE;
  n->network.line = desc->features & 0xFFF;
  n->network.irq = irq;
  u8 *mac = n->network.mac;
  mac[0] = 2;
  mac[2] = (u8)lguest_data.guestid;
  mac[3] = (u8)(lguest_data.guestid >> 8);
  mac[5] = (u8)net_count;
  for (u32 i = 0; i < BUFFERS; i++) {
    if (i % 2 == 0) n->buffers[i] = pages_alloc(1);
    else n->buffers[i] = n->buffers[i - 1] + PAGE_SIZE / 2;
    dma_list(&n->receive[i], phys(n->buffers[i]), FRAME_MAX);
  }
  irq_request(irq, received, n);
  if (!hypercall(LHCALL_BIND_DMA, n->key + 4 * n->network.line, phys(n->receive), BUFFERS << 8 | irq)) return false;
  net_add(&n->network);
  /* From now on the others send us what is ours. */
  for (u32 i = 6; i--;) n->lines[n->network.line][i] = mac[i];
  return true;
}

const struct driver net_driver = {DEVICE_NET, "net", probe};

void net_describe(struct network *network) {
  struct net *n = (struct net *)network;
  for (u32 line = 0; line < LINES; line++) {
    volatile u8 *mac = n->lines[line];
    if (!mac[0]) continue;
    print("  line %u %02x:%02x:%02x:%02x:%02x:%02x%s\n", line, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], line == n->network.line ? " (this guest)" : "");
  }
}
