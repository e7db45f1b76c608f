/** Linear to guest-physical to host addresses: page walks and the soft TLB. */
package lguest.cpu.x86.mmu;
