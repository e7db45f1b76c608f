package lguest.shell.words;

import java.util.List;

/** What {@code lguest help} says. */
public final class Help {
  private static final String ROW = "  %-21s %s%n";

  private Help() {}

  /** {@code commands}: the names of the prompt's commands, in lines. */
  public static String text(List<DeviceOption> offered, String commands) {
    return CommandLine.usage(offered) + """

        Boots a paravirtualised 32-bit guest on this terminal, in software: no hardware support and no rights are needed.

        """ + arguments(offered) + """

          demo                  our own small guest with 64M, in place of <mem> <image>: type help there
          shell                 a prompt for several guests; with -c, or with commands on standard input, a script of them
          serve                 boots the guests of the configuration files and runs them until it is told to end
            --conf=<directory>  a configuration file for each guest: 'lguest help conf'
            --drop-in=<directory>
                                bundles of your own, installed, updated and removed as their jars are; shell takes both, too
          dev                   a prompt, where devices under development are live as soon as they are saved: 'lguest dev --help'
          new-device            a folder with a device of your own to begin with

        The guest has the terminal until it ends; three ^C within a second end it.
        Exit status: 0 the guest switched itself off, 1 anything wrong, 2 three ^C. A script of commands exits with the
        status of the first that failed.

        For example
          lguest demo
          lguest --initrd=initrd.gz --block=disk.img 64 vmlinux console=hvc0 root=/dev/lgba
          lguest shell -c 'run --name=job --block=disk.img 64 vmlinux; wait job --timeout=60'

        'lguest help <command>' tells about one of the prompt's commands:
        """ + commands.indent(2);
  }

  /** What a guest is booted by. */
  public static String arguments(List<DeviceOption> offered) {
    return """
          <mem>                 memory: megabytes, or with K, M or G behind it; from 4M to less than 4G
          <image>               a vmlinux (ELF) or bzImage with lguest support
          [kernel arguments]    the guest kernel's command line; nothing here is taken as an option
          --initrd=<filename>   an initial RAM disk
          --verbose, -v         tell in detail what is done
          --stats               tell at the end what was executed and how fast
          --cpu=<engine>        how the guest's processor works: interpret, translate, or check, which does both
        """ + devices(offered);
  }

  /** The options that ask for devices. */
  public static String devices(List<DeviceOption> offered) {
    StringBuilder text = new StringBuilder();
    for (DeviceOption option : offered) row(text, "--" + option.form(), "a device of type " + option.type() + "; may be repeated");
    row(text, "--" + DeviceOption.ANY.form(), "a device of any type, also of one whose provider comes later; may be repeated");
    return text.toString();
  }

  /** The option that is of use only where there may be several guests. */
  public static String name() { return ROW.formatted("--name=<name>", "the guest's name; else guest1, guest2, …"); }

  private static void row(StringBuilder text, String form, String about) {
    text.append(form.length() <= 21 ? ROW.formatted(form, about) : "  " + form + "\n" + ROW.formatted("", about));
  }
}
