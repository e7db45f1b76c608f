package lguest.shell.command;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lguest.launcher.Guest;
import lguest.shell.words.UserError;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Process;
import org.jline.terminal.Terminal;

/** One call of a command: what it was given, and where its answer goes. */
public final class Call {
  /** The session variable under which commands find the user's terminal, as Gogo's own JLine shell has it. */
  public static final String TERMINAL = ".terminal";

  private final Services services;
  private final CommandSession session;
  private final Words form;
  private final Map<String, String> options = new HashMap<>();
  private final List<String> words = new ArrayList<>();

  private Call(Services services, CommandSession session, Words form) {
    this.services = services;
    this.session = session;
    this.form = form;
  }

  /** Understands {@code given} as {@code form} wants it. */
  public static Call parse(Services services, CommandSession session, Words form, List<String> given) throws UserError {
    Call call = new Call(services, session, form);
    int next = 0;
    while (next < given.size()) {
      String word = given.get(next++);
      int equals = word.indexOf('=');
      String name = equals < 0 ? word : word.substring(0, equals);
      Optional<Words.Option> known = form.options().stream().filter(option -> option.name().equals(name)).findFirst();
      boolean atTail = form.tail() && call.words.size() >= form.words().size() - 1;
      if (known.isPresent()) {
        boolean takesValue = known.get().takesValue();
        String value = equals >= 0 ? word.substring(equals + 1) : takesValue && next < given.size() ? given.get(next++) : "";
        if (takesValue && value.isEmpty()) throw call.misuse("option " + name + " needs a value");
        if (!takesValue && equals >= 0) throw call.misuse("option " + name + " takes no value");
        call.options.put(name, value);
      } else if (word.equals(Words.HELP.form())) {
        call.options.put(word, "");
      } else if (atTail) {
        call.words.add(word);
        call.words.addAll(given.subList(next, given.size()));
        return call;
      } else if (word.matches("-.*\\D.*")) {
        throw call.misuse("there is no option " + name);
      } else {
        call.words.add(word);
      }
    }
    if (call.has(Words.HELP.name())) return call;
    if (call.words.size() > form.words().size()) throw call.misuse(form.words().isEmpty() ? "it takes no words" : "there is a word too many, '" + call.words.get(form.words().size()) + "'");
    for (int i = call.words.size(); i < form.words().size(); i++)
      if (!form.words().get(i).optional()) throw call.misuse("there is no " + form.words().get(i).form());
    return call;
  }

  private UserError misuse(String what) { return UserError.of(form.shortName() + ": " + what + "; it is: " + form.usage()); }

  public Services services() { return services; }

  public boolean has(String option) { return options.containsKey(option); }

  public Optional<String> option(String name) { return Optional.ofNullable(options.get(name)); }

  /** The value of an option that is a whole number from {@code least} on. */
  public Optional<Long> number(String option, long least) throws UserError {
    String value = options.get(option);
    if (value == null) return Optional.empty();
    try {
      long number = value.startsWith("0x") ? Long.parseLong(value.substring(2), 16) : Long.parseLong(value);
      if (number >= least) return Optional.of(number);
    } catch (NumberFormatException e) {
      // As little use as one too small.
    }
    throw misuse("'" + value + "' for " + option + " is not a whole number from " + least + " on");
  }

  public List<String> words() { return words; }

  public Optional<String> word(int index) { return index < words.size() ? Optional.of(words.get(index)) : Optional.empty(); }

  public Targets targets() { return new Targets(services.launcher().guests()); }

  /** The guest that word means; the only one there is, when the word is missing. */
  public Guest guest(int index) throws UserError {
    return index < words.size() ? targets().guest(words.get(index)) : targets().onlyGuest();
  }

  public Targets.Device device(int index) throws UserError { return targets().device(words.get(index)); }

  /** All guests' devices when the word is missing. */
  public List<Targets.Device> devices(int index) throws UserError {
    if (index < words.size()) return targets().devices(words.get(index));
    List<Guest> guests = services.launcher().guests();
    return guests.stream().flatMap(guest -> Targets.all(guest).stream()).toList();
  }

  /** Where the answer goes: the next command of a pipe, or the user. */
  public PrintStream out() {
    // To the user directly: when a thread is interrupted that writes, the channel that Gogo puts between closes for good.
    return isForUser() ? session.getConsole() : Process.Utils.current().out();
  }

  private static boolean isForUser() {
    Process process = Process.Utils.current();
    return process == null || process.isTty(1);
  }

  /** How wide the answer may be. */
  public int width() {
    return terminal().filter(terminal -> isForUser()).map(Terminal::getWidth).filter(width -> width > 0).orElse(Integer.MAX_VALUE);
  }

  public Optional<Terminal> terminal() { return session.get(TERMINAL) instanceof Terminal terminal ? Optional.of(terminal) : Optional.empty(); }

  public boolean json() { return has("--json"); }

  public void say(String line) { out().println(line); }

  /** Answers in JSON if that is wanted, else with {@code line}. */
  public void answer(Map<String, ?> json, String line) { say(json() ? Json.of(json) : line); }

  public void table(Table table) { out().print(table.fit(width())); }
}
