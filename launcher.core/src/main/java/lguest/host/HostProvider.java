package lguest.host;

import org.osgi.annotation.versioning.ConsumerType;

/** A kind of Host: a software processor, a hardware virtualisation, a remote machine. Registered as an OSGi service; the highest ranking one runs new guests. */
@ConsumerType
public interface HostProvider {
  /** A short name for people, such as {@code "software x86"}. */
  String name();

  /** LHREQ_INITIALIZE (ABI §8.3): a Host for one guest, ready for its first {@link Host#run}. Throws {@link IllegalArgumentException} with the reason when the configuration cannot be run. */
  Host open(HostConfig config);
}
