/** The processor's state: one off-heap block at fixed offsets, shared by interpreter and translated code. */
package lguest.cpu.x86.state;
