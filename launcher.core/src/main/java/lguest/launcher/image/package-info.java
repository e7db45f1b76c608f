/** Kernel images: ELF and bzImage, and where in them a guest starts (ABI §4.3). */
package lguest.launcher.image;
