package lguest.cpu.x86;

import static lguest.cpu.x86.Machine.*;
import static org.junit.jupiter.api.Assertions.*;

import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How runs end: budgets, requests, traps, privileged instructions, interrupts by software. */
@ParameterizedClass
@EnumSource(names = {"INTERPRET", "TRANSLATE"})
class RunTest {
  private final Machine m;

  RunTest(Engine engine) {
    m = new Machine(engine);
  }

  @AfterEach
  void close() {
    m.close();
  }

  @Test
  void budgetsAreExactWhateverTheBlocks() {
    // Twenty inc eax and a jump back.
    m.code("40".repeat(20) + "EB EA");
    m.r.eax(0);
    long total = 0;
    for (int n = 1; n < 60; n++) {
      assertEquals(Exit.BUDGET, m.cpu.run(n));
      total += n;
      assertEquals(total, m.cpu.instructions());
      assertEquals(total - total / 21, m.r.eax());
    }
  }

  @Test
  void aRequestBeforeRunIsAnsweredAtOnceAndOnce() {
    m.code("EB FE");
    m.cpu.requestExit();
    m.cpu.requestExit();
    assertEquals(Exit.REQUESTED, m.cpu.run(100));
    assertEquals(0, m.cpu.instructions());
    assertEquals(Exit.BUDGET, m.cpu.run(100));
  }

  /** An empty loop; a block that jumps to itself by a pair; a string instruction over 4 GiB; one that repeats in place. */
  @ParameterizedTest
  @ValueSource(strings = {"EB FE", "39C0 74 FC", "F3AD EB FC", "F3AA EB FC", "F3A4 EB FC", "F2AE EB FC", "E8 FBFFFFFF"})
  @Timeout(60)
  void aRequestFromAnotherThreadEndsAnyLoop(String code) throws Exception {
    m.paging().code(code);
    // All of the address space is the same 4 MiB, its last page standing in for those with code, tables and stack.
    for (int entry = 1; entry < 1024; entry++) m.set32(DIRECTORY + entry * 4, TABLE | 7);
    m.r.ecx(-1);
    m.r.esi(DATA);
    m.r.edi(DATA + 0x10000);
    m.r.eax(0);
    if (code.startsWith("F3A")) for (int page = 0; page < 1024; page++) if (page != CODE >> 12) m.set32(TABLE + page * 4, 0x200007);
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread vcpu = new Thread(() -> {
      try {
        for (int round = 0; round < 20; round++) {
          Exit exit = m.cpu.run(Long.MAX_VALUE);
          if (exit != Exit.REQUESTED)
            throw new AssertionError(exit + " " + m.cpu.vector() + " " + Integer.toHexString(m.cpu.faultAddress()));
        }
      } catch (Throwable t) {
        failure.set(t);
      }
    });
    vcpu.start();
    while (vcpu.isAlive()) {
      m.cpu.requestExit();
      Thread.sleep(1);
    }
    assertNull(failure.get());
  }

  @Test
  @Timeout(60)
  void aRepeatedStringIsTakenUpWhereItWasLeft() throws Exception {
    m.code("F3A5 90");
    for (int n = 0; n < 100_000; n++) m.set32(DATA + 4 * n, n * 7);
    AtomicReference<Exit> last = new AtomicReference<>();
    Thread asker = new Thread(() -> {
      while (last.get() != Exit.HALT) m.cpu.requestExit();
    });
    asker.setDaemon(true);
    asker.start();
    // Until a request has come in the middle once: who knows when the other thread gets to run.
    int pauses = 0;
    int rounds = 0;
    for (; pauses == 0; rounds++) {
      m.r.eip(CODE);
      m.r.ecx(100_000);
      // Backwards, so that it goes element by element.
      m.r.esi(DATA + 400_000 - 4);
      m.r.edi(0x200000 + 400_000 - 4);
      m.r.eflags(0x400);
      m.memory.asSlice(0x200000, 400_000).fill((byte) 0);
      Exit exit;
      do {
        int left = m.r.ecx();
        exit = m.cpu.run(1);
        // A request may also come just behind its end.
        if (exit == Exit.REQUESTED && m.r.ecx() != 0) {
          assertEquals(CODE, m.r.eip());
          assertEquals(DATA + m.r.ecx() * 4 - 4, m.r.esi());
          assertEquals(0x200000 + m.r.ecx() * 4 - 4, m.r.edi());
          if (m.r.ecx() < left) pauses++;
        }
      } while (exit == Exit.REQUESTED && m.r.eip() == CODE);
      assertEquals(CODE + 2, m.r.eip());
      assertEquals(0, m.r.ecx());
      for (int n = 0; n < 100_000; n++) assertEquals(n * 7, m.get32(0x200000 + 4 * n));
    }
    last.set(Exit.HALT);
    asker.join();
    assertEquals(rounds, m.cpu.instructions(), "a repeated instruction counts once");
  }

  /** A missing page in the middle of MOVS: registers say how far it got, and the rest follows. */
  @ParameterizedTest
  @CsvSource({"F3A4,1,false", "F3A5,4,false", "66F3A5,2,false", "F3A4,1,true", "F3A5,4,true", "66F3A5,2,true", "F3AA,1,false", "F3AB,4,false", "F3AB,4,true", "F3AC,1,false", "F3AD,4,true",
      "F3A6,1,false", "F3A7,4,true", "F2AE,1,false", "F2AE,1,true", "66F2AF,2,true"})
  void aFaultInARepeatedString(String code, int size, boolean backwards) {
    m.paging().level(3).code(code + "CD80");
    int count = 0x1800 / size;
    int first = backwards ? 0x1800 - size : 0;
    m.r.ecx(count);
    m.r.esi(DATA + first);
    m.r.edi(0x200000 + first);
    m.r.eax(0x5A5A5A5A);
    m.r.eflags(backwards ? 0x400 : 0);
    boolean source = code.matches(".*A[CD]");
    boolean store = code.matches(".*A[45AB]");
    int missing = (source ? DATA : 0x200000) + (backwards ? 0 : 0x1000);
    for (int n = 0; n < 0x1800; n += 4) m.set32(DATA + n, n * 0x01010101);
    if (code.matches(".*A[67]")) for (int n = 0; n < 0x1800; n += 4) m.set32(0x200000 + n, n * 0x01010101);
    m.pte(missing, 0);
    int done = (backwards ? 0x800 : 0x1000) / size;
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(14, m.cpu.vector());
    assertEquals(store ? 6 : 4, m.cpu.errorCode());
    assertEquals(missing + (backwards ? 0x1000 - size : 0), m.cpu.faultAddress());
    assertEquals(count - done, m.r.ecx());
    assertEquals(CODE, m.r.eip());
    m.pte(missing, missing | 7);
    assertEquals(Exit.SOFTWARE_INTERRUPT, m.run());
    assertEquals(0, m.r.ecx());
    if (code.endsWith("A4") || code.endsWith("A5")) for (int n = 0; n < 0x1800; n += 4) assertEquals(n * 0x01010101,
        m.get32(0x200000 + n));
  }

  /** MOVS with the target a little above the source, or below it on the way down, repeats the pattern in between. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 7, 64, -1, -3, -64})
  void overlappingMovesRepeatThePattern(int distance) {
    m.code("F3A4 CD80");
    int step = Integer.signum(distance);
    int from = DATA + 0x1000 - step * 250;
    for (int n = 0; n < distance * step; n++) m.memory.set(java.lang.foreign.ValueLayout.JAVA_BYTE, from + n * step, (byte) (n + 1));
    m.r.eflags(distance < 0 ? 0x400 : 0);
    m.r.esi(from);
    m.r.edi(from + distance);
    m.r.ecx(500);
    assertEquals(Exit.SOFTWARE_INTERRUPT, m.run());
    for (int n = 0; n < 500 + distance * step; n++) assertEquals(n % (distance * step) + 1, m.get8(from + n * step));
    assertEquals(distance < 0 ? 0x400 : 0, m.r.eflags() & 0x400);
  }

  /** From one place in a page to another, and over pages whose neighbours in memory are not theirs. */
  @ParameterizedTest
  @CsvSource({"F3A4,1,false", "F3A4,1,true", "F3A5,4,false", "F3A5,4,true", "66F3A5,2,true", "F3A6,1,true", "F3A7,4,false", "F3A7,4,true"})
  void aRepeatedStringOverScatteredPages(String code, int size, boolean backwards) {
    m.paging().code(code + "CD80");
    int from = 0x200000, to = 0x208000, bytes = 0x3000, count = 0x2400 / size;
    for (int page = 0; page < 4; page++) m.pte(from + page * 0x1000, 0x300000 + (page * 5 & 7) * 0x1000 | 7).pte(to + page * 0x1000, 0x308000 + (page * 3 & 7) * 0x1000 | 7);
    for (int n = 0; n < bytes; n += 4) m.set32(0x300000 + (n >> 12) * 5 % 8 * 0x1000 + (n & 0xFFF), n * 0x01010101);
    int first = 0x340, target = 0xA88;
    boolean compare = code.matches(".*A[67]");
    if (compare) for (int n = 0; n < count * size; n++) m.memory.set(java.lang.foreign.ValueLayout.JAVA_BYTE, physical(to + target + n), (byte) m.get8(physical(from + first + n)));
    int last = backwards ? (count - 1) * size : 0;
    m.r.esi(from + first + last);
    m.r.edi(to + target + last);
    m.r.ecx(count);
    m.r.eflags(backwards ? 0x400 : 0);
    assertEquals(Exit.SOFTWARE_INTERRUPT, m.run());
    assertEquals(0, m.r.ecx());
    int step = backwards ? -size : size;
    assertEquals(from + first + last + step * count, m.r.esi());
    assertEquals(to + target + last + step * count, m.r.edi());
    for (int n = 0; n < count * size; n++) assertEquals(m.get8(physical(from + first + n)), m.get8(physical(to + target + n)), "byte " + n);
    assertEquals(0, m.get8(physical(to + target + count * size)));
    assertEquals(0, m.get8(physical(to + target - 1)));
  }

  private int physical(int linear) {
    return m.pte(linear) & ~0xFFF | linear & 0xFFF;
  }

  @Test
  void singleStepTrapsBehindEachInstruction() {
    m.code("40 8ED3 40 40");
    m.r.ebx(DATA0);
    m.r.eflags(0x100);
    for (int eip : new int[] {CODE + 1, CODE + 4, CODE + 5}) {
      // MOV SS holds the trap off until behind the next instruction.
      assertEquals(Exit.EXCEPTION, m.run());
      assertEquals(1, m.cpu.vector());
      assertFalse(m.cpu.hasErrorCode());
      assertEquals(eip, m.r.eip());
    }
    assertEquals(3, m.cpu.instructions() - 1);
  }

  @Test
  void aFaultUnderSingleStepIsThatFault() {
    m.code("0F0B");
    m.r.eflags(0x100);
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(6, m.cpu.vector());
  }

  @ParameterizedTest
  @CsvSource({"CD80,128,2", "CC,3,1", "F1,1,1", "CE,4,1", "CD1F,31,2"})
  void softwareInterruptsAreLeftToTheHost(String code, int vector, int length) {
    m.level(3).code("90" + code);
    m.r.eflags(0x800);
    assertEquals(Exit.SOFTWARE_INTERRUPT, m.run());
    assertEquals(vector, m.cpu.vector());
    assertEquals(length, m.cpu.instructionLength());
    assertEquals(CODE + 1, m.r.eip());
    assertEquals(1, m.cpu.instructions());
  }

  @Test
  void intoGoesOnWithoutOverflow() {
    m.code("CE 40");
    m.r.eax(0);
    m.steps(2);
    assertEquals(1, m.r.eax());
  }

  /** All at levels 1 and 3 with IOPL 0. */
  @ParameterizedTest
  @ValueSource(strings = {"F4", "FA", "FB", "0F0115 00001000", "0F011D 00001000", "0F00D0", "0F00D8", "0F01F0", "0F06", "0F0138",
      "0F09", "0F08", "0F20C0", "0F22D8", "0F21F0", "0F23F8",
      "0F32", "0F30", "0F33", "E4 60", "E5 60", "E6 80", "E7 80", "EC", "ED", "EE", "EF", "6C", "6D", "6E", "6F", "F36C", "66ED",
          "0F34", "0F35"})
  void privilegedInstructions(String code) {
    for (int level : new int[] {1, 3}) {
      m.level(level).code(code);
      int[] before = m.snapshot();
      assertEquals(Exit.EXCEPTION, m.run());
      assertEquals(13, m.cpu.vector());
      assertEquals(0, m.cpu.errorCode());
      assertTrue(m.cpu.hasErrorCode());
      assertArrayEquals(before, m.snapshot());
    }
  }

  @Test
  void levelZeroMay() {
    // cli sti clts invlpg wbinvd; mov eax,cr0; mov cr3,edx; mov ecx,cr3; lgdt sgdt; mov dr6; hlt
    m.code("FA FB 0F06 0F0138 0F09 0F20C3 0F22DA 0F20D9 0F0115 00001000 0F0105 10001000 F4");
    m.set32(DATA, 0x567800FF);
    m.set32(DATA + 4, 0x1234);
    m.r.cr0(m.r.cr0() | 8);
    m.r.edx(0x3000);
    assertEquals(Exit.HALT, m.run());
    assertEquals(0x202, m.r.eflags() & 0x202);
    assertEquals(0, m.r.ebx() & 8);
    assertEquals(0x3000, m.r.ecx());
    assertEquals(0x567800FF, m.get32(DATA + 0x10));
    assertEquals(0x1234, m.get32(DATA + 0x14));
  }

  @ParameterizedTest
  @CsvSource({"D9E8,8,7", "D9E8,4,7", "9B,8,0", "9B,0xA,7", "9B,4,0", "0FAE03,8,7"})
  void fpuNotAvailable(String code, String cr0, int vector) {
    m.code(code);
    m.r.ebx(DATA);
    m.r.cr0(0x11 | Integer.decode(cr0));
    Exit exit = m.cpu.run(1);
    assertEquals(vector == 0 ? Exit.BUDGET : Exit.EXCEPTION, exit);
    if (vector != 0) assertEquals(vector, m.cpu.vector());
  }

  @ParameterizedTest
  @ValueSource(strings = {"0F0B", "0FFF", "0F10C0", "F30F6FC0", "0F0FC0BF", "0F38C0", "F30F60C0", "F20F6FC0", "660F77", "0FC3C0", "0FD6C0", "F00F6F03", "F00F0B", "F001C0", "FFF8", "8DC0", "C4C0", "0F04", "0FA6C0",
      "D9D1", "62C0", "0FC7C8"})
  void invalidOpcodes(String code) {
    m.level(3).code(code);
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(6, m.cpu.vector());
    assertFalse(m.cpu.hasErrorCode());
    assertEquals(CODE, m.r.eip());
  }

  @Test
  void aSixteenthByteIsTooMuch() {
    m.code("66".repeat(15) + "90");
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(13, m.cpu.vector());
  }

  @Test
  void aPushedSegmentRegisterFillsItsSlot() {
    m.level(0).code("68 44332211 58 1E");
    m.steps(3);
    assertEquals(DATA0, m.get32(m.r.esp()));
  }

  /** POP [ESP+4] computes its address with ESP already moved. */
  @Test
  void popRelativeToTheStackPointer() {
    m.code("68 44332211 8F4424 FC");
    m.set32(STACK - 4, 0);
    m.steps(2);
    assertEquals(0x11223344, m.get32(STACK - 4), "[ESP-4] behind the pop is the slot itself");
    m.code("68 78563412 8F4424 08").steps(2);
    assertEquals(0x12345678, m.get32(STACK + 8));
  }

  /** The bounds of BOUND are signed. */
  @ParameterizedTest
  @CsvSource({"5,0", "-10,0", "20,0", "21,5", "-11,5"})
  void bound(int index, int vector) {
    m.code("6205 00001000");
    m.set32(DATA, -10);
    m.set32(DATA + 4, 20);
    m.r.eax(index);
    assertEquals(vector == 0 ? Exit.BUDGET : Exit.EXCEPTION, m.cpu.run(1));
    if (vector != 0) assertEquals(vector, m.cpu.vector());
  }

  @ParameterizedTest
  @CsvSource({"F7F1,0,100,0", "F7F1,2,100,2", "F7F9,-1,-2147483648,-1", "F6F1,1,256,0", "D400,1,1,1"})
  void divideErrors(String code, int ecx, int eax, int edx) {
    m.code(code);
    m.r.ecx(ecx);
    m.r.eax(eax);
    m.r.edx(edx);
    int[] before = m.snapshot();
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(0, m.cpu.vector());
    assertArrayEquals(before, m.snapshot());
  }

  /** The flags before a fault in the middle of a block are those of the last instruction that ran, whether somebody may read them or not. */
  @ParameterizedTest
  @ValueSource(strings = {"31D2", "9C"})
  void flagsAreExactAtAFaultInABlock(String behind) {
    // add eax,ecx (sets CF and ZF); mov ebx,[missing]; xor edx,edx (would clear them) or pushf (reads them)
    m.paging().code("01C8 8B1D 00001000" + behind);
    m.pte(DATA, 0);
    m.r.eax(-1);
    m.r.ecx(1);
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(0x55, m.r.eflags() & 0x8D5);
    assertEquals(CODE + 2, m.r.eip());
  }

  @Test
  void cpuidTellsWhatIsThere() {
    m.code("0FA2");
    m.r.eax(1);
    m.steps(1);
    assertEquals(0x0788893D, m.r.edx());
    assertEquals(0x0788813D & ~8, CpuModel.pentium4().without(CpuModel.SEP | CpuModel.PSE).cpuid(1)[3]);
    assertEquals(0xF29, m.r.eax());
    m.code("0FA2");
    m.r.eax(0);
    m.steps(1);
    assertEquals(1, m.r.eax());
    assertEquals(0x756E6547, m.r.ebx());
  }

  @Test
  void timestamp() {
    m.level(3).code("0F31 0F31").steps(1);
    assertEquals(0x11223344, m.r.edx());
    assertEquals(0x55667788, m.r.eax());
    m.r.cr4(4);
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(13, m.cpu.vector());
  }

  @Test
  void idAndAcFlagsTellAnI686() {
    // pushf; pop eax; xor eax,240000; push eax; popf; pushf; pop ecx
    m.level(3).code("9C 58 35 00002400 50 9D 9C 59").steps(7);
    assertEquals(m.r.eax(), m.r.ecx());
  }
}
