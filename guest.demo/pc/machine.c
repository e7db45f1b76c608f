/* The rest of a PC that a kernel needs: descriptor tables, a clock, a timer, and a way out. */
#include "kernel.h"

#define MULTIBOOT_MEM_UPPER 8
#define MULTIBOOT_COMMAND_LINE 16
#define PIT_HZ 1193182u
#define PIT_CHANNEL_0 0x40
#define PIT_CHANNEL_2 0x42
#define PIT_CONTROL 0x43
#define SPEAKER 0x61
#define EXIT_PORT 0xF4 /* QEMU's isa-debug-exit */
#define CALIBRATION_MS 10

struct table { u16 limit; u32 base; } __attribute__((packed));

static struct descriptor idt[256];
static struct { u32 link, esp0, ss0, rest[22]; u16 trap, io_map; } tss = {.ss0 = KERNEL_DS, .io_map = sizeof tss};
static u32 khz;

/* Channel 2 counts while its gate is open, and its output can be read: the one clock every PC has. */
static void measure_tsc(void) {
  u32 count = PIT_HZ / (1000 / CALIBRATION_MS);
  out8(SPEAKER, (in8(SPEAKER) & ~2) | 1);
  out8(PIT_CONTROL, 0xB0);
  out8(PIT_CHANNEL_2, (u8)count);
  out8(PIT_CHANNEL_2, (u8)(count >> 8));
  u64 start = rdtsc();
  while (!(in8(SPEAKER) & 0x20)) {}
  khz = (u32)div64(rdtsc() - start, CALIBRATION_MS, NULL);
}

void machine_init(const u8 *boot) {
  copy_string(command_line, virt(*(u32 *)(boot + MULTIBOOT_COMMAND_LINE)), sizeof command_line);
  memory_bytes = (1024 + *(u32 *)(boot + MULTIBOOT_MEM_UPPER)) * 1024;
  boot_tables = boot_tables_end = memory_bytes;
  struct table table = {sizeof idt - 1, (u32)idt};
  __asm__ volatile("lidt %0" : : "m"(table));
  irq_init();
  measure_tsc();
}

void machine_describe(void) {
  print("lguest demo kernel on a PC: %u KiB memory, %u disks, %u networks\n", memory_bytes / 1024, disk_count, net_count);
}

void power_off(void) {
  out8(EXIT_PORT, 0);
  for (;;) wait_for_irq();
}

void crash(const char *why) {
  (void)why; /* has been printed */
  console_flush();
  irq_disable();
  out8(EXIT_PORT, 1);
  for (;;) barrier();
}

void load_gate(u32 vector, u32 low, u32 high) { idt[vector] = (struct descriptor){low, high}; }

void load_gdt(void *table) {
  struct descriptor *entries = table;
  entries[TASK_STATE >> 3] = make_descriptor((u32)&tss, sizeof tss - 1, 0x89, 0);
  struct table gdt_table = {GDT_ENTRIES * sizeof *entries - 1, (u32)entries};
  __asm__ volatile("lgdt %0\n\tljmp %1, $1f\n1:\n\tmovl %2, %%ds\n\tmovl %2, %%es\n\tmovl %2, %%ss\n\tmovl %3, %%fs\n\tmovl %3, %%gs\n\tltr %w4"
                   : : "m"(gdt_table), "i"(KERNEL_CS), "r"(KERNEL_DS), "r"(0), "r"(TASK_STATE) : "memory");
}

void load_tls_entries(const void *entries) { memcpy(gdt + GDT_TLS, entries, TLS_ENTRIES * sizeof *gdt); }

void load_kernel_stack(u32 top, u32 pages) {
  (void)pages;
  tss.esp0 = top;
}

u32 tsc_khz(void) { return khz; }

/* Channel 0 counts down once; the mode alone, without a count, stops it. */
void timer_arm(u32 ns) {
  u32 count = (u32)div64((u64)(ns < 50 * NS_PER_MS ? ns : 50 * NS_PER_MS) * PIT_HZ, NS_PER_SEC, NULL);
  out8(PIT_CONTROL, 0x30);
  if (!ns) return;
  out8(PIT_CHANNEL_0, (u8)(count | !count));
  out8(PIT_CHANNEL_0, (u8)(count >> 8));
}

const struct command machine_commands[] = {{NULL, NULL, NULL}};
