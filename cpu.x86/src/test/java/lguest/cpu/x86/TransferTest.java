package lguest.cpu.x86;

import static lguest.cpu.x86.Machine.*;
import static org.junit.jupiter.api.Assertions.*;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Handlers entered and left, far calls and returns, with and without a change of privilege (SDM vol. 3, 5.8 and 6.12). */
@ParameterizedClass
@EnumSource(names = {"INTERPRET", "TRANSLATE", "CHECK"})
class TransferTest {
  private static final int HANDLER = 0x20000, INNER_STACK = 0x90000;
  private final Machine m;

  TransferTest(Engine engine) {
    m = new Machine(engine).paging();
  }

  @AfterEach
  void close() {
    m.close();
  }

  @Test
  void deliveryFromUserModeSwitchesToTheInnerStackAndIretComesBack() {
    m.level(3).code("90").put(HANDLER, "83C404 CF");
    m.r.eip(CODE + 1);
    m.r.eflags(0x4F02);
    m.cpu.setInnerStack(DATA1, INNER_STACK);
    m.r.eflags(0x0F02 & ~0x100);
    assertTrue(m.cpu.deliver(CODE1, HANDLER, m.r.eflags() | 0x200, true, 0x1234));
    assertEquals(1, m.r.cpl());
    assertEquals(CODE1, m.r.selector(Registers.CS));
    assertEquals(DATA1, m.r.selector(Registers.SS));
    assertEquals(HANDLER, m.r.eip());
    assertEquals(INNER_STACK - 24, m.r.esp());
    int[] frame = {0x1234, CODE + 1, CODE3, 0x0E02, STACK, DATA3};
    for (int n = 0; n < frame.length; n++) assertEquals(frame[n], m.get32(INNER_STACK - 24 + 4 * n), "frame word " + n);
    m.steps(2);
    assertEquals(3, m.r.cpl());
    assertEquals(CODE3, m.r.selector(Registers.CS));
    assertEquals(STACK, m.r.esp());
    assertEquals(CODE + 1, m.r.eip());
    assertEquals(DATA3, m.r.selector(Registers.DS), "level 3 may keep its own data segments");
  }

  @Test
  void deliveryAtTheSameLevelStaysOnTheStackAndClearsTrapFlags() {
    m.level(1);
    m.r.eflags(0x14702);
    assertTrue(m.cpu.deliver(CODE1, HANDLER, 0x14702, false, 0));
    assertEquals(STACK - 12, m.r.esp());
    assertEquals(0x14702, m.get32(STACK - 4));
    assertEquals(CODE1, m.get32(STACK - 8));
    assertEquals(CODE, m.get32(STACK - 12));
    assertEquals(0x602, m.r.eflags(), "TF, NT and RF are clear, IF as it was");
  }

  /** The page of the inner stack is missing, read-only, or its selector useless: nothing has changed. */
  @ParameterizedTest
  @CsvSource({"0,0x21", "1,0x21", "7,0x33", "7,0", "7,0x19"})
  void deliveryThatCannotBe(int entry, String ss) {
    m.pte(INNER_STACK - 0x1000, entry == 0 ? 0 : INNER_STACK - 0x1000 | entry);
    m.cpu.setInnerStack(Integer.decode(ss), INNER_STACK);
    m.level(3);
    int[] before = m.snapshot();
    assertFalse(m.cpu.deliver(CODE1, HANDLER, 2, true, 0));
    assertArrayEquals(before, m.snapshot());
    // Still in user mode for memory too.
    m.pte(DATA, DATA | 3).code("A1 00001000");
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(5, m.cpu.errorCode());
  }

  @Test
  void aFrameAcrossTwoPagesIsWrittenOnlyWhole() {
    m.level(3);
    m.cpu.setInnerStack(DATA1, INNER_STACK + 8);
    for (int missing : new int[] {INNER_STACK - 0x1000, INNER_STACK}) {
      m.pte(missing, 0);
      for (int at = INNER_STACK - 12; at < INNER_STACK + 8; at += 4) m.set32(at, 0x77);
      assertFalse(m.cpu.deliver(CODE1, HANDLER, 2, false, 0));
      assertEquals(missing, m.cpu.faultAddress() & ~0xFFF);
      for (int at = INNER_STACK - 12; at < INNER_STACK + 8; at += 4) assertEquals(0x77, m.get32(at));
      m.pte(missing, missing | 7);
    }
  }

  @Test
  void handlersAreEnteredWithSupervisorRights() {
    m.pte(INNER_STACK - 0x1000, INNER_STACK - 0x1000 | 3);
    m.cpu.setInnerStack(DATA1, INNER_STACK);
    m.level(3);
    assertTrue(m.cpu.deliver(CODE1, HANDLER, 2, false, 0));
  }

  @Test
  void returnToAnOuterLevelTakesInnerDataSegmentsAway() {
    m.level(1).code("CF");
    m.cpu.setSegment(Registers.GS, DATA3, m.gdt[DATA3 >> 3]);
    push(DATA3, 0x70000, 0x202, CODE3, HANDLER);
    m.steps(1);
    assertEquals(0, m.r.selector(Registers.DS));
    assertEquals(0, m.r.attributes(Registers.ES));
    assertEquals(DATA3, m.r.selector(Registers.GS));
    assertEquals(0x70000, m.r.esp());
    m.put(HANDLER, "A1 00001000");
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(13, m.cpu.vector(), "DS is null now");
  }

  /** CS and SS of the frame -> vector and error code. */
  @ParameterizedTest
  @CsvSource({"0,0x33,13,0", "0x2B,0,13,0", "0x2B,0x32,13,0x30", "0x2B,0x21,13,0x20", "0x2B,0x4B,12,0x48", "0x2B,0x203,13,0x200",
      "0x08,0x33,13,8", "0x33,0x33,13,0x30",
      "0x2A,0x33,13,0x28", "0x203,0x33,13,0x200", "0x2B,0x53,13,0x50"})
  void badReturns(String cs, String ss, int vector, String code) {
    m.level(1).code("CF");
    push(Integer.decode(ss), 0x70000, 0x202, Integer.decode(cs), HANDLER);
    int[] before = m.snapshot();
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(vector, m.cpu.vector());
    assertEquals(Integer.decode(code), m.cpu.errorCode());
    assertArrayEquals(before, m.snapshot());
  }

  /** IRET: level, IOPL -> which of IF IOPL ID AC NT OF TF may change. */
  @ParameterizedTest
  @CsvSource({"0,0,0x247E00", "1,0,0x244C00", "3,0,0x244C00", "1,1,0x244E00", "3,3,0x244E00"})
  void flagsThatReturnMayChange(int level, int iopl, String mask) {
    m.level(level).code("CF");
    m.r.eflags(iopl << 12);
    push(0x247E00 ^ iopl << 12, level == 1 ? CODE1 : level == 3 ? CODE3 : CODE0, HANDLER);
    m.steps(1);
    assertEquals(Integer.decode(mask) | 2, (m.r.eflags() ^ iopl << 12) & 0x247E02);
  }

  @ParameterizedTest
  @CsvSource({"0,0,0x247E00", "1,0,0x244C00", "3,0,0x244C00", "1,1,0x244E00", "3,3,0x244E00"})
  void flagsThatPopMayChange(int level, int iopl, String mask) {
    m.level(level).code("9D");
    m.r.eflags(iopl << 12);
    push(0x247E00 ^ iopl << 12);
    m.steps(1);
    assertEquals(Integer.decode(mask) | 2, (m.r.eflags() ^ iopl << 12) & 0x247E02);
  }

  @Test
  void sixteenBitFlagsLeaveTheUpperHalf() {
    m.level(3).code("66 9D");
    m.r.eflags(0x240002);
    m.r.esp(STACK - 2);
    m.set32(STACK - 4, 0x08D70000);
    m.steps(1);
    assertEquals(0x2408D7, m.r.eflags());
  }

  @Test
  void aNestedTaskHasNoTaskToReturnTo() {
    m.level(1).code("CF");
    m.r.eflags(0x4002);
    push(0x202, CODE1, HANDLER);
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(10, m.cpu.vector());
  }

  @Test
  void farCallAndReturnAtTheSameLevel() {
    m.level(3).code("9A 00000200 2B00").put(HANDLER, "CA 0800");
    m.r.esp(STACK - 8);
    m.steps(1);
    assertEquals(CODE3, m.get32(STACK - 12));
    assertEquals(CODE + 7, m.get32(STACK - 16));
    m.steps(1);
    assertEquals(STACK, m.r.esp());
    assertEquals(CODE + 7, m.r.eip());
  }

  @Test
  void farReturnToAnOuterLevel() {
    m.level(1).code("CA 0400");
    // eip cs [4 bytes of arguments] esp ss
    push(DATA3, 0x70000, 0xAAAA, CODE3, HANDLER);
    m.steps(1);
    assertEquals(3, m.r.cpl());
    assertEquals(0x70004, m.r.esp());
    assertEquals(DATA3, m.r.selector(Registers.SS));
  }

  /** JMP FAR: selector at level 3 -> vector, error code. */
  @ParameterizedTest
  @CsvSource({"0x2B,0,0", "0x60,0,0", "0x19,13,0x18", "0x33,13,0x30", "0x68,13,0x68", "0,13,0", "0x203,13,0x200", "0x2F,13,0x2C"})
  void farJumps(String selector, int vector, String code) {
    int s = Integer.decode(selector);
    m.level(3).code("EA 00000200 %02X%02X".formatted(s & 0xFF, s >> 8));
    Exit exit = m.cpu.run(1);
    if (vector == 0) {
      assertEquals(Exit.BUDGET, exit);
      assertEquals(HANDLER, m.r.eip());
      assertEquals(3, m.r.cpl(), "conforming code keeps the level");
      assertEquals(s | 3, m.r.selector(Registers.CS));
    } else {
      assertEquals(Exit.EXCEPTION, exit);
      assertEquals(vector, m.cpu.vector());
      assertEquals(Integer.decode(code), m.cpu.errorCode());
      assertEquals(CODE, m.r.eip());
    }
  }

  @Test
  void sixteenBitCodeSegment() {
    // jmp far CODE16:5000; there: mov ax,1234; push ax; jmp far dword CODE0:HANDLER
    m.level(0).code("EA 00500000 7000").put(0x5000, "B8 3412 50 66EA 00000200 0800");
    m.r.eax(0xFFFF0000);
    m.steps(4);
    assertEquals(0xFFFF1234, m.r.eax());
    assertEquals(STACK - 2, m.r.esp());
    assertEquals(HANDLER, m.r.eip());
  }

  @Test
  void codeBeyondTheLimitOfItsSegmentFaults() {
    m.level(0).code("EA F0FF0000 7000").put(0xFFF0, "66EB 0D");
    m.steps(1);
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(13, m.cpu.vector());
    assertEquals(0xFFF0, m.r.eip());
    m.put(0xFFF0, "E9 0B00").put(0xFFFE, "B8 34");
    m.steps(1);
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(13, m.cpu.vector());
    assertEquals(0xFFFE, m.r.eip());
  }

  private void push(int... words) {
    for (int word : words) {
      m.r.esp(m.r.esp() - 4);
      m.set32(m.r.esp(), word);
    }
  }
}
