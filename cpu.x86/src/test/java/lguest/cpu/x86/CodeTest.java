package lguest.cpu.x86;

import static lguest.cpu.x86.Machine.*;
import static org.junit.jupiter.api.Assertions.*;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Code that changes: by itself, by its neighbours, by the Host, by page tables. */
@ParameterizedClass
@EnumSource(names = {"INTERPRET", "TRANSLATE", "CHECK"})
class CodeTest {
  private final Machine m;

  CodeTest(Engine engine) {
    m = new Machine(engine);
  }

  @AfterEach
  void close() {
    m.close();
  }

  /** As far as it goes, in one run: single steps would all be interpreted. */
  private void runTo(Exit end) {
    assertEquals(end, m.run());
  }

  @Test
  void storeIntoTheNextInstructionOfTheSameBlock() {
    // mov byte [CODE+8],2; mov al,1
    m.code("C605 08000100 02 B0 01 90 CD80");
    runTo(Exit.SOFTWARE_INTERRUPT);
    assertEquals(2, m.r.eax());
    // Again, now that the block is known to hold the new byte, with yet another.
    m.put(CODE + 6, "03");
    m.r.eip(CODE);
    runTo(Exit.SOFTWARE_INTERRUPT);
    assertEquals(3, m.r.eax());
  }

  @Test
  void aLoopThatRewritesItself() {
    // L: inc byte [L2+1]; L2: mov al,0; add ebx,eax; dec ecx; jnz L: sums 1..10
    m.code("FE05 07000100 B0 00 01C3 49 75 F3");
    m.r.ecx(10);
    m.r.eax(0);
    m.steps(50);
    assertEquals(55, m.r.ebx());
  }

  @Test
  void aStringStoreIntoCodeAhead() {
    // mov edi,CODE+20; mov al,40 (inc eax); mov ecx,3; rep stosb; jmp +... to the three bytes, which were hlt
    m.code("BF 20000100 B0 40 B9 03000000 F3AA EB 10").put(CODE + 0x20, "F4F4F4 F4");
    m.r.eax(0);
    runTo(Exit.HALT);
    assertEquals(0x40 + 3, m.r.eax());
  }

  @Test
  void pushIntoTheRunningBlock() {
    // mov esp,CODE+0E; push 40404040: the four bytes of hlt behind it become inc eax
    m.code("BC 0E000100 68 40404040 F4F4F4F4 F4");
    m.r.eax(0);
    runTo(Exit.HALT);
    assertEquals(4, m.r.eax());
  }

  @Test
  void storeThroughAnotherAddressOfThePage() {
    m.paging();
    m.pte(DATA, CODE | 7);
    // mov byte [DATA+8],7 is the page of code
    m.code("C605 08001000 07 B0 01 CD80");
    runTo(Exit.SOFTWARE_INTERRUPT);
    assertEquals(7, m.r.eax() & 0xFF);
  }

  @Test
  void anInstructionAcrossPagesChangesWithEitherPage() {
    m.paging();
    m.put(CODE + 0xFFE, "B8 11223344 C3");
    for (int at : new int[] {CODE + 0xFFF, CODE + 0x1000, CODE + 0x1002}) {
      m.code("C605 %02X%02X0100 99 E8 %s CD80".formatted(at & 0xFF, at >> 8 & 0xFF, "F20F0000")).set32(STACK, 0);
      runTo(Exit.SOFTWARE_INTERRUPT);
      int shift = (at - CODE - 0xFFF) * 8;
      assertEquals(0x99, m.r.eax() >>> shift & 0xFF, Integer.toHexString(at));
    }
    // The second page comes from elsewhere.
    m.put(0x200000, "555555 CD80");
    m.pte(CODE + 0x1000, 0x200007);
    m.r.eip(CODE + 0xFFE);
    runTo(Exit.SOFTWARE_INTERRUPT);
    assertEquals(0x555555, m.r.eax() >>> 8);
  }

  @Test
  void theHostReplacesCode() {
    m.code("B0 01 EB FC");
    m.steps(40);
    m.memory.set(java.lang.foreign.ValueLayout.JAVA_BYTE, CODE + 1, (byte) 9);
    m.cpu.memoryWritten(CODE + 1, 1);
    m.steps(20);
    assertEquals(9, m.r.eax() & 0xFF);
  }

  @Test
  void anotherProgramAtTheSameAddress() {
    m.paging();
    m.put(0x200000, "B0 01 CD80").put(0x201000, "B0 02 CD80");
    for (int round = 0; round < 3; round++) {
      for (int program = 0; program < 2; program++) {
        m.set32(TABLE + (0x50000 >>> 12) * 4, 0x200007 + program * 0x1000);
        m.cpu.setPageDirectory(DIRECTORY);
        m.r.eip(0x50000);
        runTo(Exit.SOFTWARE_INTERRUPT);
        assertEquals(program + 1, m.r.eax() & 0xFF);
      }
    }
  }

  @Test
  void dataBesideCodeKeepsTheCode() {
    // mov [CODE+800],eax in a loop: same page, other bytes; the block must survive.
    m.code("A3 00080100 EB F9");
    m.steps(10);
    long decoded = m.cpu.statistics().blocksDecoded();
    m.steps(2000);
    assertEquals(decoded, m.cpu.statistics().blocksDecoded());
    assertEquals(0, m.cpu.statistics().pagesDropped());
  }

  @Test
  void pageTablesThatAreCode() {
    // The page tables hold the running code's mapping; marking an entry dirty changes a page that could be decoded.
    m.paging();
    m.r.eip(TABLE + 0x800);
    m.put(TABLE + 0x800, "A3 00001000 A3 00101000 EB F4");
    m.steps(90);
    assertEquals(0x67, m.pte(DATA) & 0xFFF);
  }

  @Test
  void countersOutliveTheProcessor() {
    m.code("90").steps(1);
    m.cpu.close();
    assertEquals(1, m.cpu.instructions());
    m.cpu.requestExit();
    assertThrows(IllegalStateException.class, () -> m.cpu.run(1));
    assertThrows(IllegalStateException.class, () -> m.cpu.readLinearByte(0));
  }
}
