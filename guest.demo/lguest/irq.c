/*
 * Tour 2.6: Interrupts that are only memory
 *
 * There is no interrupt controller. Turning interrupts off is a store to lguest_data, masking a line sets a bit beside it,
 * and there is nothing to acknowledge: the Host forgets the interrupt as it delivers it. Nothing tells the Host when we turn
 * them on again either; it looks now and then.
 */
#include "kernel.h"

extern char noirq_start[], noirq_end[];

u32 irqs_in_noirq, irq_counts[LGUEST_IRQS], irq_spurious;

static struct { irq_handler *handler; void *arg; } lines[LGUEST_IRQS];

/* The mask word is shared by all lines: change it with interrupts off. */
void irq_mask(u32 irq) {
  u32 flags = irq_save();
  lguest_data.blocked_interrupts |= 1u << irq;
  irq_restore(flags);
}

void irq_unmask(u32 irq) {
  u32 flags = irq_save();
  lguest_data.blocked_interrupts &= ~(1u << irq);
  irq_restore(flags);
}

void irq_request(u32 irq, irq_handler *handler, void *arg) {
  lines[irq].handler = handler;
  lines[irq].arg = arg;
  irq_unmask(irq);
}

void irq_release(u32 irq) {
  irq_mask(irq);
  lines[irq].handler = NULL;
}

/* Level-type flow: a line is masked while its handler runs. An interrupt for nobody leaves its line masked. */
void irq_dispatch(u32 irq) {
  irq_counts[irq]++;
  irq_mask(irq);
  if (!lines[irq].handler) {
    irq_spurious++;
    return;
  }
  lines[irq].handler(irq, lines[irq].arg);
  irq_unmask(irq);
}

void machine_interrupt(struct regs *r) {
  if (r->eip >= (u32)noirq_start && r->eip < (u32)noirq_end) irqs_in_noirq++;
  irq_dispatch(r->vector - FIRST_IRQ_VECTOR);
}
