/** Guests by configuration: one file, one guest. */
package lguest.shell.config;
