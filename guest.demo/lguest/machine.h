/*
 * The machine as a guest of lguest finds it: what another machine does with an instruction is a word in memory or a call to the
 * Host here. Below that, what the files of this folder know of each other.
 */
#ifndef MACHINE_H
#define MACHINE_H
#include "lguest.h"
#define IRQS LGUEST_IRQS
#define LOW_RESERVED (2 * PAGE_SIZE) /* guest-physical: the boot parameters */

#ifdef __ASSEMBLER__
  .macro IRQS_OFF
  movl $0, lguest_data
  .endm
  .macro IRQS_ON
  movl $FLAGS_IF, lguest_data
  .endm

#else
#define barrier() __asm__ volatile("" : : : "memory")
static inline u32 phys(const volatile void *virtual) { return (u32)virtual - PAGE_OFFSET; }
static inline void *virt(u32 physical) { return (void *)(physical + PAGE_OFFSET); }

/* hypercall.c */
extern struct lguest_data lguest_data;
extern u32 hypercalls_direct[LHCALL_COUNT + 1], hypercalls_queued[LHCALL_COUNT + 1], ring_full;
u32 hypercall(u32 number, u32 a1, u32 a2, u32 a3);
void hypercall_lazy(u32 number, u32 a1, u32 a2, u32 a3);
bool ring_enqueue(u32 number, u32 a1, u32 a2, u32 a3);

/* Between these two what follows may be gathered, and be done at the end. */
void lazy_begin(void);
void lazy_end(void);

void machine_init(const u8 *boot);
void machine_describe(void);
void crash(const char *why) __attribute__((noreturn));
static inline void power_off(void) { crash("Power down"); }

/* The virtual interrupt flag is plain memory. */
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
/* Sleeps until an interrupt has been handled; interrupts are on then. */
static inline void wait_for_irq(void) { hypercall(LHCALL_HALT, 0, 0, 0); }

static inline u32 fault_address(void) { return lguest_data.cr2; }
static inline void load_gate(u32 vector, u32 low, u32 high) { hypercall(LHCALL_LOAD_IDT_ENTRY, vector, low, high); }
static inline void load_gdt(void *gdt) { hypercall(LHCALL_LOAD_GDT, phys(gdt), GDT_ENTRIES, 0); }
static inline void load_tls_entries(void *entries) { hypercall_lazy(LHCALL_LOAD_TLS, phys(entries), 0, 0); }
static inline void load_kernel_stack(u32 top, u32 pages) { hypercall_lazy(LHCALL_SET_STACK, KERNEL_DS, top, pages); }
static inline void load_ts(bool on) { hypercall_lazy(LHCALL_TS, on, 0, 0); }

/* Page tables: what has been changed in memory must be told (ABI 7.4). */
static inline void pte_changed(u32 pgdir, u32 address, u32 pte) { hypercall_lazy(LHCALL_SET_PTE, pgdir, address, pte); }
static inline void pmd_changed(u32 pgdir, u32 index) { hypercall_lazy(LHCALL_SET_PMD, pgdir, index, 0); }
static inline void load_page_directory(u32 pgdir) { hypercall_lazy(LHCALL_NEW_PGTABLE, pgdir, 0, 0); }
static inline void flush_tlb(bool all) { hypercall_lazy(LHCALL_FLUSH_TLB, all, 0, 0); }

/* The Host may offer a steady time-stamp counter; if not (0), the only clock is the wall clock, which moves with interrupts. */
static inline u32 tsc_khz(void) { return lguest_data.tsc_khz; }
u64 wall_ns(void);
void timer_arm(u32 ns); /* one interrupt on line 0 then; 0 cancels */

/* irq.c */
struct regs;
extern u32 irqs_in_noirq; /* interrupts that came where the Host promised none; stays 0 */
void irq_release(u32 irq);
void irq_mask(u32 irq);
void irq_unmask(u32 irq);
void irq_dispatch(u32 irq);
void machine_interrupt(struct regs *r);

/* commands */
int command_selftest(int argc, char **argv), command_die(int argc, char **argv), command_stat(int argc, char **argv), command_devices(int argc, char **argv), command_device(int argc, char **argv);

/* device.c and drivers */
struct driver {
  u16 type;
  const char *name;
  bool (*probe)(struct lguest_device_desc *desc, u32 irq);
};
extern struct lguest_device_desc *device_page;
void device_init(void);
void device_scan(void);
const struct driver *device_driver(u32 type); /* NULL: none of ours */
const char *device_type_name(u32 type);
void dma_list(struct lguest_dma *dma, u32 physical, u32 bytes);
extern const struct driver console_driver, block_driver, net_driver;
u32 net_neighbour_key(void);

/* block.c */
struct disk {
  struct lguest_block_page *page;
  struct lguest_dma reply;   /* bound: what reads fill, and what tells of the end of both */
  u8 *buffer;                /* DISK_BUFFER bytes, a page aligned */
  u32 key, irq, sectors;
  volatile bool busy;
  u32 result, got, sent;     /* of the last request: its result, the reply's used_len, that of what was sent */
};
void disk_ask(struct disk *d, u32 type, u32 sector, u32 bytes);
bool disk_request(struct disk *d, u32 type, u32 sector, const struct lguest_dma *list, u32 bytes);

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
#endif
