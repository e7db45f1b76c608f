/* What the files of the guest kernel know of each other, one block per file. */
#ifndef KERNEL_H
#define KERNEL_H

#include "lguest.h"

#define barrier() __asm__ volatile("" : : : "memory")
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE_UP(n) (((n) + PAGE_SIZE - 1) & ~(u32)(PAGE_SIZE - 1))
#define NS_PER_SEC 1000000000u
#define NS_PER_MS 1000000u

static inline u32 phys(const volatile void *virtual) { return (u32)virtual - PAGE_OFFSET; }
static inline void *virt(u32 physical) { return (void *)(physical + PAGE_OFFSET); }

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

/* hypercall.c */
extern struct lguest_data lguest_data;
extern u32 hypercalls_direct[LHCALL_COUNT + 1], hypercalls_queued[LHCALL_COUNT + 1], ring_full;
u32 hypercall(u32 number, u32 a1, u32 a2, u32 a3);
void hypercall_lazy(u32 number, u32 a1, u32 a2, u32 a3);
bool ring_enqueue(u32 number, u32 a1, u32 a2, u32 a3);
void lazy_begin(void);
void lazy_end(void);
void crash(const char *why) __attribute__((noreturn));

/* irq.c: the virtual interrupt flag is plain memory */
static inline u32 irq_save(void) {
  u32 flags = lguest_data.irq_enabled;
  lguest_data.irq_enabled = 0;
  barrier();
  return flags;
}
static inline void irq_restore(u32 flags) { barrier(); lguest_data.irq_enabled = flags; }
static inline void irq_disable(void) { lguest_data.irq_enabled = 0; barrier(); }
static inline void irq_enable(void) { barrier(); lguest_data.irq_enabled = FLAGS_IF; }
static inline bool irqs_on(void) { return (lguest_data.irq_enabled & FLAGS_IF) != 0; }
typedef void irq_handler(u32 irq, void *arg);
extern u32 irq_counts[LGUEST_IRQS], irq_spurious;
void irq_request(u32 irq, irq_handler *handler, void *arg);
void irq_release(u32 irq);
void irq_mask(u32 irq);
void irq_unmask(u32 irq);
void irq_dispatch(u32 irq);

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
extern u32 irqs_in_noirq;                 /* interrupts that came where the Host promised none; stays 0 */
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
extern u32 memory_bytes, memory_pages, pages_free, command_line_phys;
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
void flush_tlb(bool all);

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
  u8 fpu[108];
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
void timer_arm(u32 ns); /* 0 cancels */
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

/* device.c and drivers */
struct driver {
  u16 type;
  const char *name;
  bool (*probe)(struct lguest_device_desc *desc, u32 irq);
};
extern struct lguest_device_desc *device_page;
void device_init(void);
const char *device_type_name(u32 type);
void dma_list(struct lguest_dma *dma, u32 physical, u32 bytes);
extern const struct driver console_driver, block_driver, net_driver;

/* console.c */
void console_putc(char c);
void console_write(const char *text, u32 n);
void console_flush(void);
u32 console_send(const struct lguest_dma *list, u32 bytes);
int console_getc(void); /* waits; 3 = ^C */
bool console_poll(char *c);
extern volatile bool console_interrupted;
extern u32 console_bytes_out, console_bytes_in, console_sends;

/* block.c */
#define MAX_DISKS 8
#define DISK_BUFFER (16 * PAGE_SIZE)
struct disk {
  struct lguest_block_page *page;
  struct lguest_dma reply;   /* bound: what reads fill, and what tells of the end of both */
  u8 *buffer;                /* DISK_BUFFER bytes, a page aligned */
  u32 key, irq, sectors;
  volatile bool busy;
  u32 result, got, sent;     /* of the last request: its result, the reply's used_len, that of what was sent */
};
extern struct disk disks[MAX_DISKS];
extern u32 disk_count;
void disk_ask(struct disk *d, u32 type, u32 sector, u32 bytes);
bool disk_request(struct disk *d, u32 type, u32 sector, const struct lguest_dma *list, u32 bytes);
bool disk_move(struct disk *d, u32 type, u32 sector, u32 bytes);

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
command_fn command_flood, command_selftest, command_die, command_stat, command_hexdump, command_devices, command_disk, command_net;
int run_user(const char *command);

/* selftest.c and the files test_*.c */
struct test {
  const char *name;
  const char *(*run)(void); /* NULL: passed; else why not */
  u32 quirk;                /* row of ABI appendix B that makes the original Host fail it, or 0 */
};
extern const struct test tests_call[], tests_cpu[], tests_irq[], tests_memory[], tests_task[], tests_block[];
extern bool original_host;
const char *fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Runs one instruction that should trap, before or after itself; last_fault tells (vector ~0: it did not). */
#define PROBE(code) do { \
    last_fault.vector = ~0u; \
    __asm__ volatile("771: " code "\n772:\n" EX_TABLE(771b, 772b) EX_TABLE(772b, 772b) : : : "eax", "ecx", "edx", "memory", "cc"); \
  } while (0)
const char *expect_fault(u32 vector, u32 error);

#endif
