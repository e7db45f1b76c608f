/** The commands of the scope {@code guest}, a class each. */
package lguest.shell.guest;
