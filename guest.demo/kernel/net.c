/*
 * Networks. The page is a table of six-byte hardware addresses, a line for each who is there (ABI 3.4). To send, we look
 * through the table for who should get the frame and send it to the key of each such line; to receive, we lend eight
 * buffers on the key of our own. Above that: as much of ARP, IP, ICMP and UDP as it takes to be asked, to ask, and to move
 * bytes both ways and look at every one of them.
 */
#include "kernel.h"

#define MAX_NETS 4
#define LINES (PAGE_SIZE / 6)
#define BUFFERS 8
#define FRAME_MAX 1514
#define PROMISCUOUS 1
#define ECHO_PORT 7
#define BULK_PORT 4000
#define BULK_BYTES 1400
#define WINDOW 4

enum { TYPE_IP = 0x0800, TYPE_ARP = 0x0806, IP_ICMP = 1, IP_UDP = 17 };

struct net {
  volatile u8 (*lines)[6];
  u32 key, irq, me, ip;
  u8 mac[6];
  u8 *buffers[BUFFERS], *out, *answer; /* out: whoever asks; answer: the interrupt */
  struct lguest_dma receive[BUFFERS];
  u32 frames_in, frames_out, lost, bad;
  u32 asked_ip;               /* whose address somebody waits for */
  volatile bool known;
  u8 known_mac[6];
  volatile u32 pinged;        /* the last answer's number */
  u32 bulk_base;              /* first block whose echo is missing; one bit for each of the window's */
  volatile u32 bulk_done, bulk_wrong;
};

static struct net nets[MAX_NETS];
static u32 net_count;

/* The bytes of the wire come highest first. */
static u32 get16(const u8 *p) { return (u32)p[0] << 8 | p[1]; }
static u32 get32(const u8 *p) { return get16(p) << 16 | get16(p + 2); }
static void put16(u8 *p, u32 v) { p[0] = (u8)(v >> 8), p[1] = (u8)v; }
static void put32(u8 *p, u32 v) { put16(p, v >> 16), put16(p + 2, v & 0xFFFF); }

static u32 checksum(const u8 *p, u32 n) {
  u32 sum = 0;
  for (; n > 1; p += 2, n -= 2) sum += get16(p);
  if (n) sum += (u32)*p << 8;
  while (sum >> 16) sum = (sum & 0xFFFF) + (sum >> 16);
  return ~sum & 0xFFFF;
}

static bool wants(struct net *n, u32 line, const u8 *to) {
  volatile u8 *mac = n->lines[line];
  if (line == n->me || !mac[0]) return false;
  if ((to[0] & 1) || (mac[0] & PROMISCUOUS)) return true;
  return mac[0] == to[0] && mac[1] == to[1] && mac[2] == to[2] && mac[3] == to[3] && mac[4] == to[4] && mac[5] == to[5];
}

static void send(struct net *n, const u8 *frame, u32 bytes) {
  u32 flags = irq_save();
  n->frames_out++;
  for (u32 line = 0; line < LINES; line++) {
    if (!wants(n, line, frame)) continue;
    struct lguest_dma list = {0};
    dma_list(&list, phys(frame), bytes);
    hypercall(LHCALL_SEND_DMA, n->key + 4 * line, phys(&list), 0);
    if (list.used_len != bytes) n->lost++;
  }
  irq_restore(flags);
}

static u8 *ethernet(struct net *n, u8 *frame, const u8 *to, u32 type) {
  if (to) memcpy(frame, to, 6);
  else memset(frame, 0xFF, 6);
  memcpy(frame + 6, n->mac, 6);
  put16(frame + 12, type);
  return frame + 14;
}

static void send_arp(struct net *n, u8 *frame, u32 operation, const u8 *to, u32 to_ip) {
  u8 *arp = ethernet(n, frame, to, TYPE_ARP);
  put32(arp, 0x00010800);
  put32(arp + 4, 0x06040000 | operation);
  memcpy(arp + 8, n->mac, 6);
  put32(arp + 14, n->ip);
  if (to) memcpy(arp + 18, to, 6);
  else memset(arp + 18, 0, 6);
  put32(arp + 24, to_ip);
  send(n, frame, 42);
}

/* An IP header before `bytes` of body at frame + 34. */
static void send_ip(struct net *n, u8 *frame, const u8 *to, u32 to_ip, u32 protocol, u32 bytes) {
  u8 *ip = ethernet(n, frame, to, TYPE_IP);
  put32(ip, 0x45000000 | (20 + bytes));
  put32(ip + 4, 0);
  put32(ip + 8, 64 << 24 | protocol << 16);
  put32(ip + 12, n->ip);
  put32(ip + 16, to_ip);
  put16(ip + 10, checksum(ip, 20));
  send(n, frame, 34 + bytes);
}

static u32 bulk_word(u32 block, u32 i) { return (block * 4099 + i) * 2654435761u; }

/* An echo of our bulk transfer has come: is it what went? */
static void take_echo(struct net *n, const u8 *data, u32 bytes) {
  if (bytes != BULK_BYTES) return;
  u32 block = get32(data), at = block - n->bulk_base;
  if (at >= WINDOW) return; /* a second time */
  for (u32 i = 1; i < BULK_BYTES / 4; i++)
    if (get32(data + 4 * i) != bulk_word(block, i)) {
      n->bulk_wrong++;
      return;
    }
  n->bulk_done |= 1u << at;
  wake(&n->bulk_done);
}

static void take_ip(struct net *n, const u8 *frame, u32 bytes) {
  const u8 *ip = frame + 14, *body = frame + 34;
  if (bytes < 34 || ip[0] != 0x45 || get32(ip + 16) != n->ip) return;
  u32 length = get16(ip + 2);
  if (length < 20 || 14 + length > bytes || checksum(ip, 20)) {
    n->bad++;
    return;
  }
  length -= 20;
  if (ip[9] == IP_ICMP && length >= 8) {
    if (checksum(body, length)) n->bad++;
    else if (body[0] == 8) {
      memcpy(n->answer + 34, body, length);
      n->answer[34] = 0;
      put16(n->answer + 36, 0);
      put16(n->answer + 36, checksum(n->answer + 34, length));
      send_ip(n, n->answer, frame + 6, get32(ip + 12), IP_ICMP, length);
    } else if (body[0] == 0) {
      n->pinged = get16(body + 6);
      wake(&n->pinged);
    }
  } else if (ip[9] == IP_UDP && length >= 8) {
    if (get16(body + 2) == ECHO_PORT) {
      memcpy(n->answer + 34, body, length);
      put16(n->answer + 34, ECHO_PORT);
      put16(n->answer + 36, get16(body));
      put16(n->answer + 40, 0); /* no checksum: allowed, and everything below has one */
      send_ip(n, n->answer, frame + 6, get32(ip + 12), IP_UDP, length);
    } else if (get16(body + 2) == BULK_PORT) take_echo(n, body + 8, length - 8);
  }
}

static void take_frame(struct net *n, const u8 *frame, u32 bytes) {
  if (bytes < 14 || bytes > FRAME_MAX) {
    n->bad++;
    return;
  }
  n->frames_in++;
  const u8 *arp = frame + 14;
  if (get16(frame + 12) == TYPE_IP) take_ip(n, frame, bytes);
  else if (get16(frame + 12) == TYPE_ARP && bytes >= 42 && n->ip) {
    if (get32(arp + 14) == n->asked_ip) {
      memcpy(n->known_mac, arp + 8, 6);
      n->known = true;
      wake(&n->known);
    }
    if (get16(arp + 6) == 1 && get32(arp + 24) == n->ip) send_arp(n, n->answer, 2, arp + 8, get32(arp + 14));
  }
}

static void received(u32 irq, void *arg) {
  (void)irq;
  struct net *n = arg;
  for (u32 i = 0; i < BUFFERS; i++) {
    if (!n->receive[i].used_len) continue;
    take_frame(n, n->buffers[i], n->receive[i].used_len);
    barrier();
    n->receive[i].used_len = 0;
  }
}

static bool probe(struct lguest_device_desc *desc, u32 irq) {
  if (net_count == MAX_NETS) return false;
  struct net *n = &nets[net_count];
  n->lines = map_device(desc->pfn, 1);
  n->key = desc->pfn * PAGE_SIZE;
  n->irq = irq;
  n->me = desc->features & 0xFFF;
  n->mac[0] = 2;
  n->mac[2] = (u8)lguest_data.guestid;
  n->mac[3] = (u8)(lguest_data.guestid >> 8);
  n->mac[5] = (u8)net_count;
  n->out = pages_alloc(2);
  n->answer = n->out + PAGE_SIZE;
  for (u32 i = 0; i < BUFFERS; i++) {
    if (i % 2 == 0) n->buffers[i] = pages_alloc(1);
    else n->buffers[i] = n->buffers[i - 1] + PAGE_SIZE / 2;
    dma_list(&n->receive[i], phys(n->buffers[i]), FRAME_MAX);
  }
  irq_request(irq, received, n);
  if (!hypercall(LHCALL_BIND_DMA, n->key + 4 * n->me, phys(n->receive), BUFFERS << 8 | irq)) return false;
  /* From now on the others send us what is ours. */
  for (u32 i = 6; i--;) n->lines[n->me][i] = n->mac[i];
  net_count++;
  return true;
}

const struct driver net_driver = {DEVICE_NET, "net", probe};

/* Asks for an address until somebody answers, for three seconds. */
static bool resolve(struct net *n, u32 ip, u8 *mac) {
  for (u32 tries = 0; tries < 30 && !console_interrupted; tries++) {
    u32 flags = irq_save();
    n->asked_ip = ip;
    n->known = false;
    send_arp(n, n->out, 1, NULL, ip);
    if (!n->known) wait_on(&n->known, 100 * NS_PER_MS);
    bool known = n->known;
    if (known) memcpy(mac, n->known_mac, 6);
    irq_restore(flags);
    if (known) return true;
  }
  print("nobody has this address\n");
  return false;
}

static int ping(struct net *n, u32 ip, u32 count) {
  u8 mac[6];
  u32 got = 0;
  if (!resolve(n, ip, mac)) return 1;
  for (u32 i = 1; i <= count && !console_interrupted; i++) {
    u32 bytes = 8 + i * 97 % 1400; /* odd sizes, too */
    u8 *icmp = n->out + 34;
    put32(icmp, 8 << 24);
    put32(icmp + 4, 77 << 16 | (i & 0xFFFF));
    for (u32 k = 8; k < bytes; k++) icmp[k] = (u8)(k + i);
    put16(icmp + 2, checksum(icmp, bytes));
    u32 flags = irq_save();
    u64 until = now_ns() + NS_PER_SEC;
    send_ip(n, n->out, mac, ip, IP_ICMP, bytes);
    while (n->pinged != (i & 0xFFFF) && now_ns() < until) wait_on(&n->pinged, 100 * NS_PER_MS);
    got += n->pinged == (i & 0xFFFF);
    irq_restore(flags);
  }
  print("net %u: %u pings, %u answers\n", (u32)(n - nets), count, got);
  return got != count;
}

static void send_block(struct net *n, const u8 *mac, u32 ip, u32 block) {
  u8 *udp = n->out + 34;
  put32(udp, BULK_PORT << 16 | ECHO_PORT);
  put32(udp + 4, (8 + BULK_BYTES) << 16);
  put32(udp + 8, block);
  for (u32 i = 1; i < BULK_BYTES / 4; i++) put32(udp + 8 + 4 * i, bulk_word(block, i));
  send_ip(n, n->out, mac, ip, IP_UDP, 8 + BULK_BYTES);
}

/* Sends blocks to an echo service and looks at all that comes back, a few under way at a time, again and again if need be. */
static int bulk(struct net *n, u32 ip, u32 kib) {
  u8 mac[6];
  if (!resolve(n, ip, mac)) return 1;
  u32 blocks = (kib * 1024 + BULK_BYTES - 1) / BULK_BYTES, next = 0, again = 0, idle = 0;
  n->bulk_base = n->bulk_done = n->bulk_wrong = 0;
  u64 start = now_ns();
  while (n->bulk_base < blocks && !console_interrupted && idle < 50) {
    while (next < blocks && next < n->bulk_base + WINDOW) send_block(n, mac, ip, next++);
    u32 flags = irq_save(), before = n->bulk_base;
    if (!(n->bulk_done & 1)) wait_on(&n->bulk_done, 100 * NS_PER_MS);
    while (n->bulk_done & 1) n->bulk_done >>= 1, n->bulk_base++;
    u32 missing = n->bulk_base == before ? ~n->bulk_done : 0;
    irq_restore(flags);
    idle = missing ? idle + 1 : 0;
    for (u32 i = 0; i < WINDOW && n->bulk_base + i < next; i++)
      if (missing >> i & 1) again++, send_block(n, mac, ip, n->bulk_base + i);
  }
  u32 ms = (u32)div64(now_ns() - start, NS_PER_MS, NULL);
  print("net %u: %u of %u blocks of %u bytes there and back in %u ms, %u KiB/s each way, %u sent again, %u wrong\n", (u32)(n - nets), n->bulk_base,
        blocks, BULK_BYTES, ms, (u32)div64((u64)n->bulk_base * BULK_BYTES * 1000 / 1024, ms ? ms : 1, NULL), again, n->bulk_wrong);
  return n->bulk_base != blocks || n->bulk_wrong;
}

static bool parse_ip(const char *s, u32 *ip) {
  *ip = 0;
  for (u32 i = 0; i < 4; i++) {
    u32 part = 0, digits = 0;
    for (; *s >= '0' && *s <= '9' && digits < 3; digits++) part = part * 10 + (u32)(*s++ - '0');
    if (!digits || part > 255 || *s != (i < 3 ? '.' : 0)) return false;
    *ip = *ip << 8 | part;
    s++;
  }
  return true;
}

static void print_line(const volatile u8 *mac) { print("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]); }

int command_net(int argc, char **argv) {
  u32 number, ip, count;
  for (u32 i = 0; argc == 1 && i < net_count; i++) {
    struct net *n = &nets[i];
    print("net %u: irq %u, line %u, address %u.%u.%u.%u, in %u, out %u, lost %u, bad %u\n", i, n->irq, n->me, n->ip >> 24, n->ip >> 16 & 255, n->ip >> 8 & 255,
          n->ip & 255, n->frames_in, n->frames_out, n->lost, n->bad);
    for (u32 line = 0; line < LINES; line++) {
      if (!n->lines[line][0]) continue;
      print("  line %u ", line);
      print_line(n->lines[line]);
      print(line == n->me ? " (this guest)\n" : "\n");
    }
  }
  if (argc == 1) return 0;
  if (parse_number(argv[1], &number) && number < net_count) {
    struct net *n = &nets[number];
    if (argc == 3 && parse_ip(argv[2], &ip)) {
      n->ip = ip;
      return 0;
    }
    if (argc >= 4 && parse_ip(argv[3], &ip) && (argc == 4 || (argc == 5 && parse_number(argv[4], &count)))) {
      if (!n->ip) {
        print("net %u has no address; give it one with: net %u <address>\n", number, number);
        return 1;
      }
      if (!strcmp(argv[2], "ping")) return ping(n, ip, argc == 5 ? count : 3);
      if (!strcmp(argv[2], "bulk")) return bulk(n, ip, argc == 5 ? count : 1024);
    }
  }
  print("usage: net [<number> <address> | <number> ping <address> [count] | <number> bulk <address> [KiB]]\n");
  return 1;
}
