package lguest.shell;

import java.util.List;

/** What {@code lguest help} says. */
final class Help {
  private Help() {}

  static String text(List<DeviceOption> offered) {
    return CommandLine.usage(offered) + """

        Boots a paravirtualised 32-bit guest on this terminal, in software: no hardware support and no rights are needed.

        """ + arguments(offered) + """

          demo                our own small guest with 64M, in place of <mem> <image>: type help there
          shell               a prompt to run several guests: type help there

        The guest has the terminal until it ends; three ^C within a second end it.
        Exit status: 0 the guest switched itself off, 1 anything wrong, 2 three ^C.
        """;
  }

  /** What a guest is booted by. */
  static String arguments(List<DeviceOption> offered) {
    StringBuilder text = new StringBuilder("""
          <mem>               memory: megabytes, or with K, M or G behind it; from 4M to less than 4G
          <image>             a vmlinux (ELF) or bzImage with lguest support
          [kernel arguments]  the guest kernel's command line; nothing here is taken as an option
          --initrd=<filename> an initial RAM disk
          --verbose, -v       tell in detail what is done
          --stats             tell at the end what was executed and how fast
        """);
    for (DeviceOption option : offered) {
      String form = option.form();
      text.append(form.length() <= 19 ? "  %-19s ".formatted(form) : "  %s%n%22s".formatted(form, ""))
          .append("a device of type %s; may be repeated%n".formatted(option.type()));
    }
    return text.toString();
  }
}
