/* Two interrupt controllers (8259), the second behind line 2 of the first. PCI devices may share a line. */
#include "kernel.h"

#define MASTER 0x20
#define SLAVE 0xA0
#define CASCADE 2
#define SHARERS 4
#define END_OF_INTERRUPT 0x20

u32 irq_counts[IRQS], irq_spurious;
static struct { irq_handler *handler; void *arg; } lines[IRQS][SHARERS];
static u16 mask = (u16)~(1u << CASCADE);

static void load_mask(void) {
  out8(MASTER + 1, (u8)mask);
  out8(SLAVE + 1, (u8)(mask >> 8));
}

void irq_init(void) {
  out8(MASTER, 0x11);
  out8(SLAVE, 0x11);
  out8(MASTER + 1, FIRST_IRQ_VECTOR);
  out8(SLAVE + 1, FIRST_IRQ_VECTOR + 8);
  out8(MASTER + 1, 1 << CASCADE);
  out8(SLAVE + 1, CASCADE);
  out8(MASTER + 1, 1);
  out8(SLAVE + 1, 1);
  load_mask();
}

void irq_request(u32 irq, irq_handler *handler, void *arg) {
  u32 flags = irq_save();
  for (u32 i = 0; i < SHARERS; i++) {
    if (lines[irq][i].handler) continue;
    lines[irq][i].handler = handler;
    lines[irq][i].arg = arg;
    break;
  }
  mask &= (u16)~(1u << irq);
  load_mask();
  irq_restore(flags);
}

void machine_interrupt(struct regs *r) {
  u32 irq = r->vector - FIRST_IRQ_VECTOR;
  if (irq >= IRQS) {
    irq_spurious++;
    return;
  }
  irq_counts[irq]++;
  for (u32 i = 0; i < SHARERS && lines[irq][i].handler; i++) lines[irq][i].handler(irq, lines[irq][i].arg);
  if (irq >= 8) out8(SLAVE, END_OF_INTERRUPT);
  out8(MASTER, END_OF_INTERRUPT);
}
