package lguest.shell.config;

/** What {@code help conf} says. */
public final class ConfigurationHelp {
  public static final String SUBJECT = "conf";

  private ConfigurationHelp() {}

  public static String text() {
    return """
        lguest serve [--conf=<directory>] [--drop-in=<directory>]
        lguest shell --conf=<directory> [--drop-in=<directory>]
          Run the guests that configuration files define: one file, one guest, lguest.guest-<name>.cfg in the
          directory, by default conf. serve runs them until it gets a TERM or INT signal and then stops them in
          good order; shell gives a prompt beside them.

        A file has lines <key>=<value>; a \\ at the end of a line continues it, # begins a comment
          image=<filename>      a vmlinux or bzImage with lguest support; or demo, our own small guest
          memory=<size>         megabytes, or with K, M or G behind it; need not be given for the demo guest
          initrd=<filename>     an initial RAM disk
          arguments=<words>     the guest kernel's command line
          devices=<device> ...  in the order of the bus, each as its option on the command line without the
                                dashes; "" around what has blanks. The console comes last by itself
          cpu=<engine>          how the processor works: interpret, translate or check
          name=<name>           the guest's name, if not that of the file
          start=true|false      whether it is started, or made only; true by default
          restart=<when>        booted again after its end: no (by default), on-failure, always; never once it
                                has been stopped by hand

        File names are relative to the directory lguest was started in.

        Files may come, change and go at any time. A file that cannot be used is told in a line that names file
        and key, and changes nothing. A guest that does not run is made anew when its file changes. While it
        runs, devices added at the end of the list are put in at once; any other change waits for its next
        start. When the file goes its guest is stopped in good order.

        For example, conf/lguest.guest-web.cfg
          memory = 64
          image = /srv/lguest/vmlinux
          arguments = root=/dev/lgba console=hvc0
          devices = block=/srv/lguest/web.img,ro \\
                    tunnet=192.168.19.1
          restart = on-failure
        """;
  }
}
