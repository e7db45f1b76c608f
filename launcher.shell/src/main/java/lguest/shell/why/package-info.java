/** What stands between a device and its type: read from the framework, the component runtime and the slots, said in sentences. */
package lguest.shell.why;
