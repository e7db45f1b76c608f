/**
 * The development loop: what is saved in a device's sources is live in the running guest a moment later. {@link lguest.dev.Watch} tells that something was saved, {@link lguest.dev.Project}
 * reads it, {@link lguest.dev.Compiler} and {@link lguest.dev.Bundler} make a bundle of it in memory, {@link lguest.dev.Live} puts it into the platform, and {@link lguest.dev.Loop} holds them together.
 */
package lguest.dev;
