package lguest.cpu.x86;

import static org.junit.jupiter.api.Assertions.*;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Misses of the soft TLB and of the jump cache that emitted code serves by itself: it must come to what the MMU would have come to, and leave alone what is the MMU's. The directory entry
 * is accessed already, without which every first walk would be the MMU's.
 */
@ParameterizedClass
@EnumSource(names = {"INTERPRET", "TRANSLATE", "CHECK"})
class WalkTest {
  private static final int LOAD = 0, STORE = 1;
  /** MOV EAX, [DATA+8] and MOV [DATA+8], EAX, then a jump to itself. */
  private static final String[] ACCESS = {"A1 08001000 EB FE", "A3 08001000 EB FE"};

  private final Engine engine;
  private Machine m;

  WalkTest(Engine engine) {
    this.engine = engine;
    m = machine(0, 0, 0);
  }

  private Machine machine(int linearLimit, int directoryForbidden, int tableForbidden) {
    Machine machine = new Machine(engine, linearLimit, directoryForbidden, tableForbidden).paging();
    machine.set32(Machine.DIRECTORY, Machine.TABLE | 0x27);
    machine.cpu.flushTlb();
    return machine;
  }

  @AfterEach
  void close() {
    m.close();
  }

  private long served(String what) {
    return m.cpu.statistics().translator().getOrDefault("served." + what, 0L);
  }

  private boolean translates() {
    return engine == Engine.TRANSLATE;
  }

  @ParameterizedTest
  @CsvSource({
      "0,0,0,0", "0,0,1,2", "0,3,0,4", "0,3,1,6", "0,1,1,2",
      "1,0,0,-1", "1,0,1,3", "1,1,1,3", "1,3,0,5", "1,3,1,7",
      "3,0,1,-1", "3,1,1,-1", "3,3,0,5", "3,3,1,7",
      "5,3,0,-1", "5,3,1,7", "5,1,1,3", "7,3,1,-1", "7,3,0,-1"})
  void rights(int bits, int level, int access, int code) {
    m.pte(Machine.DATA, Machine.DATA | bits);
    m.level(level).code(ACCESS[access]);
    Exit exit = m.cpu.run(20);
    if (code < 0) {
      assertEquals(Exit.BUDGET, exit);
      assertEquals(Machine.DATA | bits | 0x20 | (access == STORE ? 0x40 : 0), m.pte(Machine.DATA), "accessed and dirty");
      if (translates()) assertTrue(served("misses") > 0, "it was walked without Java");
    } else {
      assertEquals(Exit.EXCEPTION, exit);
      assertEquals(14, m.cpu.vector());
      assertEquals(code, m.cpu.errorCode());
      assertEquals(Machine.DATA + 8, m.cpu.faultAddress());
      assertEquals(Machine.CODE, m.r.eip());
      assertEquals(Machine.DATA | bits, m.pte(Machine.DATA), "a faulting access marks nothing");
    }
  }

  /** The directory's rights count as well. */
  @ParameterizedTest
  @CsvSource({"0x25, 3, 1, 7", "0x23, 3, 0, 5", "0x25, 3, 0, -1", "0x27, 3, 1, -1", "0x26, 1, 0, 0"})
  void rightsOfTheDirectory(String bits, int level, int access, int code) {
    int far = 0x400000 + Machine.DATA;
    m.set32(Machine.DIRECTORY + 4, Machine.TABLE | Integer.decode(bits));
    m.level(level).code((access == STORE ? "A3" : "A1") + " 08005000 EB FE");
    Exit exit = m.cpu.run(20);
    assertEquals(code < 0 ? Exit.BUDGET : Exit.EXCEPTION, exit);
    if (code < 0) return;
    assertEquals(code, m.cpu.errorCode());
    assertEquals(far + 8, m.cpu.faultAddress());
  }

  @Test
  void aReadPageIsDirtyOnlyWhenItIsWritten() {
    m.code("A1 08001000 A3 0C001000 EB FE");
    m.steps(1);
    assertEquals(0x27, m.pte(Machine.DATA) & 0xFFF);
    m.steps(5);
    assertEquals(0x67, m.pte(Machine.DATA) & 0xFFF);
  }

  /** The same, in one run: the load's entry must not let the store through. */
  @Test
  void aLoadDoesNotOpenTheWayForAStore() {
    m.code("A1 08001000 A3 0C001000 EB FE").steps(10);
    assertEquals(0x67, m.pte(Machine.DATA) & 0xFFF);
  }

  /** WP off: the supervisor writes what it may only read, and the user still does not. */
  @Test
  void supervisorWithoutWriteProtect() {
    m.r.cr0(0x80000011);
    m.pte(Machine.DATA, Machine.DATA | 5);
    m.code("A1 08001000 A3 0C001000 EB FE").steps(10);
    assertEquals(0x65, m.pte(Machine.DATA) & 0xFFF);
    m.level(3).code(ACCESS[STORE]);
    assertEquals(Exit.EXCEPTION, m.cpu.run(20));
    assertEquals(7, m.cpu.errorCode());
  }

  @Test
  void frameOutsideMemory() {
    for (int access : new int[] {LOAD, STORE}) {
      m.pte(Machine.DATA, Machine.SIZE | 7);
      m.code(ACCESS[access]);
      assertEquals(Exit.BAD_PAGE_TABLE_ENTRY, m.cpu.run(20));
      assertEquals(Machine.DATA + 8, m.cpu.faultAddress());
      m.pte(Machine.DATA, 0xFFFFF007);
      m.code(ACCESS[access]);
      assertEquals(Exit.BAD_PAGE_TABLE_ENTRY, m.cpu.run(20));
    }
  }

  @Test
  void tableOutsideMemory() {
    m.set32(Machine.DIRECTORY + 4, Machine.SIZE | 0x27);
    m.code("A1 08005000 EB FE");
    assertEquals(Exit.BAD_PAGE_DIRECTORY_ENTRY, m.cpu.run(20));
    assertEquals(0x500008, m.cpu.faultAddress());
  }

  @Test
  void forbiddenBits() {
    m.close();
    m = machine(0, 0x400, 0x800);
    m.pte(Machine.DATA, Machine.DATA | 0x807);
    m.code(ACCESS[LOAD]);
    assertEquals(Exit.BAD_PAGE_TABLE_ENTRY, m.cpu.run(20));
    m.set32(Machine.DIRECTORY + 4, Machine.TABLE | 0x427);
    m.code("A1 08005000 EB FE");
    assertEquals(Exit.BAD_PAGE_DIRECTORY_ENTRY, m.cpu.run(20));
  }

  @Test
  void theLinearLimit() {
    m.close();
    m = machine(Machine.DATA, 0, 0);
    m.code("A1 FCFF0F00 A1 00001000 EB FE");
    assertEquals(Exit.EXCEPTION, m.cpu.run(20));
    assertEquals(Machine.CODE + 5, m.r.eip());
    assertEquals(Machine.DATA, m.cpu.faultAddress());
    assertEquals(0, m.cpu.errorCode());
  }

  /** Accessed bits are stores, too: code in a page table is noticed. */
  @Test
  void codeInThePageTable() {
    // Linear 100000 is mapped by the entry at TABLE + 400; its bytes 07 00 10 00, and behind "accessed" 27 00 10 00: DAA; ADD [EAX], DL.
    int entry = Machine.TABLE + 0x400;
    m.set32(entry, Machine.DATA | 5); // ADD EAX, ...: 05 00 10 00 and the next entry's first byte
    int operand = Machine.DATA >>> 8 | m.get8(entry + 4) << 24;
    m.r.eax(0);
    m.put(entry + 5, "EB FE").cpu.flushTlb();
    m.r.eip(entry);
    m.steps(10);
    assertEquals(operand, m.r.eax(), "it runs as code");
    m.r.edi(Machine.DATA);
    m.code("8B 07 EB FE").steps(10);
    assertEquals(0x25, m.get8(entry), "accessed");
    m.r.eip(entry);
    m.r.eax(-1);
    m.steps(10);
    assertEquals(operand, m.r.eax(), "the entry is another instruction now: AND");
  }

  /** Two linear addresses of one page of code, one of them written to. */
  @Test
  void aStoreThroughAnAlias() {
    int code = Machine.DATA + 0x4000, alias = Machine.DATA + 0x6000;
    m.pte(alias, code | 7);
    m.put(code, "B8 01000000 C3"); // MOV EAX, 1; RET
    // CALL code; MOV EBX, EAX; MOV BYTE [alias + 1], 2; CALL code; JMP $
    m.code("BE 00401000 FF D6 89 C3 C6 05 01601000 02 FF D6 EB FE").steps(20);
    assertEquals(1, m.r.ebx());
    assertEquals(2, m.r.eax());
  }

  /** The guest changes an entry and says INVLPG. */
  @Test
  void remappingWhileRunning() {
    m.set32(Machine.DATA + 0x1000, 0x11111111);
    m.set32(Machine.DATA + 0x2000, 0x22222222);
    m.pte(Machine.DATA, Machine.DATA + 0x1000 | 7);
    int entry = Machine.TABLE + (Machine.DATA >>> 12) * 4;
    // MOV EBX, [DATA]; MOV DWORD [entry], DATA + 2000 | 7; INVLPG [DATA]; MOV EAX, [DATA]; JMP $
    m.code("8B 1D 00001000 C7 05" + hex(entry) + hex(Machine.DATA + 0x2000 | 7) + "0F 01 3D 00001000 A1 00001000 EB FE").steps(20);
    assertEquals(0x11111111, m.r.ebx());
    assertEquals(0x22222222, m.r.eax());
  }

  private static String hex(int value) {
    return "%08x".formatted(Integer.reverseBytes(value));
  }

  private static final int OTHER_DIRECTORY = 0x3E0000, OTHER_TABLE = 0x3E1000, FUNCTION = Machine.DATA + 0x8000;

  /** A second address space, in which FUNCTION is another frame; both are left by a RET, which asks the jump cache. */
  private void twoSpaces() {
    Assumptions.assumeTrue(m.get32(Machine.DIRECTORY) != 0);
    m.set32(OTHER_DIRECTORY, OTHER_TABLE | 0x27);
    for (int page = 0; page < Machine.SIZE >> 12; page++) m.set32(OTHER_TABLE + page * 4, page << 12 | 7);
    m.set32(OTHER_TABLE + (FUNCTION >>> 12) * 4, FUNCTION + 0x1000 | 7);
    m.put(FUNCTION, "83 C3 01 C3"); // ADD EBX, 1
    m.put(FUNCTION + 0x1000, "83 C3 40 C3"); // ADD EBX, 40
    m.r.general(6, Machine.DIRECTORY);
    m.r.general(5, OTHER_DIRECTORY);
    m.r.general(7, FUNCTION);
  }

  /** MOV CR3, EBP; CALL EDI; MOV CR3, ESI; CALL EDI; DEC EDX; JNZ back; JMP $ */
  private static final String SWITCHING = "0F 22 DD FF D7 0F 22 DE FF D7 4A 75 F3 EB FE";

  @Test
  void oneLinearAddressInTwoSpaces() {
    twoSpaces();
    m.r.edx(100);
    m.code(SWITCHING).steps(1100);
    assertEquals(0x41 * 100, m.r.ebx());
    if (translates()) assertTrue(served("lookups") > 90, "blocks were found again without Java: " + served("lookups"));
  }

  @Test
  void codeThatChangesBetweenSwitches() {
    twoSpaces();
    // As above, and each round INC BYTE [FUNCTION + 2] through the first space: 1, 2, ...
    m.r.edx(100);
    m.code("0F 22 DD FF D7 0F 22 DE FF D7 FE 05" + hex(FUNCTION + 2) + "4A 75 ED EB FE").steps(1200);
    assertEquals(0x40 * 100 + 100 * 101 / 2, m.r.ebx());
  }

  @Test
  void aFunctionThatIsNotThereAnyMore() {
    twoSpaces();
    m.r.edx(10);
    m.code(SWITCHING).steps(60);
    m.set32(OTHER_TABLE + (FUNCTION >>> 12) * 4, 0);
    m.r.ebx(0);
    Exit exit = m.cpu.run(1000);
    assertEquals(Exit.EXCEPTION, exit);
    assertEquals(14, m.cpu.vector());
    assertEquals(FUNCTION, m.r.eip());
    assertEquals(FUNCTION, m.cpu.faultAddress());
  }

  /** The same address again in another mode: what was compiled for the supervisor is not run for the user. */
  @Test
  void supervisorsCodeIsNotTheUsers() {
    twoSpaces();
    m.pte(Machine.DATA, Machine.DATA | 3);
    m.put(FUNCTION, "A1 00001000 C3").r.edx(20);
    m.code(SWITCHING).steps(200);
    m.level(3);
    m.r.eip(FUNCTION);
    assertEquals(Exit.EXCEPTION, m.cpu.run(100));
    assertEquals(14, m.cpu.vector());
    assertEquals(5, m.cpu.errorCode());
    assertEquals(FUNCTION, m.r.eip());
  }
}
