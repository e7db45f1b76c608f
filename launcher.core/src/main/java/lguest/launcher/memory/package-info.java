/** The Launcher's guest memory: one native mapping with files laid into it. */
package lguest.launcher.memory;
