/*
 * Tour 2.13: The console
 *
 * Output gathers in a ring and leaves as one list of sections when somebody could be waiting for it: when it is full, at a
 * tick, before we halt, before we read. Input comes the other way round: we lend the Launcher one buffer by BIND_DMA, it
 * fills it and interrupts; as long as used_len is not zero again it is ours. We take our time when our own ring is full, and
 * the Launcher waits.
 */
#include "kernel.h"

#define OUT_SIZE 16384 /* a power of two, and with it wrapped still within 16 sections */
#define IN_SIZE 4096
#define RECEIVE_BYTES 256

volatile bool console_interrupted;
u32 console_bytes_out, console_bytes_in, console_sends;

static u8 out[OUT_SIZE] __attribute__((aligned(PAGE_SIZE)));
static u32 out_head, out_tail; /* free running; tail chases head */
static u8 receive[RECEIVE_BYTES] __attribute__((aligned(RECEIVE_BYTES)));
static struct lguest_dma receive_dma;
static u32 receive_at;
static volatile bool receive_full; /* set by interrupt: GETDMA keeps the irq number in used_len before there is data */
static char in[IN_SIZE];
static u32 in_head, in_tail;

/* Sends a prepared list. Returns the bytes taken; what nobody takes is lost, as on a cable that is not plugged in. */
u32 console_send(const struct lguest_dma *list, u32 bytes) {
  u32 sent = 0;
  while (sent < bytes) {
    struct lguest_dma dma = {0};
    u32 skip = sent;
    for (u32 i = 0, n = 0; i < LGUEST_MAX_DMA_SECTIONS && list->len[i]; i++) {
      if (skip >= list->len[i]) {
        skip -= list->len[i];
        continue;
      }
      dma.addr[n] = list->addr[i] + skip;
      dma.len[n++] = list->len[i] - skip;
      skip = 0;
    }
    hypercall(LHCALL_SEND_DMA, LGUEST_CONSOLE_KEY, phys(&dma), 0);
    console_sends++;
    if (!dma.used_len || dma.used_len > bytes - sent) break;
    sent += dma.used_len;
  }
  console_bytes_out += sent;
  return sent;
}

void console_flush(void) {
  u32 flags = irq_save(), bytes = out_head - out_tail;
  if (bytes) {
    u32 start = out_tail % OUT_SIZE, first = bytes < OUT_SIZE - start ? bytes : OUT_SIZE - start;
    struct lguest_dma list = {0};
    dma_list(&list, phys(out) + start, first);
    if (first < bytes) {
      struct lguest_dma rest = {0};
      dma_list(&rest, phys(out), bytes - first);
      u32 n = 0;
      while (list.len[n]) n++;
      for (u32 i = 0; rest.len[i]; i++, n++) list.addr[n] = rest.addr[i], list.len[n] = rest.len[i];
    }
    console_send(&list, bytes);
    out_tail = out_head;
  }
  irq_restore(flags);
}

static void put_raw(char c) {
  u32 flags = irq_save();
  if (out_head - out_tail == OUT_SIZE) console_flush();
  out[out_head++ % OUT_SIZE] = c;
  irq_restore(flags);
}

/* The Launcher's terminal is raw: the carriage return is ours to add. */
void console_putc(char c) {
  if (c == '\n') put_raw('\r');
  put_raw(c);
}

void console_write(const char *text, u32 n) {
  while (n--) console_putc(*text++);
}

/* From the lent buffer into our ring; gives the buffer back once it is empty. ^C acts at once and drops what was typed before. */
static void take_input(void) {
  u32 flags = irq_save();
  while (receive_full) {
    u32 n = receive_dma.used_len < RECEIVE_BYTES ? receive_dma.used_len : RECEIVE_BYTES;
    while (receive_at < n && in_head - in_tail < IN_SIZE) {
      char c = receive[receive_at++];
      console_bytes_in++;
      if (c == 3) {
        in_tail = in_head;
        console_interrupted = true;
        task_kill_users();
        wake(&console_interrupted);
      }
      in[in_head++ % IN_SIZE] = c;
    }
    if (receive_at < n) break;
    receive_at = 0;
    receive_full = false;
    barrier();
    receive_dma.used_len = 0;
  }
  irq_restore(flags);
}

static void received(u32 irq, void *arg) {
  (void)irq, (void)arg;
  if (receive_dma.used_len) receive_full = true;
  take_input();
  wake(in);
}

bool console_poll(char *c) {
  u32 flags = irq_save();
  take_input();
  bool got = in_head != in_tail;
  if (got) *c = in[in_tail++ % IN_SIZE];
  irq_restore(flags);
  return got;
}

int console_getc(void) {
  char c;
  console_flush();
  u32 flags = irq_save();
  while (!console_poll(&c)) {
    wait_on(in, 0);
    if (current->space && current->killed) {
      c = 3;
      break;
    }
  }
  irq_restore(flags);
  return (u8)c;
}

static bool probe(struct lguest_device_desc *desc, u32 irq) {
  (void)desc;
  dma_list(&receive_dma, phys(receive), RECEIVE_BYTES);
  irq_request(irq, received, NULL);
  return hypercall(LHCALL_BIND_DMA, LGUEST_CONSOLE_KEY, phys(&receive_dma), 1 << 8 | irq) != 0;
}

const struct driver console_driver = {DEVICE_CONSOLE, "console", probe};
