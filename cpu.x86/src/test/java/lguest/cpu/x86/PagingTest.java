package lguest.cpu.x86;

import static org.junit.jupiter.api.Assertions.*;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Translation, rights, error codes, accessed and dirty bits (SDM vol. 3, 4.6 to 4.8). */
@ParameterizedClass
@EnumSource(names = {"INTERPRET", "TRANSLATE", "CHECK"})
class PagingTest {
  private final Engine engine;
  private Machine m;

  PagingTest(Engine engine) {
    this.engine = engine;
    m = new Machine(engine).paging();
  }

  @AfterEach
  void close() {
    m.close();
  }

  /** Rights of the entry, level, write? -> error code, or -1 for success. */
  @ParameterizedTest
  @CsvSource({
      "0,0,false,0", "0,0,true,2", "0,3,false,4", "0,3,true,6", "0,1,true,2",
      "1,0,false,-1", "1,0,true,3", "1,1,true,3", "1,3,false,5", "1,3,true,7",
      "3,0,true,-1", "3,1,true,-1", "3,3,false,5", "3,3,true,7",
      "5,3,false,-1", "5,3,true,7", "5,1,true,3", "7,3,true,-1", "7,3,false,-1"})
  void rights(int bits, int level, boolean write, int code) {
    m.pte(Machine.DATA, Machine.DATA | bits);
    m.level(level).code(write ? "A3 08001000" : "A1 08001000");
    int[] before = m.snapshot();
    Exit exit = m.cpu.run(1);
    if (code < 0) {
      assertEquals(Exit.BUDGET, exit);
      assertEquals(Machine.DATA | bits | 0x20 | (write ? 0x40 : 0), m.pte(Machine.DATA), "accessed and dirty");
    } else {
      assertEquals(Exit.EXCEPTION, exit);
      assertEquals(14, m.cpu.vector());
      assertTrue(m.cpu.hasErrorCode());
      assertEquals(code, m.cpu.errorCode());
      assertEquals(Machine.DATA + 8, m.cpu.faultAddress());
      assertEquals(Machine.DATA + 8, m.r.cr2());
      assertArrayEquals(before, m.snapshot());
      assertEquals(Machine.DATA | bits, m.pte(Machine.DATA), "a faulting access marks nothing");
    }
  }

  @Test
  void supervisorWritesReadOnlyPagesWithoutWriteProtect() {
    m.pte(Machine.DATA, Machine.DATA | 1);
    m.r.cr0(0x80000011);
    m.code("A3 00001000").steps(1);
    assertEquals(Machine.DATA | 0x61, m.pte(Machine.DATA));
  }

  /** Pages so far apart that one place in the soft TLB is both's. */
  @ParameterizedTest
  @CsvSource({"F3 A5 EB FE", "F3 A4 EB FE", "F3 A6 EB FE", "F2 A7 EB FE", "A5 EB FE"})
  void stringsBetweenPagesThatThrowEachOtherOutOfTheTlb(String code) {
    for (Engine engine : Engine.values()) {
      Machine machine = new Machine(engine).paging();
      int far = Machine.DATA + (lguest.cpu.x86.state.CpuState.TLB_ENTRIES << 12);
      int table = Machine.DATA + 0x10000;
      machine.set32(Machine.DIRECTORY + (far >>> 22) * 4, table | 7);
      machine.set32(table + (far >>> 12 & 0x3FF) * 4, Machine.DATA + 0x2000 | 7);
      for (int i = 0; i < 64; i += 4) machine.set32(Machine.DATA + i, 0x01020304 * i);
      if (code.startsWith("F3 A6")) for (int i = 0; i < 64; i += 4) machine.set32(Machine.DATA + 0x2000 + i, 0x01020304 * i);
      machine.r.general(1, 16);
      machine.r.general(6, Machine.DATA);
      machine.r.general(7, far);
      machine.code(code);
      assertTimeoutPreemptively(java.time.Duration.ofSeconds(60), () -> machine.cpu.run(1000), engine + ": it never comes to its end");
      assertEquals(machine.get32(Machine.DATA), machine.get32(Machine.DATA + 0x2000));
      assertEquals(machine.r.general(6) - Machine.DATA, machine.r.general(7) - far);
      assertTrue(machine.r.general(6) > Machine.DATA);
      machine.close();
    }
  }

  @Test
  void readThenWriteSetsDirtyOnlyAtTheWrite() {
    m.code("A1 00001000 A3 00001000").steps(1);
    assertEquals(0x27, m.pte(Machine.DATA) & 0xFFF);
    m.steps(1);
    assertEquals(0x67, m.pte(Machine.DATA) & 0xFFF);
  }

  /** ADD [mem],eax on a read-only page reports a write, though it reads first. */
  @Test
  void readModifyWriteFaultsAsAWrite() {
    m.pte(Machine.DATA, Machine.DATA | 5);
    m.level(3).code("01 05 00001000");
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(7, m.cpu.errorCode());
  }

  @Test
  void storeAcrossPagesWritesNothingWhenTheSecondFaults() {
    m.pte(Machine.DATA + 0x1000, Machine.DATA + 0x1000 | 5);
    m.set32(Machine.DATA + 0xFFC, 0x11111111);
    m.r.eax(0x55555555);
    m.level(3).code("A3 FE0F1000");
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(7, m.cpu.errorCode());
    assertEquals(Machine.DATA + 0x1000, m.cpu.faultAddress());
    assertEquals(0x11111111, m.get32(Machine.DATA + 0xFFC));
  }

  @Test
  void accessesAcrossPagesThatAreNotNeighboursInMemory() {
    m.pte(Machine.DATA, 0x200000 | 7);
    m.pte(Machine.DATA + 0x1000, 0x300000 | 7);
    m.r.eax(0x44332211);
    m.r.ebx(0x01010101);
    // mov [DATA+ffd],eax; add [DATA+ffd],ebx; mov ecx,[DATA+ffd]
    m.code("A3 FD0F1000 011D FD0F1000 8B0D FD0F1000").steps(3);
    assertEquals(0x45342312, m.r.ecx());
    assertEquals(0x342312, m.get32(0x200FFD) & 0xFFFFFF);
    assertEquals(0x45, m.get8(0x300000));
  }

  @Test
  void staleTranslationLivesUntilFlushed() {
    m.set32(0x200000, 1);
    m.set32(0x201000, 2);
    m.set32(Machine.TABLE + 0x100 * 4, 0x200007);
    m.code("A1 00001000 A1 00001000 A1 00001000").steps(1);
    m.set32(Machine.TABLE + 0x100 * 4, 0x201007);
    m.steps(1);
    assertEquals(1, m.r.eax());
    m.cpu.flushTlbPage(Machine.DATA);
    m.steps(1);
    assertEquals(2, m.r.eax());
  }

  @Test
  void fetchFaultsAtTheFirstMissingByte() {
    // mov eax,imm32 with its last two bytes on a missing page.
    m.put(Machine.CODE + 0xFFD, "B8 0102");
    m.pte(Machine.CODE + 0x1000, 0);
    m.level(3);
    m.r.eip(Machine.CODE + 0xFFD);
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(4, m.cpu.errorCode());
    assertEquals(Machine.CODE + 0x1000, m.cpu.faultAddress());
    assertEquals(Machine.CODE + 0xFFD, m.r.eip());
    m.pte(Machine.CODE + 0x1000, Machine.CODE + 0x1000 | 7);
    m.put(Machine.CODE + 0x1000, "0304");
    m.steps(1);
    assertEquals(0x04030201, m.r.eax());
  }

  @Test
  void linearLimitIsNeverMapped() {
    try (Machine limited = new Machine(engine, 0xFFC00000, 0, 0).paging()) {
      limited.set32(Machine.DIRECTORY + 1023 * 4, Machine.TABLE | 7);
      limited.code("A1 0000C0FF");
      assertEquals(Exit.EXCEPTION, limited.run());
      assertEquals(0, limited.cpu.errorCode());
      assertEquals(0xFFC00000, limited.cpu.faultAddress());
    }
  }

  @ParameterizedTest
  @CsvSource({"true,0x400007,BAD_PAGE_TABLE_ENTRY", "true,0x10000F,BAD_PAGE_TABLE_ENTRY", "false,0x400007,BAD_PAGE_DIRECTORY_ENTRY",
      "false,0x3F1087,BAD_PAGE_DIRECTORY_ENTRY"})
  void tablesThatLeaveMemoryOrAreForbidden(boolean table, String entry, Exit expected) {
    try (Machine limited = new Machine(engine, 0, 0xF98, 0x88).paging()) {
      // The second directory entry serves 400000.
      limited.set32(Machine.DIRECTORY + 4, table ? 0x3F2000 | 7 : Integer.decode(entry));
      limited.set32(0x3F2000, table ? Integer.decode(entry) : 7);
      limited.code("A1 00004000");
      assertEquals(expected, limited.run());
      assertEquals(0x400000, limited.cpu.faultAddress());
      assertEquals(-1, limited.cpu.readLinearByte(0x400000));
    }
  }

  @Test
  void hostReadsThroughTheTables() {
    m.pte(Machine.DATA, 0x200001);
    m.set32(0x200010, 0x99);
    assertEquals(0x99, m.cpu.readLinearByte(Machine.DATA + 0x10));
    assertEquals(0x200010, m.cpu.physicalAddress(Machine.DATA + 0x10));
    m.pte(Machine.DATA, 0);
    assertEquals(-1, m.cpu.readLinearByte(Machine.DATA + 0x10));
  }

  /** After a flush nothing old is left, however few or many translations there were. */
  @ParameterizedTest
  @CsvSource({"3", "127", "128", "129", "700"})
  void aFlushForgetsEverything(int pages) {
    // L: mov eax,[ebx]; add esi,eax; add ebx,1000; dec ecx; jnz L
    m.code("8B03 01C6 81C300100000 49 75 F3");
    for (int round = 1; round <= 2; round++) {
      int sum = 0;
      for (int n = 0; n < pages; n++) {
        m.set32(0x200000 + round * 4 + (n & 15) * 0x1000, n * round);
        m.set32(TABLE + (DATA >>> 12) * 4 + n * 4, 0x200007 + ((n + round * 5 & 15) << 12));
      }
      m.cpu.setPageDirectory(DIRECTORY);
      for (int n = 0; n < pages; n++) sum += m.get32(0x200000 + round * 4 + ((n + round * 5 & 15) << 12));
      m.r.eip(Machine.CODE);
      m.r.ebx(DATA + round * 4);
      m.r.ecx(pages);
      m.r.esi(0);
      m.steps(5 * pages);
      assertEquals(sum, m.r.esi());
    }
  }

  private static final int DATA = Machine.DATA, TABLE = Machine.TABLE, DIRECTORY = Machine.DIRECTORY;
}
