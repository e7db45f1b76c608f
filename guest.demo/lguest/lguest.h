/*
 * Tour 2.1: The whole contract on one page
 *
 * A guest never sees a device register. It sees one software interrupt, one structure shared with the Host, one page of
 * device descriptors, and lists of buffers. This file holds the shapes and numbers of all of that (ABI sections 1 to 3), and
 * nothing else: read it first, and the rest of the guest is only what one does with it.
 */
#ifndef LGUEST_H
#define LGUEST_H

#include "types.h"

/* int $0x1f: number in EAX, arguments in EDX, EBX, ECX (ABI 1.1). Only BIND_DMA answers. */
#define LGUEST_TRAP_ENTRY 0x1F

#define LHCALL_FLUSH_ASYNC     0
#define LHCALL_LGUEST_INIT     1
#define LHCALL_CRASH           2
#define LHCALL_LOAD_GDT        3
#define LHCALL_NEW_PGTABLE     4
#define LHCALL_FLUSH_TLB       5
#define LHCALL_LOAD_IDT_ENTRY  6
#define LHCALL_SET_STACK       7
#define LHCALL_TS              8
#define LHCALL_SET_CLOCKEVENT  9
#define LHCALL_HALT            10
#define LHCALL_BIND_DMA        12
#define LHCALL_SEND_DMA        13
#define LHCALL_SET_PTE         14
#define LHCALL_SET_PMD         15
#define LHCALL_LOAD_TLS        16
#define LHCALL_COUNT           17

#define LHCALL_RING_SIZE 64
#define LGUEST_IRQS 32
#define FIRST_IRQ_VECTOR 0x20
#define SYSCALL_VECTOR 0x80
#define IRQ_TIMER 0
#define FLAGS_IF 0x200

/* Kernel virtual = guest-physical + this. The Launcher learns it from the ELF segments, or guesses it from our code. */
#define PAGE_OFFSET 0xC0000000
#define PAGE_SIZE 4096

/* Selectors: the guest kernel lives in ring 1, its processes in ring 3 (ABI 6.1). */
#define KERNEL_CS 0x61
#define KERNEL_DS 0x69
#define USER_CS 0x73
#define USER_DS 0x7B
#define GDT_ENTRIES 32
#define GDT_TLS 6
#define TLS_ENTRIES 3

#ifndef __ASSEMBLER__

/* One queued hypercall of the asynchronous ring (ABI 2.3). */
struct hcall_entry {
  u32 eax, edx, ebx, ecx;
};

/* The page of talk between guest and Host (ABI 2.1), 1128 bytes. The Host is told where it lies by LGUEST_INIT. */
struct lguest_data {
  volatile u32 irq_enabled;          /* our virtual interrupt flag: bit 9, like EFLAGS */
  volatile u32 blocked_interrupts;   /* bit n: virtual interrupt n is masked */
  volatile u32 cr2;                  /* written by the Host before it reflects a page fault */
  volatile u32 time_sec, time_nsec;  /* wall clock, refreshed with interrupts */
  volatile u8 hcall_status[LHCALL_RING_SIZE]; /* 0xFF free or done, 0 waiting */
  struct hcall_entry hcalls[LHCALL_RING_SIZE];
  volatile u32 reserve_mem;          /* from here on the Host writes at INIT ... */
  volatile u16 guestid, padding;
  volatile u32 tsc_khz;
  u32 noirq_start, noirq_end;        /* ... and these two it reads */
};
_Static_assert(sizeof(struct lguest_data) == 1128, "lguest_data is 1128 bytes");

#define LGUEST_MAX_DMA_SECTIONS 16

/* A list of buffers for SEND_DMA and BIND_DMA (ABI 3.1): no section crosses a page, a zero length ends the list. */
struct lguest_dma {
  volatile u32 used_len;
  u32 addr[LGUEST_MAX_DMA_SECTIONS];
  u16 len[LGUEST_MAX_DMA_SECTIONS];
};
_Static_assert(sizeof(struct lguest_dma) == 100, "lguest_dma is 100 bytes");

#define LGUEST_MAX_DEVICES 16
#define LGUEST_CONSOLE_KEY 0

enum { DEVICE_NONE, DEVICE_CONSOLE, DEVICE_NET, DEVICE_BLOCK };

/* Status bits only ever get added; a working device ends at 7. */
enum { STATUS_ACKNOWLEDGE = 1, STATUS_DRIVER = 2, STATUS_DRIVER_OK = 4, STATUS_FAILED = 128 };

/* One of the 16 descriptors in the page just above RAM (ABI 3.2). */
struct lguest_device_desc {
  u16 type, features;
  volatile u16 status;
  u16 num_pages;
  u32 pfn;
};
_Static_assert(sizeof(struct lguest_device_desc) == 12, "a descriptor is 12 bytes");

/* A disk's page (ABI 3.3). */
struct lguest_block_page {
  volatile u32 type, sector, bytes, result; /* ours, but for the result */
  volatile u32 num_sectors;
};
enum { BLOCK_DONE = 1, BLOCK_FAILED = 2 };

/* Boot parameters, where a PC's boot loader would leave them (ABI 4.6). */
#define BOOT_LOADER_TYPE 0x210
#define BOOT_INITRD_START 0x218
#define BOOT_INITRD_SIZE 0x21C
#define BOOT_COMMAND_LINE 0x228
#define BOOT_E820_SIZE 0x2D8

#endif
#endif
