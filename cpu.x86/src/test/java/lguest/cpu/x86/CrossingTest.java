package lguest.cpu.x86;

import static org.junit.jupiter.api.Assertions.*;

import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * System calls through the gate, returns from them and loads of segment registers: first as everybody does them, until emitted code has taken them over, then with something that it must
 * notice. The program runs at level 3, the handler at level 1.
 */
@ParameterizedClass
@EnumSource(names = {"INTERPRET", "TRANSLATE", "CHECK"})
class CrossingTest {
  private static final int HANDLER = 0x12000, INNER = Machine.DATA + 0x3000, FLAG = Machine.DATA + 0x5008, ROUNDS = 40;
  /** STC; INT 80; LEA EDI, [EDI + 1]; JMP back. With IRET five instructions a round. */
  private static final String CALLING = "F9 CD80 8D7F01 EBF8", IRET = "CF";
  private static final int PER_ROUND = 5;

  private final Engine engine;
  private final Machine m;

  CrossingTest(Engine engine) {
    this.engine = engine;
    m = new Machine(engine).paging();
    m.set32(Machine.DIRECTORY, Machine.TABLE | 0x27);
    m.set32(FLAG, 0x200);
    m.cpu.setInnerStack(Machine.DATA1, INNER);
    m.cpu.systemCallGate(new SystemCallGate(0x80, Machine.CODE1, HANDLER, FLAG));
    m.level(3);
    m.r.eflags(0x202);
    m.put(HANDLER, IRET).code(CALLING);
  }

  @AfterEach
  void close() {
    m.close();
  }

  private void warmUp() {
    m.steps(ROUNDS * PER_ROUND);
    assertEquals(ROUNDS, m.r.edi());
    assertEquals(Machine.CODE, m.r.eip());
    assertEquals(3, m.r.cpl());
  }

  private long stepped(String what) {
    return m.cpu.statistics().translator().getOrDefault("stepped." + what, 0L);
  }

  @Test
  void callsAndReturns() {
    warmUp();
    assertEquals(ROUNDS, m.cpu.systemCalls());
    assertEquals(Machine.STACK, m.r.esp());
    assertEquals(Machine.CODE3, m.r.selector(Registers.CS));
    assertEquals(Machine.DATA3, m.r.selector(Registers.SS));
    assertEquals(0x202, m.r.eflags() & ~0x8D5, "but for flags that are dead");
    if (engine == Engine.TRANSLATE) assertTrue(stepped("int") + stepped("iret") < 6, "by emitted code: " + m.cpu.statistics());
    m.steps(2);
    assertEquals(1, m.r.cpl());
    assertEquals(HANDLER, m.r.eip());
    assertEquals(INNER - 20, m.r.esp());
    assertEquals(Machine.CODE1, m.r.selector(Registers.CS));
    assertEquals(Machine.DATA1, m.r.selector(Registers.SS));
    assertEquals(0xC0BB00 | 0xF0000, m.r.attributes(Registers.CS) | 0xF0000);
    assertArrayEquals(new int[] {Machine.CODE + 3, Machine.CODE3, 0x203, Machine.STACK, Machine.DATA3}, frame());
  }

  private int[] frame() {
    int[] words = new int[5];
    for (int i = 0; i < 5; i++) words[i] = m.get32(m.r.esp() + 4 * i);
    return words;
  }

  /** IF in the image is the Host's word, and nothing else of it. */
  @Test
  void theInterruptFlagIsTheWords() {
    warmUp();
    m.set32(FLAG, 0xFFFFFDFF);
    m.steps(2);
    assertEquals(0x003, frame()[2]);
    m.steps(PER_ROUND - 2 + 1);
    m.set32(FLAG, 0xFFFFFFFF);
    m.steps(1);
    assertEquals(0x203, frame()[2]);
    assertEquals(0x202, m.r.eflags() & ~0x8D5);
  }

  /** Every arithmetic flag, set and clear; DF and ID come back, IF and IOPL do not. */
  @Test
  void flagsThereAndBack() {
    // POPFD; PUSHFD; INT 80; PUSHFD; JMP back: the handler turns all flags of the image around.
    m.code("9D 9C CD80 9C EBF9").put(HANDLER, "81742408 D50C2000 CF"); // XOR DWORD [ESP+8], 200CD5
    for (int flags : new int[] {0x202, 0x203, 0x206, 0x212, 0x242, 0x282, 0xA02, 0xAD7, 0x8D7 | 0x200, 0x602}) {
      for (int n = 0; n < 6; n++) {
        m.r.esp(Machine.STACK);
        m.set32(Machine.STACK, flags);
        m.r.eip(Machine.CODE);
        m.steps(3);
        assertEquals(flags & 0xCD5 | 0x202, frame()[2] & 0x3FFFFF);
        m.steps(3);
        assertEquals((flags ^ 0x200CD5) & 0x200CD5 | 0x202, m.r.eflags() & 0x3FFFFF);
        assertEquals(m.r.eflags(), m.get32(m.r.esp()));
      }
    }
  }

  @Test
  void singleStepsAreTheHosts() {
    warmUp();
    m.r.eflags(0x302);
    m.r.eip(Machine.CODE + 1);
    assertEquals(Exit.SOFTWARE_INTERRUPT, m.cpu.run(10));
    assertEquals(Machine.CODE + 1, m.r.eip());
    assertEquals(0x80, m.cpu.vector());
    assertEquals(2, m.cpu.instructionLength());
  }

  @Test
  void otherLevelsVectorsAndNoGate() {
    warmUp();
    m.level(1);
    assertEquals(Exit.SOFTWARE_INTERRUPT, m.cpu.run(10));
    m.level(3).code("CD81 EBFC");
    assertEquals(Exit.SOFTWARE_INTERRUPT, m.cpu.run(10));
    assertEquals(0x81, m.cpu.vector());
    m.cpu.systemCallGate(null);
    m.code(CALLING);
    assertEquals(Exit.SOFTWARE_INTERRUPT, m.cpu.run(10));
    assertEquals(Machine.CODE + 1, m.r.eip());
    assertEquals(ROUNDS, m.cpu.systemCalls());
  }

  @Test
  void held() {
    warmUp();
    m.cpu.holdSystemCalls(true);
    assertEquals(Exit.SOFTWARE_INTERRUPT, m.cpu.run(10));
    assertEquals(Machine.CODE + 1, m.r.eip());
    m.r.eip(Machine.CODE);
    m.cpu.holdSystemCalls(false);
    warmUpAgain();
    assertEquals(2 * ROUNDS, m.cpu.systemCalls());
  }

  @Test
  void anotherHandler() {
    warmUp();
    m.put(HANDLER + 0x100, "46 CF"); // INC ESI
    m.cpu.systemCallGate(new SystemCallGate(0x80, Machine.CODE1, HANDLER + 0x100, FLAG));
    m.steps(ROUNDS * (PER_ROUND + 1));
    assertEquals(ROUNDS, m.r.esi());
    assertThrows(IllegalArgumentException.class, () -> m.cpu.systemCallGate(new SystemCallGate(0x80, Machine.CODE1, HANDLER, Machine.SIZE - 3)));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 5})
  void noStackToWriteOn(int bits) {
    warmUp();
    m.pte(INNER - 4, INNER - 0x1000 | bits);
    int[] before = m.snapshot();
    m.r.eip(Machine.CODE + 1);
    before[8] = Machine.CODE + 1;
    assertEquals(Exit.SOFTWARE_INTERRUPT, m.cpu.run(10));
    assertArrayEquals(before, m.snapshot());
    assertEquals(INNER - 0x1000 | bits, m.pte(INNER - 4), "nothing was marked");
    assertEquals(ROUNDS, m.cpu.systemCalls());
    m.pte(INNER - 4, INNER - 0x1000 | 3);
    m.r.eip(Machine.CODE);
    warmUpAgain();
    assertEquals(INNER - 0x1000 | 0x63, m.pte(INNER - 4));
  }

  private void warmUpAgain() {
    m.r.edi(0);
    warmUp();
  }

  @Test
  void aStackAcrossPages() {
    warmUp();
    for (int top = INNER + 4; top < INNER + 24; top += 4) {
      m.cpu.setInnerStack(Machine.DATA1, top);
      m.steps(2);
      assertEquals(top - 20, m.r.esp());
      assertArrayEquals(new int[] {Machine.CODE + 3, Machine.CODE3, 0x203, Machine.STACK, Machine.DATA3}, frame());
      m.steps(PER_ROUND - 2);
    }
  }

  /** The frame overwrites code that has run. */
  @Test
  void aStackAmongCode() {
    warmUp();
    m.cpu.setInnerStack(Machine.DATA1, HANDLER + 0x120);
    m.put(HANDLER + 0x10C, "B8 01000000 EBFE").level(1);
    m.r.eip(HANDLER + 0x10C);
    m.steps(5);
    assertEquals(1, m.r.eax());
    m.level(3);
    m.r.eip(Machine.CODE);
    m.steps(2 * PER_ROUND + 2);
    m.level(1);
    m.r.eip(HANDLER + 0x10C); // the image: CODE + 3 = 03 00 01 00 is ADD EAX, [EAX]; ADD [EAX], EAX
    assertEquals(Machine.CODE + 3, m.get32(HANDLER + 0x10C));
    m.r.eax(Machine.DATA);
    m.set32(Machine.DATA, 0x10);
    m.steps(1);
    assertEquals(Machine.DATA + 0x10, m.r.eax());
  }

  @Test
  void descriptorsThatChange() {
    warmUp();
    long code = m.gdt[Machine.CODE1 >> 3];
    m.gdt[Machine.CODE1 >> 3] = code & ~(1L << 47); // not present
    m.cpu.descriptorsChanged();
    assertEquals(Exit.SOFTWARE_INTERRUPT, m.cpu.run(10));
    m.gdt[Machine.CODE1 >> 3] = code;
    m.cpu.descriptorsChanged();
    m.steps(1);
    assertEquals(HANDLER, m.r.eip());
    m.gdt[Machine.CODE3 >> 3] &= ~(1L << 47);
    m.cpu.descriptorsChanged();
    assertEquals(Exit.EXCEPTION, m.cpu.run(10));
    assertEquals(11, m.cpu.vector());
    assertEquals(Machine.CODE3 & ~3, m.cpu.errorCode());
    assertEquals(HANDLER, m.r.eip());
    assertEquals(1, m.r.cpl());
  }

  /** The program's stack segment gets a limit. */
  @Test
  void aStackSegmentThatChanges() {
    warmUp();
    m.gdt[Machine.DATA3 >> 3] = Machine.descriptor(0, 0x7FFF, 0x40F3);
    m.cpu.descriptorsChanged();
    m.steps(3);
    assertEquals(0x7FFF, m.r.limit(Registers.SS));
    m.code("50");
    assertEquals(Exit.EXCEPTION, m.cpu.run(1));
    assertEquals(12, m.cpu.vector());
  }

  /** What the program could not have loaded is taken away on return. */
  @ParameterizedTest
  @ValueSource(strings = {"8ED8", "8EC0", "8EE0", "8EE8"}) // MOV DS, AX; ES; FS; GS
  void innerSegmentsDoNotGetOut(String load) {
    m.put(HANDLER, load + "CF");
    m.r.eax(Machine.DATA3);
    m.steps(ROUNDS * (PER_ROUND + 1));
    int segment = new int[] {3, 0, 4, 5}["8ED8 8EC0 8EE0 8EE8".indexOf(load) / 5];
    assertEquals(Machine.DATA3, m.r.selector(segment));
    m.r.eax(Machine.DATA1);
    m.steps(3);
    assertEquals(Machine.DATA1, m.r.selector(segment));
    assertEquals(1, m.r.cpl());
    m.steps(1);
    assertEquals(3, m.r.cpl());
    assertEquals(0, m.r.selector(segment));
    assertEquals(0, m.r.attributes(segment));
  }

  /** The handler changes its frame: offset in it, new value, vector and error code of the IRET. */
  @ParameterizedTest
  @CsvSource({"4, 0x29, 13, 0x28", "4, 0x33, 13, 0x30", "4, 0, 13, 0", "4, 0x1B, 13, 0x18", "4, 0xFFFB, 13, 0xFFF8", "16, 0x31, 13, 0x30", "16, 0x2B, 13, 0x28", "16, 0, 13, 0",
      "16, 0x4B, 12, 0x48"})
  void framesThatAreNoGood(int at, String value, int vector, String code) {
    // MOV [ESP + EBX], EAX; IRET
    m.put(HANDLER, "89041C CF");
    m.r.ebx(0);
    m.r.eax(Machine.CODE + 3);
    m.steps(ROUNDS * (PER_ROUND + 1));
    assertEquals(ROUNDS, m.r.edi());
    m.r.ebx(at);
    m.r.eax(Integer.decode(value));
    m.steps(3);
    int[] before = m.snapshot();
    assertEquals(Exit.EXCEPTION, m.cpu.run(1));
    assertEquals(vector, m.cpu.vector());
    assertEquals(Integer.decode(code), m.cpu.errorCode());
    assertArrayEquals(before, m.snapshot());
  }

  @Test
  void returningToAStep() {
    warmUp();
    m.steps(2);
    m.set32(m.r.esp() + 8, 0x303);
    m.steps(1);
    assertEquals(Machine.CODE + 3, m.r.eip());
    assertEquals(Exit.EXCEPTION, m.cpu.run(10));
    assertEquals(1, m.cpu.vector());
    assertEquals(Machine.CODE + 6, m.r.eip(), "one instruction further");
  }

  @Test
  void nestedTask() {
    warmUp();
    m.steps(2);
    m.r.eflags(0x4202);
    assertEquals(Exit.EXCEPTION, m.cpu.run(10));
    assertEquals(10, m.cpu.vector());
    assertEquals(HANDLER, m.r.eip());
  }

  /** Alignment checking is asked for: from then on misaligned accesses of the program fault. */
  @Test
  void returningToAlignmentChecks() {
    warmUp();
    m.r.cr0(0x80050011);
    m.code("F9 CD80 A1 01001000 EBFE");
    m.steps(2);
    m.set32(m.r.esp() + 8, 0x40203);
    assertEquals(Exit.EXCEPTION, m.cpu.run(10));
    assertEquals(17, m.cpu.vector());
    assertEquals(Machine.CODE + 3, m.r.eip());
  }

  /** Interrupts may be turned on by whoever IOPL lets. */
  @Test
  void privilegeOverInputAndOutput() {
    warmUp();
    m.steps(2);
    m.r.eflags(0x1002);
    m.set32(m.r.esp() + 8, 0x203);
    m.steps(1);
    assertEquals(0x1203, m.r.eflags());
  }

  @Test
  void returnsToTheSameLevel() {
    m.level(1).put(HANDLER, "CF");
    int stack = INNER - 0x100;
    // Round: PUSHFD; PUSH CS; CALL HANDLER; INC EDI; JMP back
    m.code("9C 0E E8" + HexFormat.of().toHexDigits(Integer.reverseBytes(HANDLER - (Machine.CODE + 7))) + "47 EBF6");
    m.r.esp(stack);
    m.r.edi(0);
    m.steps(ROUNDS * 6);
    assertEquals(ROUNDS, m.r.edi());
    assertEquals(stack, m.r.esp());
    assertEquals(1, m.r.cpl());
    if (engine == Engine.TRANSLATE) assertTrue(stepped("iret") < 5, "by emitted code: " + m.cpu.statistics());
    // The frame in the last bytes of a page, which is less than emitted code looks at.
    m.r.esp(INNER);
    m.steps(12);
    assertEquals(INNER, m.r.esp());
    // A frame on a page that is not there.
    m.steps(3);
    m.pte(INNER - 0x1000, 0);
    int[] before = m.snapshot();
    assertEquals(Exit.EXCEPTION, m.cpu.run(1));
    assertEquals(14, m.cpu.vector());
    assertEquals(0, m.cpu.errorCode());
    assertEquals(INNER - 12, m.cpu.faultAddress());
    assertArrayEquals(before, m.snapshot());
  }

  /** Selectors loaded in turns, then the same ones meaning something else. */
  @Test
  void loadsOfSegments() {
    m.level(1);
    // MOV DS, AX; MOV DS, BX; MOV ECX, [DATA]; JMP back
    m.r.eax(Machine.DATA1);
    m.r.ebx(Machine.DATA3);
    m.set32(Machine.DATA, 0x1234);
    m.set32(Machine.DATA + 0x10, 0x5678);
    m.code("8ED8 8EDB 8B0D 00001000 EBF4").steps(ROUNDS * 4);
    assertEquals(0x1234, m.r.ecx());
    if (engine == Engine.TRANSLATE) assertTrue(stepped("mov") < 5, "by emitted code: " + m.cpu.statistics());
    m.gdt[Machine.DATA3 >> 3] = Machine.descriptor(0x10, 0xFFFFF, 0xC0F3);
    m.cpu.descriptorsChanged();
    m.steps(4);
    assertEquals(0x5678, m.r.ecx());
    m.gdt[Machine.DATA3 >> 3] = Machine.flat(0xF1); // read-only
    m.cpu.descriptorsChanged();
    m.steps(8);
    assertEquals(0x1234, m.r.ecx());
    m.code("8EDB 890D 00001000 EBFE");
    assertEquals(Exit.EXCEPTION, m.cpu.run(5));
    assertEquals(13, m.cpu.vector());
    assertEquals(Machine.CODE + 2, m.r.eip());
  }

  /** What level 1 may load is not level 3's. */
  @Test
  void loadsAtAnotherLevel() {
    m.level(1);
    m.r.eax(Machine.DATA1);
    m.r.ebx(Machine.DATA3);
    m.code("8EC0 8EC3 EBFA").steps(ROUNDS * 3);
    m.level(3).r.eip(Machine.CODE);
    assertEquals(Exit.EXCEPTION, m.cpu.run(5));
    assertEquals(13, m.cpu.vector());
    assertEquals(Machine.DATA1 & ~3, m.cpu.errorCode());
    assertEquals(Machine.DATA3, m.r.selector(Registers.ES));
  }

  /** FS comes and goes, which changes what code may assume of it. */
  @ParameterizedTest
  @CsvSource({"0FA0, 0FA1, 64, 4, 8EE0, 8EE3", "0FA8, 0FA9, 65, 5, 8EE8, 8EEB"})
  void segmentsThatComeAndGo(String push, String pop, String prefix, int segment, String loadA, String loadB) {
    m.gdt[9] = Machine.descriptor(Machine.DATA, 0xFFFFF, 0xC0F3);
    m.cpu.descriptorsChanged();
    m.set32(Machine.DATA + 8, 0x77);
    m.r.eax(0x4B);
    m.r.ebx(0);
    // MOV FS, AX; ADD ECX, FS:[8]; PUSH FS; MOV FS, BX; INC EDI; POP FS; MOV FS, BX; DEC EDI; JMP back
    m.code(loadA + prefix + "030D 08000000" + push + loadB + "47" + pop + loadB + "4F EBEB");
    m.r.ecx(0);
    m.r.edi(0);
    m.steps(ROUNDS * 9);
    assertEquals(0x77 * ROUNDS, m.r.ecx());
    assertEquals(0, m.r.edi());
    assertEquals(Machine.STACK, m.r.esp());
    assertEquals(0, m.r.selector(segment));
    assertEquals(Machine.CODE, m.r.eip());
    m.r.eax(0);
    assertEquals(Exit.EXCEPTION, m.cpu.run(5));
    assertEquals(13, m.cpu.vector());
    assertEquals(Machine.CODE + 2, m.r.eip());
    m.r.eax(0x3B); // DATA once more, but of 4 KiB
    m.r.eip(Machine.CODE);
    m.steps(9);
    assertEquals(0x77 * (ROUNDS + 1), m.r.ecx());
  }

  /** The program's x87 instruction was its own, with its own selectors, whoever looks. */
  @Test
  void pointersOfTheUnitStayTheProgrammes() {
    // FILD DWORD [DATA]; FSTP ST0; INT 80; JMP back; the handler: FNSTENV [DATA + 100]; FLDENV there; IRET
    m.put(HANDLER, "D935 00011000 D925 00011000 CF").code("DB05 00001000 DDD8 CD80 EBF4");
    for (int n = 0; n < 10; n++) {
      m.steps(3);
      m.steps(2);
      assertEquals(Machine.CODE + 6, m.get32(Machine.DATA + 0x10C), "FIP");
      assertEquals(Machine.CODE3, m.get32(Machine.DATA + 0x110) & 0xFFFF, "FCS");
      assertEquals(Machine.DATA, m.get32(Machine.DATA + 0x114), "FDP");
      assertEquals(Machine.DATA3, m.get32(Machine.DATA + 0x118) & 0xFFFF, "FDS");
      m.steps(2);
    }
  }

  /** With the tables changed each time, the inner stack's page is walked for by emitted code, for the inner level. */
  @Test
  void afterEachSwitchOfAddressSpaces() {
    m.pte(INNER - 4, INNER - 0x1000 | 3);
    for (int n = 0; n < ROUNDS; n++) {
      m.steps(PER_ROUND);
      m.cpu.setPageDirectory(Machine.DIRECTORY);
    }
    assertEquals(ROUNDS, m.r.edi());
    if (engine == Engine.TRANSLATE) assertTrue(stepped("int") < 4, "by emitted code: " + m.cpu.statistics());
    // And what only the inner level may read is still not the program's.
    m.code("A1 00201000");
    assertEquals(Exit.EXCEPTION, m.cpu.run(1));
    assertEquals(5, m.cpu.errorCode());
  }
}
