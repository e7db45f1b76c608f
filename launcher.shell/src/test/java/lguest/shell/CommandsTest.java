package lguest.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import lguest.shell.command.Call;
import lguest.shell.command.Command;
import lguest.shell.command.Words;
import lguest.shell.words.UserError;
import org.junit.jupiter.api.Test;

/** What is true of every command. */
class CommandsTest {
  private static Call parse(Command command, String... words) throws UserError { return Call.parse(null, null, command.words(), List.of(words)); }

  @Test void namesAreTheirOwn() {
    HashSet<String> names = new HashSet<>();
    for (Command command : Commands.all()) assertTrue(names.add(command.words().fullName()), command.words().fullName());
    HashSet<String> shown = new HashSet<>();
    for (Command command : Commands.all()) {
      assertTrue(shown.add(command.words().shortName()), command.words().shortName());
      assertEquals(command.words(), HelpCommand.find(command.words().shortName(), Commands.all()).orElseThrow().words(), "help finds what the prompt finds");
    }
  }

  @Test void helpShowsWordsOptionsAndExamplesThatAreRight() throws Exception {
    for (Command command : Commands.all()) {
      Words words = command.words();
      String help = HelpCommand.about(words.fullName(), Commands.all(), List.of());
      assertTrue(help.startsWith(words.usage()) && help.contains(words.does()), help);
      for (Words.Option option : words.options()) assertTrue(help.contains(option.form()) && help.contains(option.about()), help);
      assertTrue(!words.examples().isEmpty(), words.name() + " has no example");
      assertTrue(help.lines().allMatch(line -> line.length() <= 120), help);
      for (Words.Example example : words.examples()) {
        assertTrue(help.contains(example.line()), help);
        for (String line : example.line().split("; *")) {
          List<String> typed = new ArrayList<>(List.of(line.replace("'", "").split(" +(?!is |being |moved)")));
          Command named = HelpCommand.find(typed.removeFirst(), Commands.all()).orElseThrow(() -> new AssertionError(line));
          Call.parse(null, null, named.words(), typed);
        }
      }
    }
  }

  @Test void everyCommandButThoseThatAnswerNothingCanAnswerInJson() {
    List<String> without = Commands.all().stream().map(Command::words)
        .filter(words -> words.options().stream().noneMatch(option -> option.name().equals("--json"))).map(Words::fullName).toList();
    assertEquals(List.of("guest:console", "lguest:help", "lguest:quit"), without);
  }

  @Test void aWrongCallSaysWhatIsWrongAndHowItIsRight() {
    for (Command command : Commands.all()) {
      Words words = command.words();
      List<String[]> wrong = new ArrayList<>();
      if (!words.tail()) wrong.add(new String[] {"--frobnicate"});
      if (!words.tail()) wrong.add("x ".repeat(words.words().size() + 1).split(" "));
      for (Words.Option option : words.options()) wrong.add(new String[] {option.takesValue() ? option.name() : option.name() + "=x"});
      if (words.words().stream().anyMatch(word -> !word.form().startsWith("[") && !words.tail())) wrong.add(new String[0]);
      for (String[] call : wrong) {
        String message = assertThrows(UserError.class, () -> parse(command, call), () -> words.name() + " " + String.join(" ", call)).getMessage();
        assertTrue(message.startsWith(words.shortName() + ": ") && message.endsWith("; it is: " + words.usage()), message);
      }
    }
  }

  @Test void optionsStandAnywhereButInTheTail() throws Exception {
    Command wait = HelpCommand.find("wait", Commands.all()).orElseThrow();
    for (String[] form : new String[][] {{"web", "--timeout=5", "--json"}, {"--json", "--timeout", "5", "web"}}) {
      Call call = parse(wait, form);
      assertEquals(List.of("web"), call.words());
      assertTrue(call.json());
      assertEquals(5, call.number("--timeout", 0).orElseThrow());
    }
    assertTrue(assertThrows(UserError.class, () -> parse(wait, "--timeout=x").number("--timeout", 0)).getMessage().contains("'x'"));
    assertTrue(assertThrows(UserError.class, () -> parse(wait, "--timeout=-1").number("--timeout", 0)).getMessage().contains("'-1'"));
    assertEquals(0x10000, parse(HelpCommand.find("memory-dump", Commands.all()).orElseThrow(), "web", "f", "--from=0x10000").number("--from", 0).orElseThrow());
    Command run = HelpCommand.find("run", Commands.all()).orElseThrow();
    Call call = parse(run, "--json", "--name=x", "64", "vmlinux", "--json");
    assertTrue(call.json());
    assertEquals(List.of("--name=x", "64", "vmlinux", "--json"), call.words());
  }

  @Test void helpIsAskedForByAnOptionToo() throws Exception {
    for (Command command : Commands.all()) assertTrue(parse(command, "--help").has("--help"), command.words().name());
  }
}
