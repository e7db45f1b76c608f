/**
 * The Host in software: what lguest's kernel module did, on a processor of ours. Everything here serves {@link
 * lguest.host.HostProvider}; nothing is exported.
 */
package lguest.host.software;
