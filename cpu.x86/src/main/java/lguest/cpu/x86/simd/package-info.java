/** What MMX, SSE and SSE2 compute, on plain longs: no registers, no memory. */
package lguest.cpu.x86.simd;
