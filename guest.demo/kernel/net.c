/*
 * As much of ARP, IP, ICMP and UDP as it takes to be asked, to ask, and to move bytes both ways and look at every one of them.
 * Frames come and go by the machine's driver.
 */
#include "kernel.h"

#define ECHO_PORT 7
#define BULK_PORT 4000
#define WINDOW 4
#define STREAM_ID 78

enum { TYPE_IP = 0x0800, TYPE_ARP = 0x0806, IP_ICMP = 1, IP_UDP = 17 };

struct network *nets[MAX_NETS];
u32 net_count;

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

static void send(struct network *n, const u8 *frame, u32 bytes) {
  u32 flags = irq_save();
  n->frames_out++;
  net_transmit(n, frame, bytes);
  irq_restore(flags);
}

static u8 *ethernet(struct network *n, u8 *frame, const u8 *to, u32 type) {
  if (to) memcpy(frame, to, 6);
  else memset(frame, 0xFF, 6);
  memcpy(frame + 6, n->mac, 6);
  put16(frame + 12, type);
  return frame + 14;
}

static void send_arp(struct network *n, u8 *frame, u32 operation, const u8 *to, u32 to_ip) {
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
static void send_ip(struct network *n, u8 *frame, const u8 *to, u32 to_ip, u32 protocol, u32 bytes) {
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

/* Something we streamed has come back; so many after the first that is missing. */
static void take_answer(struct network *n, u32 at) {
  if (at >= WINDOW) return; /* a second time */
  n->window_done |= 1u << at;
  wake(&n->window_done);
}

/* An echo of our bulk transfer has come: is it what went? */
static void take_echo(struct network *n, const u8 *data, u32 bytes) {
  if (bytes != NET_BLOCK) return;
  u32 block = get32(data);
  for (u32 i = 1; i < NET_BLOCK / 4; i++)
    if (get32(data + 4 * i) != bulk_word(block, i)) {
      n->bulk_wrong++;
      return;
    }
  take_answer(n, block - n->window_base);
}

static void take_ip(struct network *n, const u8 *frame, u32 bytes) {
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
      if (get16(body + 4) == STREAM_ID) take_answer(n, (get16(body + 6) - n->window_base) & 0xFFFF);
      else {
        n->pinged = get16(body + 6);
        wake(&n->pinged);
      }
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

void net_received(struct network *n, const u8 *frame, u32 bytes) {
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

/* A network that a driver has found; its hardware address is made from whoever we are and its number. */
void net_add(struct network *n) {
  n->number = net_count;
  n->out = pages_alloc(2);
  n->answer = n->out + PAGE_SIZE;
  nets[net_count++] = n;
}

/* Asks for an address until somebody answers, for three seconds. */
bool net_resolve(struct network *n, u32 ip, u8 *mac) {
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

static int ping(struct network *n, u32 ip, u32 count) {
  u8 mac[6];
  u32 got = 0;
  if (!net_resolve(n, ip, mac)) return 1;
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
  print("net %u: %u pings, %u answers\n", n->number, count, got);
  return got != count;
}

/* What goes back and forth: to whom, and of what size. */
struct flow {
  u8 mac[6];
  u32 ip, bytes;
};

typedef void send_one(struct network *n, const struct flow *flow, u32 number);

static void send_block(struct network *n, const struct flow *flow, u32 block) {
  u8 *udp = n->out + 34;
  put32(udp, BULK_PORT << 16 | ECHO_PORT);
  put32(udp + 4, (8 + NET_BLOCK) << 16);
  put32(udp + 8, block);
  for (u32 i = 1; i < NET_BLOCK / 4; i++) put32(udp + 8 + 4 * i, bulk_word(block, i));
  send_ip(n, n->out, flow->mac, flow->ip, IP_UDP, 8 + NET_BLOCK);
}

/* A ping whose body stays what it is: the checksum is that of the header. */
static void send_ping(struct network *n, const struct flow *flow, u32 number) {
  u8 *icmp = n->out + 34;
  put32(icmp, 8 << 24);
  put32(icmp + 4, STREAM_ID << 16 | (number & 0xFFFF));
  put16(icmp + 2, checksum(icmp, 8));
  send_ip(n, n->out, flow->mac, flow->ip, IP_ICMP, flow->bytes);
}

/* Sends so many, a few under way at a time, each again and again until its echo has come. How many came, in how long. */
static u32 stream(struct network *n, const struct flow *flow, send_one *send_one, u32 first, u32 count, u32 *again, u64 *ns) {
  u32 next = first, idle = 0;
  n->window_done = 0;
  n->window_base = first;
  *again = 0;
  u64 start = now_ns();
  while (n->window_base - first < count && !console_interrupted && idle < 50) {
    while (next - first < count && next < n->window_base + WINDOW) send_one(n, flow, next++);
    u32 flags = irq_save(), before = n->window_base;
    if (!(n->window_done & 1)) wait_on(&n->window_done, 100 * NS_PER_MS);
    while (n->window_done & 1) n->window_done >>= 1, n->window_base++;
    u32 missing = n->window_base == before ? ~n->window_done : 0;
    irq_restore(flags);
    idle = missing ? idle + 1 : 0;
    for (u32 i = 0; i < WINDOW && n->window_base + i < next; i++)
      if (missing >> i & 1) ++*again, send_one(n, flow, n->window_base + i);
  }
  *ns = now_ns() - start;
  return n->window_base - first;
}

/* An echo service sends back what it gets, and every byte of it is looked at. */
static int bulk(struct network *n, u32 ip, u32 kib) {
  struct flow flow = {.ip = ip};
  if (!net_resolve(n, ip, flow.mac)) return 1;
  u32 blocks = (kib * 1024 + NET_BLOCK - 1) / NET_BLOCK, again;
  u64 ns;
  n->bulk_wrong = 0;
  u32 done = stream(n, &flow, send_block, 0, blocks, &again, &ns), ms = (u32)div64(ns, NS_PER_MS, NULL);
  print("net %u: %u of %u blocks of %u bytes there and back in %u ms, %u KiB/s each way, %u sent again, %u wrong\n", n->number, done,
        blocks, NET_BLOCK, ms, (u32)div64((u64)done * NET_BLOCK * 1000 / 1024, ms ? ms : 1, NULL), again, n->bulk_wrong);
  return done != blocks || n->bulk_wrong;
}

/* So many blocks from the `first` on, for whoever has resolved the address; how many came back as they were. */
u32 net_exchange(struct network *n, const u8 *mac, u32 ip, u32 first, u32 count, u32 *again) {
  struct flow flow = {.ip = ip};
  u64 ns;
  memcpy(flow.mac, mac, 6);
  return stream(n, &flow, send_block, first, count, again, &ns);
}

/* For the rate: pings of one size, which any neighbour answers, as fast as they come back. */
static int echo(struct network *n, u32 ip, u32 count, u32 bytes) {
  struct flow flow = {.ip = ip, .bytes = bytes};
  if (bytes < 8 || bytes > FRAME_MAX - 34) {
    print("8 to %u bytes\n", FRAME_MAX - 34);
    return 1;
  }
  if (!net_resolve(n, ip, flow.mac)) return 1;
  memset(n->out + 42, 0, bytes - 8);
  u32 again;
  u64 ns;
  u32 done = stream(n, &flow, send_ping, 0, count, &again, &ns);
  print("net %u: %u of %u echoes of %u bytes in %u us, %u sent again\n", n->number, done, count, bytes + 34, (u32)div64(ns, 1000, NULL), again);
  return done != count;
}

bool parse_ip(const char *s, u32 *ip) {
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

int command_net(int argc, char **argv) {
  u32 number, ip, count, bytes;
  for (u32 i = 0; argc == 1 && i < net_count; i++) {
    struct network *n = nets[i];
    print("net %u: irq %u, line %u, address %u.%u.%u.%u, in %u, out %u, lost %u, bad %u\n", i, n->irq, n->line, n->ip >> 24, n->ip >> 16 & 255, n->ip >> 8 & 255,
          n->ip & 255, n->frames_in, n->frames_out, n->lost, n->bad);
    net_describe(n);
  }
  if (argc == 1) return 0;
  if (parse_number(argv[1], &number) && number < net_count) {
    struct network *n = nets[number];
    if (argc == 3 && parse_ip(argv[2], &ip)) {
      n->ip = ip;
      return 0;
    }
    if (argc >= 4 && parse_ip(argv[3], &ip) && (argc == 4 || (argc <= 6 && parse_number(argv[4], &count)))) {
      if (!n->ip) {
        print("net %u has no address; give it one with: net %u <address>\n", number, number);
        return 1;
      }
      if (!strcmp(argv[2], "ping")) return ping(n, ip, argc > 4 ? count : 3);
      if (!strcmp(argv[2], "echo") && argc == 6 && parse_number(argv[5], &bytes)) return echo(n, ip, count, bytes);
      if (!strcmp(argv[2], "bulk")) return bulk(n, ip, argc > 4 ? count : 1024);
    }
  }
  print("usage: net [<number> <address> | <number> ping <address> [count] | <number> bulk <address> [KiB] | <number> echo <address> <count> <bytes>]\n");
  return 1;
}
