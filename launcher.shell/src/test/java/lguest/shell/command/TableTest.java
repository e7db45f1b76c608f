package lguest.shell.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class TableTest {
  private final Table table = new Table("NAME", "STATE", ">COUNT")
      .row("web", "parked: the bundle com.acme.gpu is not here any more and nobody else provides gpu", 1234567L)
      .row("database", "active", 0);

  @Test void columnsAreAsWideAsTheirWidestCell() {
    String state = "parked: the bundle com.acme.gpu is not here any more and nobody else provides gpu";
    assertEquals("NAME      %s      COUNT%nweb       %s  1,234,567%ndatabase  %s          0%n".formatted(pad("STATE", state), state, pad("active", state)),
        table.fit(Integer.MAX_VALUE));
  }

  private static String pad(String text, String like) { return text + " ".repeat(like.length() - text.length()); }

  @Test void theWidestCellsAreFolded() {
    assertEquals("""
        NAME      STATE                  COUNT
        web       parked: the        1,234,567
                  bundle
                  com.acme.gpu is
                  not here any more
                  and nobody else
                  provides gpu
        database  active                     0
        """, table.fit(38));
  }

  @Test void noWidthIsEverExceededAndNothingIsLost() {
    String words = "parked: the bundle com.acme.gpu is not here any more and nobody else provides gpu";
    for (int width = 24; width < 120; width++) {
      String text = table.fit(width);
      int limit = width;
      assertTrue(text.lines().allMatch(line -> line.length() <= limit), () -> limit + ":\n" + text);
      for (String word : words.split(" ")) assertTrue(text.contains(word), () -> limit + ":\n" + text);
      for (String word : List.of("web", "database", "1,234,567")) assertTrue(text.contains(word), () -> limit + ":\n" + text);
    }
  }

  @Test void whereColumnsWouldBeTooNarrowEachRowStandsAlone() {
    assertEquals("""
        NAME   web
        STATE  parked: the bundle
               com.acme.gpu is
               not here any more
               and nobody else
               provides gpu
        COUNT  1,234,567

        NAME   database
        STATE  active
        COUNT  0
        """, table.fit(25));
  }

  @Test void linesBreakAtBlanksAndLongWordsAnywhere() {
    assertEquals(List.of("ab cd", "efgh", "ijklm", "no"), Table.fold("ab cd efgh ijklmno", 5));
    assertEquals(List.of(""), Table.fold("", 5));
  }

  @Test void controlCharactersStayOffTheTerminal() {
    assertTrue(new Table("A").row("x\33[2Jy\n").fit(80).contains("x?[2Jy?"));
    assertThrows(IllegalArgumentException.class, () -> new Table("A", "B").row("x"));
  }
}
