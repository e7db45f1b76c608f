/** The operating system's calls, and what is made of them. */
package lguest.launcher.system;
