package lguest.cpu.x86;

import static lguest.cpu.x86.Machine.*;
import static org.junit.jupiter.api.Assertions.*;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Breakpoints, single steps, and SYSENTER: what only ring 0 can set up (SDM vol. 3, chapter 17; vol. 2). */
@ParameterizedClass
@EnumSource(names = {"INTERPRET", "TRANSLATE", "CHECK"})
class DebugTest {
  private static final int TF = 0x100, RF = 0x10000, BS = 0x4000, BD = 0x2000;
  private final Machine m;

  DebugTest(Engine engine) {
    m = new Machine(engine);
  }

  @AfterEach
  void close() {
    m.close();
  }

  /** MOV DRn, value: by the processor itself, in a page of its own. */
  private void set(int register, int value) {
    int eip = m.r.eip(), eax = m.r.eax(), eflags = m.r.eflags();
    m.r.eflags(2);
    m.put(0x8000, "0F23%02X".formatted(0xC0 | register << 3));
    m.r.eax(value);
    m.r.eip(0x8000);
    assertEquals(Exit.BUDGET, m.cpu.run(1));
    m.r.eip(eip);
    m.r.eax(eax);
    m.r.eflags(eflags);
  }

  private int get(int register) {
    int eip = m.r.eip(), eax = m.r.eax(), eflags = m.r.eflags();
    m.r.eflags(2);
    m.put(0x8000, "0F21%02X".formatted(0xC0 | register << 3));
    m.r.eip(0x8000);
    assertEquals(Exit.BUDGET, m.cpu.run(1));
    int value = m.r.eax();
    m.r.eip(eip);
    m.r.eax(eax);
    m.r.eflags(eflags);
    return value;
  }

  /** Runs until #DB and tells DR6's changing bits. */
  private int trap() {
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(1, m.cpu.vector());
    assertFalse(m.cpu.hasErrorCode());
    int why = get(6);
    assertEquals(0xFFFF0FF0, why & ~0xE00F);
    set(6, 0);
    return why & 0xE00F;
  }

  @Test
  void instructionBreakpointStopsBeforeAndRfPassesIt() {
    m.code("40 40 40 EB FB"); // three times inc eax, and back to the first
    set(1, CODE + 1);
    set(7, 0x404); // reading back, bit 10 is always set
    assertEquals(0x404, get(7));
    assertEquals(2, trap());
    assertEquals(CODE + 1, m.r.eip());
    assertEquals(1, m.r.eax());
    assertEquals(2, trap(), "again, nothing has moved");
    assertEquals(1, m.r.eax());
    m.r.eflags(2 | RF);
    assertEquals(2, trap());
    assertEquals(4, m.r.eax(), "once around");
    assertEquals(0, m.r.eflags() & RF);
    set(7, 0x400);
    assertEquals(Exit.BUDGET, m.run());
  }

  @ParameterizedTest
  @CsvSource({
      // write breakpoints of 1, 2 and 4 bytes; kind and length, address, stores to DATA: hit or not
      "1,0,true", "1,1,false", "5,0,true", "5,3,false", "5,2,false", "D,0,true", "D,3,true", "D,4,false", "3,0,true", "F,7,false"})
  void writes(String kind, int distance, boolean hit) {
    m.code("C60500001000AA 90 90 90"); // mov byte [DATA],AA
    set(0, DATA + distance);
    set(7, 0x402 | Integer.parseInt(kind, 16) << 16);
    if (hit) {
      assertEquals(1, trap());
      assertEquals(CODE + 7, m.r.eip(), "behind the store");
      assertEquals(0xAA, m.get8(DATA));
    } else {
      assertEquals(Exit.BUDGET, m.cpu.run(3));
    }
  }

  @ParameterizedTest
  @CsvSource({"A000001000,true", "0305FE FF0F00,true", "8D0500001000,false", "FF3500001000,true", "803D0300100000,true", "A004001000,false",
      "0F100500001000,true", "F20F1005FCFF0F00,true", "DB2DF8FF0F00,true", "0F6F05F9FF0F00,true", "0F28050000 1000,true", "A5,true"})
  void readsAndWrites(String code, boolean hit) {
    m.code(code + "909090");
    m.r.esi(DATA);
    m.r.edi(DATA + 0x100);
    m.r.cr4(0x600);
    set(2, DATA);
    set(7, 0x410 | 0xF << 24);
    if (hit) assertEquals(4, trap());
    else assertEquals(Exit.BUDGET, m.cpu.run(3));
  }

  @Test
  void aReadIsNoWrite() {
    m.code("A100001000 90 90");
    set(0, DATA);
    set(7, 0x401 | 0xD << 16);
    assertEquals(Exit.BUDGET, m.cpu.run(3));
  }

  @Test
  void repeatedStoresStopAfterTheElement() {
    m.code("F3AA 90"); // rep stosb
    m.r.edi(DATA);
    m.r.ecx(8);
    set(3, DATA + 4);
    set(7, 0x440 | 1 << 28);
    assertEquals(8, trap());
    assertEquals(3, m.r.ecx());
    assertEquals(DATA + 5, m.r.edi());
    assertEquals(CODE, m.r.eip());
  }

  @Test
  void stepAndBreakpointAreOneTrap() {
    m.code("C60500001000AA 90");
    set(0, DATA);
    set(7, 0x401 | 1 << 16);
    m.r.eflags(2 | TF);
    assertEquals(BS | 1, trap());
    assertEquals(BS, trap());
  }

  @Test
  void whatLoadsTheStackSegmentHoldsTrapsOff() {
    m.code("8E1500001000 89E0 90"); // mov ss,[DATA]; mov eax,esp; nop
    m.set32(DATA, DATA0);
    set(0, DATA);
    set(7, 0x401 | 3 << 16);
    assertEquals(1, trap());
    assertEquals(CODE + 8, m.r.eip(), "one instruction later");
  }

  @Test
  void generalDetect() {
    m.code("0F21C0 90"); // mov eax,dr0
    set(0, 0x1234);
    set(7, 0x2400);
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(1, m.cpu.vector());
    assertEquals(CODE, m.r.eip());
    // GD is gone, so that the handler may look.
    assertEquals(BD, get(6) & 0xE00F);
    assertEquals(0x400, get(7));
    assertEquals(0x1234, get(0));
  }

  @ParameterizedTest
  @CsvSource({"0F21E0,0,-1", "0F23E8,0,-1", "0F21E0,8,6", "0F23E8,8,6"})
  void oldNames(String code, int cr4, int vector) {
    m.code(code);
    m.r.cr4(cr4);
    assertEquals(vector < 0 ? Exit.BUDGET : Exit.EXCEPTION, m.cpu.run(1));
    if (vector >= 0) assertEquals(vector, m.cpu.vector());
  }

  @Test
  void unknownBitsOfCr4() {
    m.code("0F22E0");
    m.r.eax(0x20);
    assertEquals(Exit.EXCEPTION, m.cpu.run(1));
    assertEquals(13, m.cpu.vector());
    m.r.eax(0x61C & ~0x10);
    assertEquals(Exit.BUDGET, m.cpu.run(1));
  }

  @Test
  void fastSystemCalls() {
    m.level(3).code("0F34");
    assertEquals(Exit.EXCEPTION, m.cpu.run(1));
    assertEquals(13, m.cpu.vector());
    m.level(0);
    int[] values = {0x50, STACK, 0x9000};
    for (int n = 0; n < 3; n++) {
      m.code("0F30");
      m.r.ecx(0x174 + n);
      m.r.eax(values[n]);
      m.steps(1);
    }
    m.level(3).code("0F34");
    m.r.eflags(0x202);
    m.steps(1);
    assertEquals(0x9000, m.r.eip());
    assertEquals(STACK, m.r.esp());
    assertEquals(0x50, m.r.selector(Registers.CS));
    assertEquals(0x58, m.r.selector(Registers.SS));
    assertEquals(0, m.r.cpl());
    assertEquals(0, m.r.eflags() & 0x200);
    m.put(0x9000, "0F35");
    m.r.ecx(0x70000);
    m.r.edx(CODE + 4);
    m.steps(1);
    assertEquals(CODE + 4, m.r.eip());
    assertEquals(0x70000, m.r.esp());
    assertEquals(0x63, m.r.selector(Registers.CS));
    assertEquals(0x6B, m.r.selector(Registers.SS));
    assertEquals(3, m.r.cpl());
    m.code("0F35");
    assertEquals(Exit.EXCEPTION, m.cpu.run(1));
    assertEquals(13, m.cpu.vector());
  }
}
