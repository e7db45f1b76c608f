package lguest.cpu.x86;

import static lguest.cpu.x86.Machine.*;
import static org.junit.jupiter.api.Assertions.*;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Segment registers: what may be loaded, with which error, and what an address is checked for (SDM vol. 3, chapter 5). */
@ParameterizedClass
@EnumSource(names = {"INTERPRET", "TRANSLATE", "CHECK"})
class SegmentTest {
  private final Machine m;

  SegmentTest(Engine engine) {
    m = new Machine(engine);
  }

  @AfterEach
  void close() {
    m.close();
  }

  /** Level, register (0 ES, 2 SS), selector -> vector and error code, or 0. */
  @ParameterizedTest
  @CsvSource({
      "3,0,0x33,0,0", "3,0,0x30,0,0", "1,0,0x33,0,0", "1,0,0x21,0,0", "1,0,0x20,0,0", "0,0,0x10,0,0",
      "3,0,0x21,13,0x20", "3,0,0x10,13,0x10", "1,0,0x23,13,0x20", "3,0,0,0,0", "3,0,3,0,0",
      "3,0,0x4B,11,0x48", "3,0,0x53,0,0", "3,0,0x5B,13,0x58", "3,0,0x63,0,0", "0,0,0x68,13,0x68", "3,0,0x203,13,0x200",
          "3,0,0x37,13,0x34", "3,0,0x2B,0,0",
      "3,2,0x33,0,0", "3,2,0x30,13,0x30", "1,2,0x21,0,0", "1,2,0x33,13,0x30", "3,2,0,13,0", "3,2,3,13,0", "3,2,0x53,13,0x50",
          "3,2,0x2B,13,0x28",
      "3,2,0x4B,12,0x48", "3,2,0x203,13,0x200"})
  void loads(int level, int register, String selectorText, int vector, String codeText) {
    int selector = Integer.decode(selectorText);
    m.level(level).code("8E %02X".formatted(0xC0 | register << 3));
    m.r.eax(0xABCD0000 | selector);
    int before = m.r.selector(register);
    Exit exit = m.cpu.run(1);
    if (vector == 0) {
      assertEquals(Exit.BUDGET, exit);
      assertEquals(selector, m.r.selector(register));
    } else {
      assertEquals(Exit.EXCEPTION, exit);
      assertEquals(vector, m.cpu.vector());
      assertEquals(Integer.decode(codeText), m.cpu.errorCode());
      assertEquals(before, m.r.selector(register));
      assertEquals(CODE, m.r.eip());
      // The Host's own way of loading says the same.
      assertFalse(m.cpu.loadSegment(register, selector));
      assertEquals(vector, m.cpu.vector());
    }
  }

  /** Offset and bytes in a 4 KiB segment: 0 fine, else the vector. */
  @ParameterizedTest
  @CsvSource({"0xFFC,4,0", "0xFFD,4,13", "0xFFF,1,0", "0x1000,1,13", "0xFFE,2,0", "0xFFF,2,13", "0xFFFFFFFE,4,13"})
  void limits(String offset, int bytes, int vector) {
    m.level(3).code((bytes == 1 ? "64 8A 03" : bytes == 2 ? "66 64 8B 03" : "64 8B 03"));
    m.cpu.setSegment(Registers.FS, SMALL, m.gdt[SMALL >> 3]);
    m.set32(DATA + 0xFFC, 0x44332211);
    m.r.ebx(Long.decode(offset).intValue());
    check(vector);
    if (vector == 0) assertEquals(0x44, m.r.eax() >>> bytes * 8 - 8 & 0xFF, "the base counts");
  }

  @ParameterizedTest
  @CsvSource({"0x0FFF,13", "0x1000,0", "0xFFFFFFFD,13", "0xFFC,13", "0x80000,0"})
  void expandDown(String offset, int vector) {
    m.level(3).code("64 8B 03");
    m.cpu.setSegment(Registers.FS, DOWN, m.gdt[DOWN >> 3]);
    m.r.ebx(Long.decode(offset).intValue());
    check(vector);
  }

  @ParameterizedTest
  @CsvSource({"0x53,64 89 03,13", "0x53,64 8B 03,0", "0x5B,64 8B 03,13", "0,64 8B 03,13", "0x2B,64 89 03,13", "0x2B,64 8B 03,0",
      "0,64 01 03,13"})
  void typesAndNull(String selector, String code, int vector) {
    int s = Integer.decode(selector);
    m.level(3).code(code);
    m.cpu.setSegment(Registers.FS, s, m.gdt[s >> 3]);
    m.r.ebx(DATA);
    check(vector);
  }

  @Test
  void stackSegmentFaultsAreTwelve() {
    m.level(3).code("50");
    m.cpu.setSegment(Registers.SS, SMALL, m.gdt[SMALL >> 3]);
    m.r.esp(0x1000);
    m.steps(1);
    m.code("58 58");
    m.steps(1);
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(12, m.cpu.vector());
    assertEquals(0, m.cpu.errorCode());
    assertEquals(0x1000, m.r.esp());
  }

  @Test
  void negativeOffsetsInAThreadSegment() {
    // gs:[-4] with base DATA and a 4 GiB limit: where thread-local variables are.
    m.level(3).code("65 A1 FCFFFFFF");
    m.cpu.setSegment(Registers.GS, 0x33, descriptor(DATA, 0xFFFFF, 0xC0F3));
    m.set32(DATA - 4, 0x1234);
    m.steps(1);
    assertEquals(0x1234, m.r.eax());
  }

  @Test
  void codeOnlyDecodedForAFlatSegmentIsNotUsedForAnother() {
    // The same block: mov eax,[0], with DS flat and then with DS at DATA.
    m.level(3).code("A1 00000000");
    m.set32(0, 1);
    m.set32(DATA, 2);
    m.steps(1);
    assertEquals(1, m.r.eax());
    m.cpu.setSegment(Registers.DS, SMALL, m.gdt[SMALL >> 3]);
    m.r.eip(CODE);
    m.steps(1);
    assertEquals(2, m.r.eax());
  }

  /** Selector, level -> LAR's answer (0 for ZF clear), LSL's, VERR, VERW. */
  @ParameterizedTest
  @CsvSource({"0x33,3,0xCFF300,0xFFFFFFFF,true,true", "0x10,3,0,0,false,false", "0x3B,3,0x40F300,0xFFF,true,true",
      "0x53,3,0xCFF100,0xFFFFFFFF,true,false",
      "0x5B,3,0xCFF900,0xFFFFFFFF,false,false", "0x60,3,0xCF9F00,0xFFFFFFFF,true,false", "0x68,0,0x8900,0x67,false,false",
          "0x68,3,0,0,false,false", "0,0,0,0,false,false",
      "0x208,0,0,0,false,false", "0x23,1,0,0,false,false", "0x21,1,0xCFB300,0xFFFFFFFF,true,true"})
  void questions(String selector, int level, String lar, String lsl, boolean verr, boolean verw) {
    m.level(level).code("0F02C3 0F94C1 0F03D3 0F00E3 0F94C5 0F00EB 0F9405 00001000");
    m.r.ebx(Integer.decode(selector));
    m.r.eax(0);
    m.r.edx(0);
    m.steps(7);
    assertEquals(Long.decode(lar).intValue(), m.r.eax());
    assertEquals(Long.decode(lsl).intValue(), m.r.edx());
    assertEquals(!lar.equals("0") ? 1 : 0, m.r.ecx() & 0xFF);
    assertEquals(verr ? 1 : 0, m.r.ecx() >> 8 & 0xFF);
    assertEquals(verw ? 1 : 0, m.get8(DATA));
  }

  @Test
  void farPointerLoadsChangeNothingWhenTheSelectorIsBad() {
    m.level(3).code("C4 35 00001000");
    m.set32(DATA, 0x11223344);
    m.set32(DATA + 4, CODE1 & ~3);
    m.r.esi(5);
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(13, m.cpu.vector());
    assertEquals(5, m.r.esi());
    m.set32(DATA + 4, DATA3);
    m.steps(1);
    assertEquals(0x11223344, m.r.esi());
  }

  @ParameterizedTest
  @CsvSource({"8E C8", "8E F0", "8C F0"})
  void segmentRegistersThatDoNotExist(String code) {
    m.code(code);
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(6, m.cpu.vector());
  }

  @Test
  void alignmentCheckInUserModeOnly() {
    m.code("8B 03 8B 03");
    m.r.cr0(m.r.cr0() | 1 << 18);
    m.r.ebx(DATA + 1);
    m.r.eflags(1 << 18);
    m.steps(1);
    m.level(3);
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(17, m.cpu.vector());
    m.r.ebx(DATA + 4);
    m.steps(1);
  }

  private void check(int vector) {
    int[] before = m.snapshot();
    Exit exit = m.cpu.run(1);
    if (vector == 0) {
      assertEquals(Exit.BUDGET, exit);
      return;
    }
    assertEquals(Exit.EXCEPTION, exit);
    assertEquals(vector, m.cpu.vector());
    assertEquals(0, m.cpu.errorCode());
    assertArrayEquals(before, m.snapshot());
  }
}
