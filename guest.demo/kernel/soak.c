/*
 * Everything at once, for as long as one likes: each disk and each named network has a task that keeps it busy and looks at every
 * byte, and what is typed comes back. How long each operation took is counted by the millisecond, so that whoever exchanges the
 * devices under us can see what we saw of it.
 */
#include "kernel.h"

#define SLICE 4096          /* of a disk, per operation */
#define MAX_PLACES 16384    /* slices of a disk that are used */
#define FRAMES 4            /* of a network, per operation */
#define SLOWEST 1023        /* milliseconds; what took longer counts as this */
#define MAX_WORKERS (MAX_DISKS + MAX_NETS + 1)

struct worker {
  const char *kind;
  u32 number, ip;
  struct disk *disk;
  struct network *net;
  u32 operations, again, wrong;
  u64 bytes;
  u32 *took; /* operations by milliseconds */
};

static struct worker workers[MAX_WORKERS];
static u32 worker_count;
static volatile bool stopping;
static volatile u32 working;

static void count(struct worker *w, u64 start, u32 bytes) {
  u32 ms = (u32)div64(now_ns() - start, NS_PER_MS, NULL);
  w->took[ms < SLOWEST ? ms : SLOWEST]++;
  w->operations++;
  w->bytes += bytes;
}

static void done(void) {
  u32 flags = irq_save();
  working--;
  wake(&working);
  irq_restore(flags);
  task_exit(0);
}

static u32 content(u32 place, u32 generation, u32 i) { return (place * 40503 + generation * 65599 + i) * 2654435761u; }

static bool slice(struct worker *w, u32 type, u32 place, u32 generation) {
  u32 *words = (u32 *)w->disk->buffer;
  if (type == BLOCK_WRITE)
    for (u32 i = 0; i < SLICE / 4; i++) words[i] = content(place, generation, i);
  u64 start = now_ns();
  bool moved = disk_move(w->disk, type, place * (SLICE / SECTOR), SLICE);
  count(w, start, SLICE);
  if (!moved) {
    print("soak: disk %u: request at slice %u failed, result %u\n", w->number, place, w->disk->result);
    return false;
  }
  if (type == BLOCK_READ)
    for (u32 i = 0; i < SLICE / 4; i++)
      if (words[i] != content(place, generation, i)) {
        print("soak: disk %u: slice %u, byte %u: %08x instead of %08x\n", w->number, place, i * 4, words[i], content(place, generation, i));
        return false;
      }
  return true;
}

/* Writes and reads slices here and there; in the end reads all that were ever written. */
static void soak_disk(void *arg) {
  struct worker *w = arg;
  u32 places = w->disk->sectors / (SLICE / SECTOR), seed = 2463534242u + w->number;
  if (places > MAX_PLACES) places = MAX_PLACES;
  u32 pages = PAGE_UP(places * 2) / PAGE_SIZE;
  u16 *generations = places ? pages_alloc(pages) : NULL;
  while (places && !stopping) {
    seed ^= seed << 13, seed ^= seed >> 17, seed ^= seed << 5;
    u32 place = (seed >> 4) % places;
    if (generations[place] && seed & 1) w->wrong += !slice(w, BLOCK_READ, place, generations[place]);
    else if (slice(w, BLOCK_WRITE, place, ++generations[place])) ;
    else w->wrong++;
    schedule();
  }
  for (u32 place = 0; place < places; place++)
    if (generations[place]) w->wrong += !slice(w, BLOCK_READ, place, generations[place]);
  for (u32 i = 0; i < pages; i++) page_unref(phys(generations) + i * PAGE_SIZE);
  done();
}

static void soak_net(void *arg) {
  struct worker *w = arg;
  u8 mac[6];
  if (!net_resolve(w->net, w->ip, mac)) w->wrong++;
  else {
    w->net->bulk_wrong = 0;
    for (u32 block = 0; !stopping; block += FRAMES) {
      u32 again;
      u64 start = now_ns();
      u32 back = net_exchange(w->net, mac, w->ip, block, FRAMES, &again);
      count(w, start, back * NET_BLOCK);
      w->again += again;
      w->wrong += FRAMES - back;
      schedule();
    }
    w->wrong += w->net->bulk_wrong;
  }
  done();
}

/* Each line comes back, until it is `stop`. */
static void soak_console(struct worker *w) {
  char line[128];
  for (;;) {
    u32 n = 0;
    for (int c; (c = console_getc()) != '\r' && c != '\n';) {
      if (c == 3) return;
      if (n + 1 < sizeof line) line[n++] = (char)c;
    }
    line[n] = 0;
    if (!strcmp(line, "stop")) return;
    u64 start = now_ns();
    print("soak: %s\n", line);
    console_flush();
    count(w, start, n);
  }
}

static void report(struct worker *w) {
  print("soak: %s %u: %u operations, %u KiB, %u wrong, %u again; by milliseconds:", w->kind, w->number, w->operations, (u32)div64(w->bytes, 1024, NULL), w->wrong, w->again);
  for (u32 ms = 0; ms <= SLOWEST; ms++)
    if (w->took[ms]) print(" %u:%u", ms, w->took[ms]);
  print("\n");
}

static struct worker *worker(const char *kind, u32 number) {
  struct worker *w = &workers[worker_count++];
  *w = (struct worker){.kind = kind, .number = number, .took = pages_alloc(1)};
  return w;
}

int command_soak(int argc, char **argv) {
  u32 number, ip;
  worker_count = 0;
  stopping = false;
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 == argc || worker_count == MAX_NETS || !parse_number(argv[i], &number) || number >= net_count || !nets[number]->ip || !parse_ip(argv[i + 1], &ip)) {
      print("usage: soak [<network> <address>]...; the networks have addresses of their own by then; a line `stop` ends it\n");
      while (worker_count) page_unref(phys(workers[--worker_count].took));
      return 1;
    }
    struct worker *w = worker("net", number);
    w->net = nets[number];
    w->ip = ip;
  }
  for (u32 i = 0; i < disk_count; i++) worker("disk", i)->disk = &disks[i];
  working = worker_count;
  for (struct worker *w = workers; w < workers + worker_count; w++) task_kernel("soak", w->disk ? soak_disk : soak_net, w);
  struct worker *console = worker("console", 0);
  print("soak: begins\n");
  soak_console(console);
  stopping = true;
  u32 flags = irq_save(), wrong = 0;
  while (working) wait_on(&working, NS_PER_SEC);
  irq_restore(flags);
  for (int status; task_wait(-1, &status) >= 0;) ;
  for (struct worker *w = workers; w < workers + worker_count; w++) {
    report(w);
    wrong += w->wrong;
    page_unref(phys(w->took));
  }
  print("soak: ends, %u wrong\n", wrong);
  return wrong != 0;
}
