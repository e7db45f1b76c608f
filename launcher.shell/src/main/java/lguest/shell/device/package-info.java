/** The commands of the scope {@code device}, a class each. */
package lguest.shell.device;
