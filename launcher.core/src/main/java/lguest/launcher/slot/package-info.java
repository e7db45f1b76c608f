/** The guest's bus: slots, the devices that come and go in them, and the DMA by which guest and device talk (ABI §3). */
package lguest.launcher.slot;
