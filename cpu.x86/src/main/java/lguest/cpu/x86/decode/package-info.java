/** From bytes to instructions: the table of encodings, the decoder it drives, and text for people. */
package lguest.cpu.x86.decode;
