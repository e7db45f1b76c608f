/** Guests: their making, their thread, their end. */
package lguest.launcher.run;
