package lguest.shell.config;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.osgi.service.metatype.annotations.Option;

/**
 * What a guest's configuration says, for tools that show forms (Metatype). {@link Definition} reads it, and says what is wrong
 * with it in our own words.
 */
@ObjectClassDefinition(name = "Guest", description = "A guest that is booted when the platform starts. One configuration, one guest.")
@interface GuestFile {
  @AttributeDefinition(description = "The guest's name. By default the name of the configuration: web for lguest.guest-web.cfg.", required = false)
  String name();

  @AttributeDefinition(description = "Memory: megabytes, or with K, M or G behind it; from 4M to less than 4G. 64M for the demo guest.", required = false)
  String memory();

  @AttributeDefinition(description = "A vmlinux or bzImage with lguest support; or demo, our own small guest.")
  String image();

  @AttributeDefinition(description = "An initial RAM disk.", required = false)
  String initrd();

  @AttributeDefinition(description = "The guest kernel's command line.", required = false)
  String arguments();

  @AttributeDefinition(description = "Devices in the order of the bus, each as its option on the command line without the dashes, such as"
      + " block=disk.img; device=<type>[:<options>] for any type. The console comes last by itself. In one line: separated by blanks.",
      required = false, cardinality = Integer.MAX_VALUE)
  String[] devices();

  @AttributeDefinition(description = "How the guest's processor works.", required = false,
      options = {@Option("interpret"), @Option("translate"), @Option("check")})
  String cpu();

  @AttributeDefinition(description = "Whether it is started at once, or made only.", required = false, defaultValue = "true")
  boolean start();

  @AttributeDefinition(description = "When it is booted once more after its end, unless somebody stopped it.", required = false, defaultValue = "no",
      options = {@Option("no"), @Option("on-failure"), @Option("always")})
  String restart();
}
