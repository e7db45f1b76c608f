/** The second engine: x86-64 machine code emitted for the guest's basic blocks. */
package lguest.cpu.x86.translate;
