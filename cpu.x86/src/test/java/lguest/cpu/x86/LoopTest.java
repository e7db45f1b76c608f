package lguest.cpu.x86;

import static lguest.cpu.x86.Machine.*;
import static org.junit.jupiter.api.Assertions.*;

import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Loops of one block that walk through memory, while what they walk through changes: emitted code remembers, for each access of such a loop, the page of the last time. */
@ParameterizedClass
@EnumSource(names = {"INTERPRET", "TRANSLATE"})
class LoopTest {
  private static final int PAGE = 0x1000, WORDS = PAGE / 4, ELSEWHERE = 0x20000, OTHER = 0x200000;
  /** L: add eax,[esi]; lea esi,[esi+4]; dec ecx; jnz L; int 80 */
  private static final String SUM = "0306 8D7604 49 75F8 CD80";
  /** L: mov [edi],eax; lea edi,[edi+4]; inc eax; dec ecx; jnz L; int 80 */
  private static final String FILL = "8907 8D7F04 40 49 75F7 CD80";
  /** L: mov edx,[esi]; mov [edi],edx; lea esi,[esi+4]; lea edi,[edi+4]; dec ecx; jnz L; int 80 */
  private static final String COPY = "8B16 8917 8D7604 8D7F04 49 75F3 CD80";

  private final Machine m;
  private final boolean translates;
  private String standing = "";

  LoopTest(Engine engine) {
    m = new Machine(engine).paging();
    translates = engine == Engine.TRANSLATE;
  }

  @AfterEach
  void close() {
    m.close();
  }

  /** Leaves code that stands as it is: to write it would be a reason to forget what was made of it. */
  private void begin(String code) {
    if (!code.equals(standing)) m.code(code);
    standing = code;
    m.r.eip(CODE);
  }

  private void toEnd(String code) {
    begin(code);
    assertEquals(Exit.SOFTWARE_INTERRUPT, m.run());
  }

  private void number(int page, int first) {
    for (int i = 0; i < WORDS; i++) m.set32(page + i * 4, first + i);
  }

  private int sum(int from, int words) {
    m.r.eax(0);
    m.r.esi(from);
    m.r.ecx(words);
    toEnd(SUM);
    assertEquals(from + words * 4, m.r.esi());
    return m.r.eax();
  }

  private static int sumOf(int first, int words) { return words * first + words * (words - 1) / 2; }

  /** Neighbours here, but not in memory. */
  @Test
  void walksThroughPagesInAnyOrder() {
    int expected = 0;
    for (int n = 0; n < 8; n++) {
      number(OTHER + (n * 3 & 7) * PAGE, n * 1000);
      m.pte(DATA + n * PAGE, OTHER + (n * 3 & 7) * PAGE | 7);
      expected += sumOf(n * 1000, WORDS);
    }
    for (int round = 0; round < 3; round++) assertEquals(expected, sum(DATA, 8 * WORDS));
  }

  @Test
  void walksOverBordersWithEachStep() {
    for (int i = 0; i < 3 * PAGE; i++) m.put(DATA + i, "%02X".formatted(i * 7 & 0xFF));
    int expected = 0;
    for (int i = 0; i < 2 * WORDS; i++) expected += m.get32(DATA + 1 + i * 4);
    assertEquals(expected, sum(DATA + 1, 2 * WORDS));
  }

  /** Downwards an access begins in a page that the one before has not touched. */
  @Test
  void walksDownOverBorders() {
    for (int n = 0; n < 4; n++) m.pte(DATA + n * PAGE, OTHER + (3 - n) * PAGE | 7);
    for (int i = 0; i < 4 * PAGE; i++) m.put(OTHER + i, "%02X".formatted(i * 7 & 0xFF));
    int words = 3 * WORDS, from = DATA + 3 * PAGE + 0x101, expected = 0;
    for (int i = 0; i < words; i++) {
      int word = 0;
      for (int k = 3; k >= 0; k--) {
        int at = from - i * 4 + k - DATA;
        word = word << 8 | m.get8(OTHER + (3 - at / PAGE) * PAGE + at % PAGE);
      }
      expected += word;
    }
    m.r.eax(0);
    m.r.esi(from);
    m.r.ecx(words);
    // L: add eax,[esi]; lea esi,[esi-4]; dec ecx; jnz L; int 80
    toEnd("0306 8D76FC 49 75F8 CD80");
    assertEquals(expected, m.r.eax());
  }

  @Test
  void faultsWhereAStackEndsInTheMiddleOfAPush() {
    m.pte(DATA - PAGE, 0);
    m.r.esp(DATA + 0x103);
    m.r.ecx(100);
    // L: push eax; loop L; int 80
    begin("50 E2FD CD80");
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(14, m.cpu.vector());
    assertEquals(DATA - 1, m.cpu.faultAddress());
    assertEquals(2, m.cpu.errorCode());
    assertEquals(DATA + 3, m.r.esp());
    assertEquals(100 - 0x40, m.r.ecx());
    assertEquals(CODE, m.r.eip());
  }

  @Test
  void seesAPageThatHasBecomeAnother() {
    number(DATA, 1);
    number(OTHER, 5000);
    assertEquals(sumOf(1, 100), sum(DATA, 100));
    m.pte(DATA, OTHER | 7);
    assertEquals(sumOf(5000, 100), sum(DATA, 100));
  }

  @Test
  void seesOtherPageTables() {
    number(DATA, 1);
    number(OTHER, 5000);
    int directory = DIRECTORY - 2 * PAGE, table = directory + PAGE;
    m.set32(directory, table | 7);
    for (int page = 0; page < SIZE >> 12; page++) m.set32(table + page * 4, page << 12 | 7);
    m.set32(table + (DATA >>> 12) * 4, OTHER | 7);
    for (int round = 0; round < 5; round++) {
      m.cpu.setPageDirectory(round % 2 == 0 ? DIRECTORY : directory);
      assertEquals(sumOf(round % 2 == 0 ? 1 : 5000, 100), sum(DATA, 100));
    }
  }

  /** In the middle of its way, with all registers as the instruction found them. */
  @Test
  void faultsWhereAPageIsGone() {
    sum(DATA, 4 * WORDS);
    m.pte(DATA + 2 * PAGE, 0);
    m.r.eax(0);
    m.r.esi(DATA);
    m.r.ecx(4 * WORDS);
    begin(SUM);
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(14, m.cpu.vector());
    assertEquals(DATA + 2 * PAGE, m.cpu.faultAddress());
    assertEquals(0, m.cpu.errorCode());
    assertEquals(CODE, m.r.eip());
    assertEquals(DATA + 2 * PAGE, m.r.esi());
    assertEquals(2 * WORDS, m.r.ecx());
    // It comes, and the loop goes on where it was.
    m.pte(DATA + 2 * PAGE, DATA + 2 * PAGE | 7);
    assertEquals(Exit.SOFTWARE_INTERRUPT, m.run());
    assertEquals(DATA + 4 * PAGE, m.r.esi());
  }

  @Test
  void faultsWhereAPageMayNoLongerBeWritten() {
    m.r.eax(1);
    m.r.edi(DATA);
    m.r.ecx(4 * WORDS);
    toEnd(FILL);
    m.pte(DATA + PAGE, DATA + PAGE | 0x65);
    m.r.eax(-1);
    m.r.edi(DATA);
    m.r.ecx(4 * WORDS);
    begin(FILL);
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(3, m.cpu.errorCode());
    assertEquals(DATA + PAGE, m.cpu.faultAddress());
    assertEquals(DATA + PAGE, m.r.edi());
    assertEquals(WORDS + 1, m.get32(DATA + PAGE), "nothing was written there");
  }

  /** A page that is read and then written in one round is not written by the right to read it. */
  @Test
  void readingDoesNotOpenTheWayForWriting() {
    number(DATA, 1);
    m.pte(DATA, DATA | 5);
    m.r.esi(DATA);
    m.r.edi(DATA + 0x800);
    m.r.ecx(10);
    begin(COPY);
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(DATA + 0x800, m.cpu.faultAddress());
    m.pte(DATA, DATA | 7);
    assertEquals(Exit.SOFTWARE_INTERRUPT, m.run());
    for (int i = 0; i < 10; i++) assertEquals(1 + i, m.get32(DATA + 0x800 + i * 4));
  }

  @Test
  void thePagesOfTheKernelAreNotForPrograms() {
    m.pte(DATA, DATA | 3);
    sum(DATA, 100);
    m.level(3);
    m.r.esi(DATA);
    m.r.ecx(100);
    begin(SUM);
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(5, m.cpu.errorCode());
    m.level(0);
    assertEquals(sumOf(0, 0), sum(DATA, 100));
  }

  /** The page it writes to has code by now: what it writes there next must be seen. */
  @Test
  void writesCodeThatHasRun() {
    // The same four instructions over and over: mov ebx,n takes 5 bytes, so: inc ebx; nop; nop; nop (43 90 90 90)
    m.put(ELSEWHERE + 400, "CD80");
    for (int round = 0; round < 4; round++) {
      int word = round % 2 == 0 ? 0x90909043 : 0x9090904B; // inc ebx, dec ebx
      for (int i = 0; i < 2; i++) { // the second time the page has no code yet that has not been dropped
        m.r.edi(ELSEWHERE);
        m.r.ecx(100);
        m.r.eax(word);
        // L: mov [edi],eax; lea edi,[edi+4]; dec ecx; jnz L; int 80
        toEnd("8907 8D7F04 49 75F8 CD80");
        m.r.ebx(0);
        m.r.eip(ELSEWHERE);
        assertEquals(Exit.SOFTWARE_INTERRUPT, m.run());
        assertEquals(round % 2 == 0 ? 100 : -100, m.r.ebx());
      }
    }
  }

  /** add ebx, imm8 is one of the loop's own instructions, and so is what changes the constant. */
  @Test
  void changesItself() {
    m.r.ebx(0);
    m.r.ecx(50);
    // L: inc byte [imm]; add ebx,0; dec ecx; jnz L; int 80
    toEnd("FE05 08000100 83C300 49 75F4 CD80");
    assertEquals(50 * 51 / 2, m.r.ebx());
  }

  /** Each time somewhere else: that is right, too, and no more of a burden than it was; and it is right again when it is a walk. */
  @Test
  void jumpsAbout() {
    int pages = 64, nodes = pages * WORDS;
    int[] next = new int[nodes];
    for (int i = 0; i < nodes; i++) next[i] = i;
    Random random = new Random(17);
    for (int i = nodes - 1; i > 0; i--) { // Sattolo: one cycle through all
      int j = random.nextInt(i), t = next[i];
      next[i] = next[j];
      next[j] = t;
    }
    for (int i = 0; i < nodes; i++) m.set32(OTHER + i * 4, next[i]);
    m.r.ebx(OTHER);
    for (int round = 0; round < 3; round++) {
      m.r.eax(0);
      m.r.ecx(nodes);
      // L: mov eax,[ebx+eax*4]; dec ecx; jnz L; int 80
      toEnd("8B0483 49 75FA CD80");
      assertEquals(0, m.r.eax(), "once round");
    }
    if (translates) assertEquals(1, m.cpu.statistics().translator().getOrDefault("left.loop", 0L), "it was compiled again, once");
  }

  /** Loops that share the little room there is. */
  @Test
  void manyLoopsByTurns() {
    number(DATA, 1);
    StringBuilder all = new StringBuilder();
    int loops = 60, length = 0;
    for (int n = 0; n < loops; n++) {
      // mov ecx,10; L: add eax,[esi]; lea esi,[esi+4]; dec ecx; jnz L
      all.append("B90A000000 0306 8D7604 49 75F8");
      length += 13;
    }
    // dec edi; jnz start; int 80
    all.append("4F 0F85%08X CD80".formatted(Integer.reverseBytes(-(length + 7))));
    m.r.eax(0);
    m.r.esi(DATA);
    m.r.edi(1);
    toEnd(all.toString());
    assertEquals(sumOf(1, 10 * loops), m.r.eax());
    m.r.eax(0);
    m.r.edi(20);
    m.r.esi(OTHER);
    for (int page = 0; page < 16; page++) number(OTHER + page * PAGE, page * WORDS);
    toEnd(all.toString());
    assertEquals(sumOf(0, 20 * 10 * loops), m.r.eax());
  }

  /** A data breakpoint is hit in the middle of a loop that ran without before. */
  @Test
  void stopsAtAWatchedByte() {
    sum(DATA, WORDS);
    // mov dr0,eax; mov eax,ebx; mov dr7,eax; int 80
    m.r.eax(DATA + 0x100);
    m.r.ebx(0xF0003 | 0x400); // read or write, 4 bytes
    m.put(ELSEWHERE, "0F23C0 89D8 0F23F8 CD80");
    m.r.eip(ELSEWHERE);
    assertEquals(Exit.SOFTWARE_INTERRUPT, m.run());
    m.r.eax(0);
    m.r.esi(DATA);
    m.r.ecx(WORDS);
    begin(SUM);
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(1, m.cpu.vector());
    assertEquals(DATA + 0x100, m.r.esi());
  }
}
