/** The operating system's calls (JNA), and what is made of them. */
package lguest.launcher.system;
