/*
 * The console. Output is a list of sections that we send (ABI 3.5). For input we lend the Launcher one buffer by BIND_DMA, it
 * fills it and interrupts; as long as used_len is not zero again it is ours. We take our time when the kernel's ring is full,
 * and the Launcher waits.
 */
#include "kernel.h"

#define RECEIVE_BYTES 256

static u8 receive[RECEIVE_BYTES] __attribute__((aligned(RECEIVE_BYTES)));
static struct lguest_dma receive_dma;
static u32 receive_at;
static volatile bool receive_full; /* set by interrupt: GETDMA keeps the irq number in used_len before there is data */

/* What nobody takes is lost, as on a cable that is not plugged in. */
u32 console_send(const void *bytes, u32 n) {
  u32 sent = 0;
  while (sent < n) {
    struct lguest_dma list;
    memset(&list, 0, sizeof list);
    dma_list(&list, phys(bytes) + sent, n - sent);
    hypercall(LHCALL_SEND_DMA, LGUEST_CONSOLE_KEY, phys(&list), 0);
    console_sends++;
    if (!list.used_len || list.used_len > n - sent) break;
    sent += list.used_len;
  }
  console_bytes_out += sent;
  return sent;
}

/* Gives the buffer back once it is empty. */
bool console_take(char *c) {
  u32 n = receive_dma.used_len < RECEIVE_BYTES ? receive_dma.used_len : RECEIVE_BYTES;
  if (!receive_full) return false;
  *c = receive[receive_at++];
  if (receive_at >= n) {
    receive_at = 0;
    receive_full = false;
    barrier();
    receive_dma.used_len = 0;
  }
  return true;
}

static void received(u32 irq, void *arg) {
  (void)irq, (void)arg;
  if (receive_dma.used_len) receive_full = true;
  console_typed();
}

static bool probe(struct lguest_device_desc *desc, u32 irq) {
  (void)desc;
  dma_list(&receive_dma, phys(receive), RECEIVE_BYTES);
  irq_request(irq, received, NULL);
  return hypercall(LHCALL_BIND_DMA, LGUEST_CONSOLE_KEY, phys(&receive_dma), 1 << 8 | irq) != 0;
}

const struct driver console_driver = {DEVICE_CONSOLE, "console", probe};
