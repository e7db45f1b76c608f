/** What a command of the prompt is: its words, a call of it, and the forms its answers have. */
package lguest.shell.command;
