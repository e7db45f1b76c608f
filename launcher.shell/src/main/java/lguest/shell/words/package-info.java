/** What users write, understood: command lines, sizes, devices; and what they are told when it cannot be. */
package lguest.shell.words;
