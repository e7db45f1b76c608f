/*
 * What the files of the guest kernel know of each other, one block per file. The kernel runs on two machines: as a guest of
 * lguest (../lguest), and on a bare PC (../pc), to be compared with. What differs is in those folders; their machine.h says how
 * each does what the kernel needs done.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include "types.h"
#include "machine.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE_UP(n) (((n) + PAGE_SIZE - 1) & ~(u32)(PAGE_SIZE - 1))
#define NS_PER_SEC 1000000000u
#define NS_PER_MS 1000000u


/* lib.c */
void *memcpy(void *to, const void *from, u32 n);
void *memmove(void *to, const void *from, u32 n);
void *memset(void *to, int byte, u32 n);
int memcmp(const void *a, const void *b, u32 n);
u32 strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, u32 n);
char *strchr(const char *s, char c);
void copy_string(char *to, const char *from, u32 size);
bool parse_number(const char *s, u32 *value);
u64 div64(u64 n, u32 d, u32 *remainder);

/* irq.c of the machine */
typedef void irq_handler(u32 irq, void *arg);
extern u32 irq_counts[IRQS], irq_spurious;
void irq_request(u32 irq, irq_handler *handler, void *arg);

/* trap.S and trap.c */
struct regs {
  u32 ebx, ecx, edx, esi, edi, ebp, eax;
  u32 ds, es, fs, gs;
  u32 vector, error;
  u32 eip, cs, eflags;
  u32 esp, ss; /* only when the trap came from user mode */
};
struct fault { u32 vector, error, cr2, eip, eflags; bool irqs; };
extern u32 trap_counts[32];
extern struct fault last_fault;            /* the last kernel trap that an exception-table entry caught */
extern bool (*trap_hook)(struct regs *r);  /* self-tests look here first; true = handled */
void trap_init(void);
bool from_user(const struct regs *r);
const char *trap_name(u32 vector);
void print_regs(const struct regs *r);
void set_gate(u32 vector, u32 handler, u32 type, u32 dpl);
void clear_gate(u32 vector);
#define GATE_INTERRUPT 0xE
#define GATE_TRAP 0xF
/* An instruction that may fault: on a fault at label `from`, go on at label `to`. */
#define EX_TABLE(from, to) ".pushsection __ex_table,\"a\"\n.long " #from "," #to "\n.popsection\n"
bool copy_from_user(void *to, u32 from, u32 n);
bool copy_to_user(u32 to, const void *from, u32 n);
bool probe_read(u32 address, u8 *value);
bool probe_write(u32 address, u8 value);

/* segment.c */
struct descriptor { u32 low, high; };
extern struct descriptor gdt[GDT_ENTRIES];
void segment_init(void);
struct descriptor make_descriptor(u32 base, u32 limit, u32 access, u32 flags);

/* memory.c: page frames, kernel page tables */
#define PTE_P 0x001
#define PTE_W 0x002
#define PTE_U 0x004
#define PTE_A 0x020
#define PTE_D 0x040
#define PTE_G 0x100
#define PTE_COW 0x200      /* software bits: shared until written ... */
#define PTE_READONLY 0x400 /* ... and made read-only on request */
#define PTE_KERNEL (PTE_G | PTE_D | PTE_A | PTE_W | PTE_P)
#define PDE_TABLE (PTE_D | PTE_A | PTE_U | PTE_W | PTE_P)
#define PTE_FRAME 0xFFFFF000
#define VMAP_BASE 0xF8000000 /* mapped page by page, tables made on demand */
#define VMAP_END 0xFF800000
#define FIXMAP_BASE 0xFF800000 /* device pages; its table exists from boot */
#define FIXMAP_END 0xFFBFF000
extern u32 memory_bytes, boot_tables, boot_tables_end; /* set by machine_init: RAM; the page tables at its top that we came on, what is behind them stays */
extern u32 memory_pages, pages_free;
extern u32 *kernel_pgdir, current_pgdir;
void memory_init(void);
void *pages_alloc(u32 n);  /* zeroed; panics when memory is gone */
void *pages_try_alloc(u32 n);
void page_ref(u32 physical);
void page_unref(u32 physical);
u32 page_refs(u32 physical);
void *map_device(u32 pfn, u32 n);
u32 *kernel_pte(u32 address, bool create);
void kernel_map(u32 address, u32 pte);
void set_pte(u32 *pgdir, u32 address, u32 *slot, u32 pte);
void set_pmd(u32 *pgdir, u32 index, u32 pde);
void load_pgdir(u32 *pgdir);

/* space.c: user address spaces */
#define USER_BASE 0x08048000
#define USER_TOP 0xBFFFF000
#define USER_STACK_LIMIT (1u << 20)
struct space {
  u32 *pgdir;
  u32 refs, brk, pages;
};
extern u32 faults_image, faults_zero, faults_cow, faults_stale, faults_vmap, faults_bad;
void space_init(void);
struct space *space_new(void);
struct space *space_fork(struct space *from);
void space_put(struct space *space);
bool space_fault(struct space *space, u32 address, u32 error);
u32 *space_pte(struct space *space, u32 address, bool create);
bool space_protect(struct space *space, u32 address, u32 bytes, bool read_only);
void space_unmap(struct space *space, u32 from, u32 to);
u32 user_bss_end(void);

/* task.c, switch in trap.S, fpu.c */
enum task_state { TASK_FREE, TASK_READY, TASK_WAITING, TASK_ZOMBIE };
struct task {
  u32 esp;               /* saved kernel stack pointer; trap.S knows it is first */
  u8 *stack;             /* two pages */
  struct space *space;   /* NULL for kernel tasks, which borrow whatever is loaded */
  enum task_state state;
  int pid, parent;
  char name[20];
  u64 wake_at;           /* 0: no timeout */
  const volatile void *channel;   /* what it waits for */
  int status;
  bool killed, fpu_used, fpu_live;
  u32 trap_entry;        /* user function to call with traps, or 0 */
  struct descriptor tls[TLS_ENTRIES];
  u8 fpu[512] __attribute__((aligned(16)));
  u64 cpu_ns, started_at;
  u32 switches, nm_traps;
};
#define MAX_TASKS 128
#define TASK_STACK 8192
extern struct task tasks[MAX_TASKS], *current;
extern volatile bool need_resched;
extern u32 context_switches, fpu_switches;
extern u64 idle_ns;
extern int foreground; /* pid whose process group ^C ends, or 0 */
void task_init(void);
struct task *task_kernel(const char *name, void (*body)(void *), void *arg);
struct task *task_user(const char *command);
bool task_exec(struct regs *r, const char *command);
int task_fork(struct regs *r, u32 entry, u32 stack);
void task_exit(int status) __attribute__((noreturn));
int task_wait(int pid, int *status);
void task_kill_users(void);
struct task *task_find(int pid);
struct regs *task_regs(struct task *task);
void schedule(void);
void wait_on(const volatile void *channel, u64 timeout_ns);
void wake(const volatile void *channel);
void task_sleep(u64 ns);
void task_tick(u64 now);
void idle_loop(void) __attribute__((noreturn));
u64 next_deadline(void);
void set_stack(struct task *task);
void load_tls(struct task *task);
void fpu_trap(void);
void fpu_leave(struct task *prev);
void fpu_drop(struct task *task);
bool fpu_copy(struct task *from, struct task *to);
extern bool ts_set;
void set_ts(bool on);
void return_to_user(void);
void task_entry(void);
void switch_stacks(u32 *save, u32 load);

/* time.c */
extern u32 ticks;
void time_init(void);
u64 now_ns(void);
u64 wall_seconds(void);
void timer_attach(void);
void timer_arm_tick(void);
void timer_arm_idle(void);
static inline u64 rdtsc(void) {
  u64 t;
  __asm__ volatile("rdtsc" : "=A"(t));
  return t;
}

/* syscall.c */
extern u32 syscalls;
extern int test_passed, test_failed;
void syscall_dispatch(struct regs *r);
void test_result(const char *name, const char *why);
bool user_upcall(struct regs *r, u32 cr2);

/* console.c; what the machine does of it */
void console_putc(char c);
void console_write(const char *text, u32 n);
void console_flush(void);
u32 console_send(const void *bytes, u32 n); /* physically contiguous, 64 KiB or less; how many were taken (the machine's) */
bool console_take(char *c);                 /* the next byte that has been typed, if any (the machine's) */
void console_typed(void);                   /* called by the machine when there is one */
int console_getc(void); /* waits; 3 = ^C */
bool console_poll(char *c);
extern volatile bool console_interrupted;
extern u32 console_bytes_out, console_bytes_in, console_sends;

/* disk.c; what the machine does of it. Its struct disk has at least buffer, sectors, irq and result. */
#define MAX_DISKS 8
#define DISK_BUFFER (16 * PAGE_SIZE)
#define SECTOR 512
enum { BLOCK_READ, BLOCK_WRITE };
extern struct disk disks[MAX_DISKS];
extern u32 disk_count;
bool disk_move(struct disk *d, u32 type, u32 sector, u32 bytes); /* between the disk and its buffer; true if all of it went well */

/* net.c; what the machine does of it */
#define MAX_NETS 4
#define FRAME_MAX 1514
struct network {
  u8 mac[6];
  u8 *out, *answer; /* a page each for whoever asks, and for the interrupt that answers */
  u32 number, irq, line, ip; /* line: our place on the wire, where it has places */
  u32 frames_in, frames_out, lost, bad;
  u32 asked_ip;               /* whose address somebody waits for */
  volatile bool known;
  u8 known_mac[6];
  volatile u32 pinged;        /* the last answer's number */
  u32 window_base;            /* of what was streamed, the first whose echo is missing; one bit for each of the window's */
  volatile u32 window_done, bulk_wrong;
};
extern struct network *nets[MAX_NETS];
extern u32 net_count;
void net_add(struct network *n);
#define NET_BLOCK 1400 /* bytes of a block that is echoed */
bool parse_ip(const char *s, u32 *ip);
bool net_resolve(struct network *n, u32 ip, u8 *mac);
u32 net_exchange(struct network *n, const u8 *mac, u32 ip, u32 first, u32 count, u32 *again);
void net_received(struct network *n, const u8 *frame, u32 bytes);
void net_transmit(struct network *n, const u8 *frame, u32 bytes); /* the machine's; physically contiguous; returns when the frame may be changed */
void net_describe(struct network *n);                             /* the machine's */

/* print.c */
typedef __builtin_va_list va_list;
u32 format_args(char *to, u32 size, const char *format, va_list args);
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
u32 format(char *to, u32 size, const char *format, ...) __attribute__((format(printf, 3, 4)));
void panic(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* shell.c and its commands */
void shell_main(void *arg);
bool shell_execute(char *line);
extern char command_line[2048];
extern bool quiet;
typedef int command_fn(int argc, char **argv);
command_fn command_flood, command_hexdump, command_disk, command_net, command_soak;
int dump(u32 address, u32 bytes, u32 label); /* hexdump.c */
struct command { const char *name; command_fn *run; const char *help; };
extern const struct command machine_commands[]; /* those of this machine only; ends with a NULL name */
int run_user(const char *command);

#endif
