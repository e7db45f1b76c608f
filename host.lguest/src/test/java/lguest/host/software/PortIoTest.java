package lguest.host.software;

import static lguest.host.software.TestGuest.*;
import static org.junit.jupiter.api.Assertions.*;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Ports that are not there (ABI §5.10, appendix B 9 and 10). */
@Timeout(60)
class PortIoTest {
  private static int afterReading(int... instruction) {
    try (TestGuest guest = new TestGuest()) {
      guest.boot().code.mov(Asm.EDX, 0x3F8).mov(Asm.EAX, 0x1122_3344).bytes(instruction).store(OFFSET + RESULT, Asm.EAX).tell(1);
      guest.open().expectTell(1);
      assertEquals(1, guest.host.statistics().get("port_io"));
      return guest.get(RESULT);
    }
  }

  @Test void readsAllOnes() {
    assertEquals(0x1122_33FF, afterReading(0xE4, 0x80), "in al, 80h");
    assertEquals(-1, afterReading(0xE5, 0x80), "in eax, 80h");
    assertEquals(0x1122_33FF, afterReading(0xEC), "in al, dx");
    assertEquals(-1, afterReading(0xED), "in eax, dx");
    assertEquals(0x1122_FFFF, afterReading(0x66, 0xED), "in ax, dx");
    assertEquals(0x1122_FFFF, afterReading(0x66, 0xE5, 0x10), "in ax, 10h");
  }

  @Test void writesAreLost() {
    for (int[] instruction : new int[][] {{0xE6, 0x80}, {0xE7, 0x80}, {0xEE}, {0xEF}, {0x66, 0xEF}, {0x66, 0xE7, 1}})
      assertEquals(0x1122_3344, afterReading(instruction));
  }

  /** A module's code lies outside the linear mapping, here at 0xD0000000, and may still try ports. */
  @Test void fetchedThroughThePageTables() {
    try (TestGuest guest = new TestGuest()) {
      guest.set(DIRECTORY + (0xD000_0000 >>> 22) * 4, USER_TABLE | 7);
      int module = guest.place(USER_CODE, 0xD000_0000 + USER_CODE, asm -> asm.bytes(0xEC).tell(3));
      guest.boot().code.mov(Asm.EAX, module).bytes(0xFF, 0xE0); // jmp eax
      guest.open().expectTell(3);
    }
  }

  @Test void stringInstructionsFault() {
    try (TestGuest guest = new TestGuest()) {
      int protection = guest.handler(asm -> asm.tell(13));
      guest.boot().code.gate(13, protection, 0xF, 0).mov(Asm.EDI, OFFSET + RESULT).mov(Asm.EDX, 0x60).bytes(0x6C); // insb
      guest.open().expectTell(13);
    }
  }

  @Test void userModeFaults() {
    try (TestGuest guest = new TestGuest()) {
      int protection = guest.handler(asm -> asm.tell(13));
      int program = guest.place(USER_CODE, USER_CODE, asm -> asm.bytes(0xEC));
      guest.boot().code.gate(13, protection, 0xF, 0);
      guest.enterUser(program).open().expectTell(13);
    }
  }
}
