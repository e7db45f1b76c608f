package lguest.cpu.x86;

import static lguest.cpu.x86.Machine.*;
import static org.junit.jupiter.api.Assertions.*;

import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** More code than the translator keeps: what was forgotten comes again, and what leads there finds it. */
@ParameterizedClass
@EnumSource(names = {"INTERPRET", "TRANSLATE"})
class CodeMemoryTest {
  private static final int FUNCTIONS = 0x110000, FUNCTION = 64, COUNT = 0x1E0000 / FUNCTION, POINTERS = 0x300000, ROUNDS = 4;
  private static final int MOST = 2 << 20;

  private final Machine m;
  private final boolean translates;

  CodeMemoryTest(Engine engine) {
    m = Machine.withLittleCode(engine);
    translates = engine == Engine.TRANSLATE;
  }

  @AfterEach
  void close() {
    m.close();
  }

  private long forgotten() {
    return m.cpu.statistics().translator().get("forgotten");
  }

  /** Thirty thousand functions, some of which go on in another one of their page, are called in a new order in each round; what they compute is computed here as well. */
  @Test
  void functionsThatTakeTurns() {
    Random random = new Random(3);
    int[] add = new int[COUNT], xor = new int[COUNT], next = new int[COUNT];
    for (int n = 0; n < COUNT; n++) {
      add[n] = random.nextInt();
      xor[n] = random.nextInt();
      int inPage = 4096 / FUNCTION;
      next[n] = n % inPage < inPage - 1 && random.nextInt(3) == 0 ? n + 1 + random.nextInt(inPage - 1 - n % inPage) : -1;
      // add eax,imm; xor eax,imm; mov [esi],eax; test al,1; jnz out (behind the next); rol eax,1; out: ret or jmp next
      StringBuilder code = new StringBuilder("05%08X35%08X8906A8017502D1C0".formatted(Integer.reverseBytes(add[n]), Integer.reverseBytes(xor[n])));
      int end = code.length() / 2;
      code.append(next[n] < 0 ? "C3" : "E9%08X".formatted(Integer.reverseBytes((next[n] - n) * FUNCTION - end - 5)));
      m.put(FUNCTIONS + n * FUNCTION, code.toString());
    }
    // L: call [POINTERS + ecx * 4 - 4]; dec ecx; jnz L; int 80
    m.code("FF148DFCFF2F00 49 75F6 CD80");
    m.r.eax(1);
    m.r.esi(DATA);
    int expected = 1;
    for (int round = 0; round < ROUNDS; round++) {
      int step = 2 * random.nextInt(COUNT) + 1;
      while (gcd(step, COUNT) != 1) step += 2;
      for (int n = 0; n < COUNT; n++) m.memory.set(ValueLayout.JAVA_INT, POINTERS + n * 4, FUNCTIONS + (int) ((long) n * step % COUNT) * FUNCTION);
      m.cpu.memoryWritten(POINTERS, COUNT * 4);
      for (int n = COUNT - 1; n >= 0; n--) {
        for (int f = (int) ((long) n * step % COUNT); f >= 0; f = next[f]) {
          expected = expected + add[f] ^ xor[f];
          if ((expected & 1) == 0) expected = Integer.rotateLeft(expected, 1);
        }
      }
      m.r.ecx(COUNT);
      m.r.eip(CODE);
      Exit exit;
      do exit = m.run(); while (exit == Exit.BUDGET);
      assertEquals(Exit.SOFTWARE_INTERRUPT, exit, Integer.toHexString(m.r.eip()));
      assertEquals(expected, m.r.eax(), "round " + round);
    }
    if (translates) {
      assertTrue(forgotten() > 8 * ROUNDS, "regions forgotten: " + forgotten());
      assertTrue(m.cpu.statistics().translator().get("code") < MOST, "bytes of code: " + m.cpu.statistics().translator().get("code"));
    }
  }

  /**
   * An instruction on two pages leads to a place in its first one where nothing has been yet, and waits for that; then its second page changes, and its code is forgotten, while the first stays. When there is something at that place at last, others have its room.
   */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6})
  void aJumpThatWaitsNoMore(int rounds) {
    int page = 0x200000, functions = 0x2000;
    // jz page+100; ret, not taken; and there mov eax,12345678; ret
    m.put(page + 0xFFC, "0F84FEF0FFFF C3").put(page + 0x100, "B878563412 C3");
    call(page + 0xFFC);
    m.put(page + 0x1000, "FF");
    for (int round = 0; round < rounds; round++) {
      for (int n = 0; n < functions; n++) {
        m.put(FUNCTIONS + n * FUNCTION, "05%08X8906A8017502D1C0A8027502D1C0C3".formatted(Integer.reverseBytes(n * 77_777 + round)));
        if (n % 64 == 63) for (int each = n - 63; each <= n; each++) call(FUNCTIONS + each * FUNCTION);
      }
    }
    call(page + 0x100);
    assertEquals(0x12345678, m.r.eax());
    if (translates) assertTrue(forgotten() > 8L * rounds, "regions forgotten: " + forgotten());
  }

  /** Calls it, with ZF clear. */
  private void call(int function) {
    if (m.get8(CODE) != 0xFF) m.put(CODE, "FFD1 CD80"); // call ecx; int 80
    m.r.ecx(function);
    m.r.esi(DATA);
    m.r.eflags(2);
    m.r.eip(CODE);
    assertEquals(Exit.SOFTWARE_INTERRUPT, m.run());
  }

  private static int gcd(int a, int b) {
    return b == 0 ? a : gcd(b, a % b);
  }

  /** One page of code mapped at thousands of addresses: each has blocks of its own, but not without bound. */
  @Test
  void codeAtManyAddressesDoesNotFillTheHost() {
    m.paging();
    for (int entry = 1; entry < 1024; entry++) m.set32(DIRECTORY + entry * 4, TABLE | 7);
    for (int page = 0; page < 1024; page++) if (page < 0x3F0 || page > 0x3F1) m.set32(TABLE + page * 4, 0x200007);
    m.put(0x200000, "40".repeat(62) + "CD80");
    m.cpu.flushTlb();
    m.r.eax(0);
    int visits = 0;
    for (int entry = 1; entry < (translates ? 20 : 45); entry++) {
      for (int page = 0; page < 0x3F0; page++, visits++) {
        m.r.eip(entry << 22 | page << 12);
        assertEquals(Exit.SOFTWARE_INTERRUPT, m.run());
      }
    }
    assertEquals(visits * 62, m.r.eax());
    assertTrue(m.cpu.statistics().pagesDropped() > 0 || forgotten() > 0, "nothing was ever dropped");
  }
}
