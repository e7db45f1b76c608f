/*
 * The machine as a kernel on a bare PC finds it: everything is an instruction or a port. Below that, what the files of this
 * folder know of each other. This machine exists to be compared with: the peer's emulator runs the same kernel on it.
 */
#ifndef MACHINE_H
#define MACHINE_H

#define PAGE_OFFSET 0xC0000000
#define PAGE_SIZE 4096
#define LOW_RESERVED 0x100000 /* what a PC has there is not all memory */
#define IRQS 16
#define FIRST_IRQ_VECTOR 0x20
#define SYSCALL_VECTOR 0x80
#define IRQ_TIMER 0
#define FLAGS_IF 0x200

/* Selectors: the kernel lives in ring 0, its processes in ring 3. */
#define KERNEL_CS 0x60
#define KERNEL_DS 0x68
#define USER_CS 0x73
#define USER_DS 0x7B
#define TASK_STATE 0x80
#define GDT_ENTRIES 32
#define GDT_TLS 6
#define TLS_ENTRIES 3

#ifdef __ASSEMBLER__
  .macro IRQS_OFF
  cli
  .endm
  .macro IRQS_ON
  sti
  .endm

#else
#include "types.h"
#define barrier() __asm__ volatile("" : : : "memory")
static inline u32 phys(const volatile void *virtual) { return (u32)virtual - PAGE_OFFSET; }
static inline void *virt(u32 physical) { return (void *)(physical + PAGE_OFFSET); }

static inline u8 in8(u16 port) { u8 v; __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port)); return v; }
static inline u16 in16(u16 port) { u16 v; __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port)); return v; }
static inline u32 in32(u16 port) { u32 v; __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port)); return v; }
static inline void out8(u16 port, u8 v) { __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port)); }
static inline void out16(u16 port, u16 v) { __asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port)); }
static inline void out32(u16 port, u32 v) { __asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port)); }

/* machine.c */
void machine_init(const u8 *boot);
void machine_describe(void);
void crash(const char *why) __attribute__((noreturn));
void power_off(void);
void load_gate(u32 vector, u32 low, u32 high);
void load_gdt(void *gdt);
void load_tls_entries(const void *entries);
void load_kernel_stack(u32 top, u32 pages);
u32 tsc_khz(void);
void timer_arm(u32 ns); /* one interrupt on line 0 then, or a little earlier if that is far; 0 cancels */
static inline u64 wall_ns(void) { return 0; } /* nobody asks here what day it is */

static inline u32 irq_save(void) {
  u32 flags;
  __asm__ volatile("pushfl\n\tpopl %0\n\tcli" : "=r"(flags) : : "memory");
  return flags;
}
static inline void irq_restore(u32 flags) { if (flags & FLAGS_IF) __asm__ volatile("sti" : : : "memory"); else barrier(); }
static inline void irq_disable(void) { __asm__ volatile("cli" : : : "memory"); }
static inline void irq_enable(void) { __asm__ volatile("sti" : : : "memory"); }
static inline bool irqs_on(void) {
  u32 flags;
  __asm__ volatile("pushfl\n\tpopl %0" : "=r"(flags));
  return (flags & FLAGS_IF) != 0;
}
static inline void wait_for_irq(void) { __asm__ volatile("sti\n\thlt" : : : "memory"); }

static inline u32 fault_address(void) { u32 v; __asm__ volatile("movl %%cr2, %0" : "=r"(v)); return v; }
static inline void load_ts(bool on) {
  u32 v;
  if (!on) __asm__ volatile("clts");
  else __asm__ volatile("movl %%cr0, %0\n\torl $8, %0\n\tmovl %0, %%cr0" : "=&r"(v));
}

/* Page tables: the processor forgets an entry when told, a whole directory when it is loaded. */
static inline void lazy_begin(void) {}
static inline void lazy_end(void) {}
static inline u32 loaded_page_directory(void) { u32 v; __asm__ volatile("movl %%cr3, %0" : "=r"(v)); return v; }
static inline void load_page_directory(u32 pgdir) { __asm__ volatile("movl %0, %%cr3" : : "r"(pgdir) : "memory"); }
static inline void flush_tlb(bool all) { (void)all; load_page_directory(loaded_page_directory()); }
static inline void pte_changed(u32 pgdir, u32 address, u32 pte) {
  (void)pgdir, (void)pte;
  __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}
static inline void pmd_changed(u32 pgdir, u32 index) {
  if (!(((u32 *)virt(pgdir))[index] & 1) && loaded_page_directory() == pgdir) load_page_directory(pgdir);
}

/* irq.c */
struct regs;
void irq_init(void);
void machine_interrupt(struct regs *r);

/* device.c, virtio.c and drivers */
struct pci_device { u32 slot, vendor, device, port, irq; };
void device_init(void);
bool block_probe(const struct pci_device *device);
bool net_probe(const struct pci_device *device);

/* One of a device's queues, as virtio 1.0 section 2.4 has them, laid out and addressed by the legacy interface's rules. */
struct virtqueue {
  u16 port, number, size, used_seen;
  u32 free; /* descriptors not yet handed out for good */
  struct { u64 address; u32 bytes; u16 flags, next; } *descriptors;
  struct { volatile u16 flags, index, ring[]; } *available;
  struct { volatile u16 flags, index; volatile struct { u32 id, bytes; } ring[]; } *used;
};
#define VIRTIO_WRITE 2 /* by the device */
void virtio_reset(const struct pci_device *device, u32 features);
void virtio_ready(const struct pci_device *device);
u8 virtio_interrupt(u32 port); /* why it came; it is quiet then */
u32 virtio_config(u32 port, u32 offset); /* a byte */
bool virtqueue_open(struct virtqueue *q, const struct pci_device *device, u32 number);
u32 virtqueue_chain(struct virtqueue *q, u32 n, const u32 *physical, const u32 *bytes, const u16 *flags); /* its first descriptor, to be offered again and again */
void virtqueue_offer(struct virtqueue *q, u32 chain);
void virtqueue_notify(struct virtqueue *q);
bool virtqueue_take(struct virtqueue *q, u32 *chain, u32 *bytes);

/* block.c */
struct disk {
  struct virtqueue queue;
  u8 *buffer; /* DISK_BUFFER bytes */
  u32 irq, sectors, port, request_chain[2];
  struct { u32 type, reserved; u64 sector; volatile u8 status; } *request;
  volatile bool busy;
  u32 result;
};
#endif
#endif
