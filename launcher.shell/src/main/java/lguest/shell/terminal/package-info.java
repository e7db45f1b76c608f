/** A guest's console on the user's terminal. */
package lguest.shell.terminal;
