package lguest.cpu.x86;

/**
 * An INT that programs at level 3 execute all the time, and that leads to a handler the Host knows beforehand: the processor goes there by itself, as {@link Cpu#deliver} would, without an
 * {@link Exit}. Where it cannot, with TF or breakpoints set, or from another level, the INT is an {@link Exit#SOFTWARE_INTERRUPT} as ever.
 *
 * @param vector 0 to 255
 * @param selector the handler's code segment; its RPL is the handler's level
 * @param offset of the handler there
 * @param interruptFlag guest-physical address of a 32-bit word whose bit 9 shows as IF in the pushed EFLAGS; it is read at each crossing and never written. All four bytes inside memory
 */
public record SystemCallGate(int vector, int selector, int offset, int interruptFlag) {}
