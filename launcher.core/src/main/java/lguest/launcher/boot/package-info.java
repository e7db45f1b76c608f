/** What a guest finds in memory at its first instruction (ABI §4). */
package lguest.launcher.boot;
