/*
 * Talking to a device of any type by hand: what a driver does, one step a command. A device is three things (ABI 3): pages both
 * sides see, requests we send on a channel, and a buffer we lend on a channel that comes back filled, by interrupt. A slot's key is
 * where its pages are, or 0 without pages, and channels are four bytes apart from there.
 */
#include "kernel.h"

#define MAX_LOANS 8
#define LOAN_BYTES (4 * PAGE_SIZE)
#define ANSWER_SECONDS 5

/* The buffer lent on a channel: one, for of several it could not be told which are full (used_len holds the line's number meanwhile). */
struct loan {
  u32 slot, channel;
  struct lguest_dma list;
  u8 *bytes;
  volatile u32 interrupts;
  u32 seen;
};

static struct loan loans[MAX_LOANS];
static u32 loan_count;
static u8 *pages[LGUEST_MAX_DEVICES];

static void interrupted(u32 irq, void *arg) {
  (void)arg;
  for (struct loan *l = loans; l < loans + loan_count; l++)
    if (l->slot + 1 == irq) {
      l->interrupts++;
      wake(l);
    }
}

static u32 key(u32 slot, u32 channel) { return (device_page[slot].num_pages ? device_page[slot].pfn * PAGE_SIZE : 0) + 4 * channel; }

static struct loan *lend(u32 slot, u32 channel) {
  struct loan *l = loans;
  while (l < loans + loan_count && (l->slot != slot || l->channel != channel)) l++;
  if (l < loans + loan_count) return l;
  u8 *bytes = loan_count < MAX_LOANS ? pages_try_alloc(LOAN_BYTES / PAGE_SIZE) : NULL;
  if (!bytes) {
    print("no more buffers to lend\n");
    return NULL;
  }
  l->slot = slot;
  l->channel = channel;
  l->bytes = bytes;
  dma_list(&l->list, phys(bytes), LOAN_BYTES);
  u32 flags = irq_save();
  loan_count++;
  irq_request(slot + 1, interrupted, NULL);
  bool bound = hypercall(LHCALL_BIND_DMA, key(slot, channel), phys(&l->list), 1 << 8 | (slot + 1)) != 0;
  if (!bound) loan_count--;
  irq_restore(flags);
  if (bound) return l;
  print("the Host does not take a buffer for channel %u\n", channel);
  return NULL;
}

static int receive(struct loan *l, u32 seconds) {
  u32 flags = irq_save();
  u64 until = now_ns() + (u64)seconds * NS_PER_SEC;
  while (l->interrupts == l->seen && now_ns() < until && !console_interrupted) wait_on(l, 100 * NS_PER_MS);
  bool came = l->interrupts != l->seen;
  u32 bytes = came ? l->list.used_len : 0;
  l->seen = l->interrupts;
  irq_restore(flags);
  if (!came) {
    print("device %u: nothing came in %u s\n", l->slot, seconds);
    return 1;
  }
  if (!bytes) {
    print("device %u: interrupt, no data\n", l->slot);
    return 0;
  }
  if (bytes > LOAN_BYTES) bytes = LOAN_BYTES;
  print("device %u: received %u bytes: \"", l->slot, bytes);
  for (u32 i = 0; i < bytes && !console_interrupted; i++) {
    u8 c = l->bytes[i];
    if (c >= 32 && c < 127 && c != '"' && c != '\\') console_putc((char)c);
    else print("\\x%02x", c);
  }
  print("\"\n");
  barrier();
  l->list.used_len = 0;
  return 0;
}

/* The words from the n-th on, a blank between; or, of words that are numbers, 32 bits each. */
static u32 content(u8 *to, u32 size, int argc, char **argv, int n, bool numbers) {
  u32 bytes = 0, value;
  for (; n < argc; n++) {
    if (numbers && argv[n][0] == '0' && argv[n][1] == 'x' && parse_number(argv[n], &value) && bytes + 4 <= size) {
      memcpy(to + bytes, &value, 4);
      bytes += 4;
      continue;
    }
    if (bytes && !numbers && bytes < size) to[bytes++] = ' ';
    for (char *c = argv[n]; *c && bytes < size; c++) to[bytes++] = (u8)*c;
  }
  return bytes;
}

static void send(u32 slot, u32 channel, int argc, char **argv, int n) {
  static u8 out[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
  struct lguest_dma list = {0};
  u32 bytes = content(out, sizeof out, argc, argv, n, false);
  dma_list(&list, phys(out), bytes);
  hypercall(LHCALL_SEND_DMA, key(slot, channel), phys(&list), 0);
  print("device %u: sent %u bytes, %u taken\n", slot, bytes, list.used_len);
}

static int usage(void) {
  print("usage: device                               look at the bus again, and list it\n"
        "       device <slot> [.<channel>] send <words>  send a request\n"
        "       device <slot> [.<channel>] receive [s]   lend a buffer and wait for it to be filled\n"
        "       device <slot> [.<channel>] ask <words>   lend a buffer, send, and wait\n"
        "       device <slot> read [offset [bytes]]      look at its pages\n"
        "       device <slot> write <offset> <words>     write there; words that begin with 0x are 32-bit numbers\n");
  return 1;
}

int command_device(int argc, char **argv) {
  device_scan();
  if (argc == 1) return command_devices(argc, argv);
  u32 slot, channel = 0, at, bytes = 64;
  int n = 2;
  if (!parse_number(argv[1], &slot) || argc < 3) return usage();
  if (argv[2][0] == '.' && (!parse_number(argv[n++] + 1, &channel) || argc < 4)) return usage();
  if (slot >= LGUEST_MAX_DEVICES || device_page[slot].type == DEVICE_NONE) {
    print("there is no device %u; `device` lists those there are\n", slot);
    return 1;
  }
  struct lguest_device_desc *d = &device_page[slot];
  const char *what = argv[n++];
  if (!strcmp(what, "read") || !strcmp(what, "write")) {
    bool reading = what[0] == 'r';
    at = 0;
    if (argc > n && !parse_number(argv[n], &at)) return usage();
    if (reading ? argc > n + 2 || (argc == n + 2 && !parse_number(argv[n + 1], &bytes)) : argc < n + 2) return usage();
    if (at >= d->num_pages * PAGE_SIZE) {
      print("device %u has %u pages: no byte 0x%x\n", slot, d->num_pages, at);
      return 1;
    }
    if (!pages[slot]) pages[slot] = map_device(d->pfn, d->num_pages);
    u32 room = d->num_pages * PAGE_SIZE - at;
    if (reading) return dump((u32)pages[slot] + at, bytes < room ? bytes : room, at);
    print("device %u: wrote %u bytes\n", slot, content(pages[slot] + at, room, argc, argv, n + 1, true));
    return 0;
  }
  if (device_driver(d->type)) {
    print("device %u has a driver, %s: that one talks to it\n", slot, device_type_name(d->type));
    return 1;
  }
  d->status |= STATUS_DRIVER | STATUS_DRIVER_OK;
  if (!strcmp(what, "send")) {
    send(slot, channel, argc, argv, n);
    return 0;
  }
  bool asking = !strcmp(what, "ask");
  u32 seconds = ANSWER_SECONDS;
  if (!asking && (strcmp(what, "receive") || argc > n + 1 || (argc == n + 1 && !parse_number(argv[n], &seconds)))) return usage();
  struct loan *l = lend(slot, channel);
  if (!l) return 1;
  if (asking) send(slot, channel, argc, argv, n);
  return receive(l, seconds);
}
