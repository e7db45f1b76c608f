package lguest.shell.device;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TraceCommandTest {
  @Test void textIsShownAsText() {
    assertEquals("\"hi\\n\\r\\t\\e[0m\\\"\\\\\"", TraceCommand.data("hi\n\r\t\33[0m\"\\".getBytes(ISO_8859_1)));
    assertEquals("68 00", TraceCommand.data(new byte[] {'h', 0}));
    assertEquals("c3", TraceCommand.data(new byte[] {(byte) 0xC3}));
    assertEquals("", TraceCommand.data(new byte[0]));
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "50, '0.1 µs'", "12345, '12.3 µs'", "123456, '123 µs'", "1234567, '1.2 ms'", "123456789, '123 ms'", "1234567890, '1.2 s'"})
  void timesAreShort(long nanos, String text) { assertEquals(text, Shown.time(Duration.ofNanos(nanos))); }
}
