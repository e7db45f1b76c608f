/** Runs decoded instructions: blocks of operation objects, by subject. */
package lguest.cpu.x86.interpret;
