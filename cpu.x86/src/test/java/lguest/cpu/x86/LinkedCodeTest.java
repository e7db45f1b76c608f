package lguest.cpu.x86;

import static lguest.cpu.x86.Machine.*;
import static org.junit.jupiter.api.Assertions.*;

import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Pieces of code that lead to each other, and of which one changes or goes; and instructions that lie on two pages. */
@ParameterizedClass
@EnumSource(names = {"INTERPRET", "TRANSLATE"})
class LinkedCodeTest {
  /** Code on another page, so that its own coming and going tells nothing of the first. */
  private static final int ELSEWHERE = 0x20000;
  private static final int BORDER = CODE + 0x1000;

  private final Machine m;
  private final boolean translates;

  LinkedCodeTest(Engine engine) {
    m = new Machine(engine);
    translates = engine == Engine.TRANSLATE;
  }

  @AfterEach
  void close() {
    m.close();
  }

  /** Runs from there up to INT 80. */
  private void runFrom(int eip) {
    m.r.eip(eip);
    assertEquals(Exit.SOFTWARE_INTERRUPT, m.run());
  }

  /** Has the guest itself store a byte, by code of another page. */
  private void guestStores(int at, int value) {
    m.put(ELSEWHERE, "C605 %08X %02X CD80".formatted(Integer.reverseBytes(at), value));
    runFrom(ELSEWHERE);
  }

  @Test
  void aSuccessorThatChangesAfterItWasLinked() {
    // mov ecx,3; L: test cl,1; jnz odd; add ebx,10; jmp join
    m.put(CODE, "B903000000 F6C101 7536 83C310 EB51");
    // odd: add ebx,1; jmp join
    m.put(CODE + 0x40, "83C301 EB1B");
    // join: dec ecx; jnz L; int 80
    m.put(CODE + 0x60, "49 75A2 CD80");
    for (int odd = 1; odd < 5; odd++) {
      m.r.ebx(0);
      runFrom(CODE);
      assertEquals(2 * odd + 0x10, m.r.ebx());
      guestStores(CODE + 0x42, odd + 1);
    }
  }

  @Test
  void aLoopThatRewritesItsOtherHalf() {
    // L: inc byte [half+2]; jmp half
    m.put(CODE, "FE05 82000100 EB78");
    // half: add ebx,0; dec ecx; jnz L; int 80
    m.put(CODE + 0x80, "83C300 49 0F8576FFFFFF CD80");
    m.r.ebx(0);
    m.r.ecx(100);
    runFrom(CODE);
    assertEquals(5050, m.r.ebx());
  }

  /** Two pieces ask for each other's page by turns, each time after the other was dropped. */
  @Test
  void jumpsToWhatWasDroppedComeAgain() {
    // L: dec ecx; jz done; jmp M ... M: inc ebx; jmp L ... done: int 80
    m.put(CODE, "49 747D EB3B").put(CODE + 0x40, "43 EBBD").put(CODE + 0x80, "CD80");
    for (int round = 1; round < 20; round++) {
      m.r.ecx(round + 1);
      m.r.ebx(0);
      runFrom(CODE);
      assertEquals(round, m.r.ebx());
      guestStores(CODE + 0x40, 0x43);
    }
  }

  /** What nobody reads behind a piece of code need not be kept; but what is behind it may be changed before it ever runs. */
  @Test
  void flagsThatOnlyLaterCodeReads() {
    // cmp eax,ebx; mov [esi],ecx; jecxz zero; xor edx,edx; int 80
    m.put(CODE, "39D8 890E E375 31D2 CD80");
    // zero: mov edx,0; and on the next line add eax,0 (which becomes adc eax,0); int 80
    m.put(CODE + 0x7B, "BA00000000 83C000 CD80");
    m.r.esi(DATA);
    m.r.eax(1);
    m.r.ebx(2);
    m.r.ecx(1);
    runFrom(CODE);
    guestStores(CODE + 0x81, 0xD0);
    m.r.ecx(0);
    runFrom(CODE);
    assertEquals(2, m.r.eax());
  }

  // ---- on two pages

  /** Steps the interpreter had to take in the translator's place. */
  private long stepped(String mnemonic) {
    Map<String, Long> all = m.cpu.statistics().translator();
    return all.getOrDefault("stepped." + mnemonic, 0L) + all.getOrDefault("stepped.invalid", 0L);
  }

  /** A loop of ECX turns across the border: adds to EBX a number that lies behind it. */
  private void loopAcross(int distance) {
    // L: add ebx,11 so that its immediate is cut; dec ecx; jnz L; int 80
    m.put(BORDER - distance, "81C3 11000000 49 75F7 CD80");
  }

  @Test
  void anInstructionOnTwoPagesIsTranslated() {
    for (int distance = 1; distance < 6; distance++) {
      loopAcross(distance);
      m.r.ebx(0);
      m.r.ecx(1000);
      runFrom(BORDER - distance);
      assertEquals(0x11 * 1000, m.r.ebx());
      // Exactly as many instructions as asked for, wherever that ends.
      m.r.ecx(1000);
      m.r.eip(BORDER - distance);
      m.steps(301);
    }
    if (translates) assertEquals(0, stepped("add"));
  }

  @Test
  void aJumpOnTwoPages() {
    // L: inc ebx; dec ecx; jnz L, of six bytes, two of them behind the border; int 80
    m.put(BORDER - 6, "43 49 0F85F8FFFFFF CD80");
    m.r.ebx(0);
    m.r.ecx(1000);
    runFrom(BORDER - 6);
    assertEquals(1000, m.r.ebx());
  }

  @Test
  void theGuestChangesTheSecondHalf() {
    // L: inc byte [BORDER]; add ebx,0 of which the immediate begins behind the border; dec ecx; jnz L; int 80
    m.put(BORDER - 8, "FE05 00100100 81C3 00000000 49 75F1 CD80");
    m.r.ebx(0);
    m.r.ecx(100);
    runFrom(BORDER - 8);
    assertEquals(5050, m.r.ebx());
  }

  @Test
  void theSecondPageIsAnother() {
    m.paging();
    loopAcross(2);
    m.put(0x200000, "22000000 49 75F7 CD80");
    for (int round = 0; round < 4; round++) {
      m.pte(BORDER, (round & 1) == 0 ? BORDER | 7 : 0x200007);
      m.r.ebx(0);
      m.r.ecx(50);
      runFrom(BORDER - 2);
      assertEquals(((round & 1) == 0 ? 0x11 : 0x22) * 50, m.r.ebx());
    }
  }

  @Test
  void theSecondPageIsGone() {
    m.paging();
    loopAcross(2);
    m.r.ecx(50);
    runFrom(BORDER - 2);
    m.pte(BORDER, 0);
    m.r.eip(BORDER - 2);
    m.r.ecx(50);
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(14, m.cpu.vector());
    assertEquals(BORDER, m.cpu.faultAddress());
    assertEquals(BORDER - 2, m.r.eip());
    m.pte(BORDER, BORDER | 7);
    m.r.ebx(0);
    assertEquals(Exit.SOFTWARE_INTERRUPT, m.run());
    assertEquals(0x11 * 50, m.r.ebx());
  }

  /** The one page twice: the second half is the same page's beginning. */
  @Test
  void bothHalvesOnOnePage() {
    m.paging();
    m.put(0x200FFE, "81C3").put(0x200000, "11000000 49 75F7 CD80");
    m.pte(CODE, 0x200007);
    m.pte(BORDER, 0x200007);
    for (int round = 1; round < 4; round++) {
      m.r.ebx(0);
      m.r.ecx(50);
      runFrom(BORDER - 2);
      assertEquals((0x10 + round) * 50, m.r.ebx());
      guestStores(0x200000, 0x11 + round);
    }
  }
}
