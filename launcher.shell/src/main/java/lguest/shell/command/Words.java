package lguest.shell.command;

import java.util.ArrayList;
import java.util.List;

/**
 * A command in words: how it is called and what it does. The parser, help and completion all go by this, so that they cannot
 * disagree.
 *
 * @param scope Gogo's scope, such as {@code guest}
 * @param name without scope
 * @param does one line, an imperative
 * @param words what may follow, in order
 * @param options what may stand among them
 * @param tail whether the last of the words takes all that follows as it is, options and all
 * @param more what else there is to know, in lines for a narrow terminal; may be empty
 * @param examples command lines, each with what it does
 */
public record Words(String scope, String name, String does, List<Word> words, List<Option> options, boolean tail, String more,
    List<Example> examples) {

  /** What a word is, for completion. */
  public enum Kind { GUEST, DEVICE, GUEST_OR_DEVICE, DEVICE_TYPE, PROVIDER, FILE, COMMAND, DEVICE_OPTION, COMMAND_LINE, OTHER }

  /** A word as usage shows it: {@code <guest>}, in brackets when it may be missing. */
  public record Word(String form, Kind kind) {
    boolean optional() { return form.startsWith("["); }
  }

  /** An option as usage shows it: {@code --json}, {@code --timeout=<seconds>}, {@code -n=<count>}. */
  public record Option(String form, Kind kind, String about) {
    public String name() { return form.replaceFirst("=.*", ""); }

    public boolean takesValue() { return form.contains("="); }
  }

  public record Example(String line, String does) {}

  static final Option HELP = new Option("--help", Kind.OTHER, "tell about this command");

  public static Words of(String scope, String name, String does) {
    return new Words(scope, name, does, List.of(), List.of(), false, "", List.of());
  }

  public Words word(String form, Kind kind) {
    return new Words(scope, name, does, with(words, new Word(form, kind)), options, tail, more, examples);
  }

  /** A last word that stands for all that follows. */
  public Words tail(String form, Kind kind) {
    return new Words(scope, name, does, with(words, new Word(form, kind)), options, true, more, examples);
  }

  public Words option(String form, Kind kind, String about) {
    return new Words(scope, name, does, words, with(options, new Option(form, kind, about)), tail, more, examples);
  }

  public Words json() { return option("--json", Kind.OTHER, "answer in JSON"); }

  /** For a command that answers line after line. */
  public Words jsonLines() { return option("--json", Kind.OTHER, "answer in JSON, an object a line"); }

  public Words more(String text) { return new Words(scope, name, does, words, options, tail, text, examples); }

  public Words example(String line, String does) {
    return new Words(scope, name, this.does, words, options, tail, more, with(examples, new Example(line, does)));
  }

  private static <T> List<T> with(List<T> list, T one) {
    List<T> longer = new ArrayList<>(list);
    longer.add(one);
    return List.copyOf(longer);
  }

  /** The name that is never mistaken for another's. */
  public String fullName() { return scope + ":" + name; }

  /** The name people use: a command about guests needs no scope, nor do help and quit. */
  public String shortName() { return scope.equals("device") ? fullName() : name; }

  /** How it is called, in a line. */
  public String usage() {
    StringBuilder text = new StringBuilder(shortName());
    for (Option option : options) text.append(" [").append(option.form()).append(']');
    for (Word word : words) text.append(' ').append(word.form());
    return text.toString();
  }

  /** All there is to know. {@code inserted} comes before the options. */
  public String help(String inserted) {
    StringBuilder text = new StringBuilder(usage()).append("\n  ").append(does).append("\n");
    if (!more.isEmpty()) text.append('\n').append(more.indent(2));
    if (!inserted.isEmpty()) text.append('\n').append(inserted);
    if (!options.isEmpty()) text.append('\n');
    for (Option option : options) text.append("  %-21s %s%n".formatted(option.form(), option.about()));
    if (!examples.isEmpty()) text.append("\nFor example\n");
    for (Example example : examples)
      text.append(example.line().length() <= 33 ? "  %-33s  %s%n".formatted(example.line(), example.does())
          : "  %s%n      %s%n".formatted(example.line(), example.does()));
    return text.toString();
  }
}
