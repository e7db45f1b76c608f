package lguest.cpu.x86;

import static lguest.cpu.x86.Machine.*;
import static org.junit.jupiter.api.Assertions.*;

import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What a program at CPL 3 cannot bring about, and the host therefore cannot tell: who may use MMX and SSE at all. And what no two makers do alike. */
@ParameterizedClass
@EnumSource(names = {"INTERPRET", "TRANSLATE"})
class SimdTest {
  private static final int EM = 4, TS = 8, OSFXSR = 0x200, OSXMMEXCPT = 0x400, UD = 6, NM = 7, GP = 13, XM = 19;
  private final Machine m;

  SimdTest(Engine engine) {
    m = new Machine(engine);
  }

  @AfterEach
  void close() {
    m.close();
  }

  /** The vector, or -1 when it goes through. */
  private int outcome(String code, int cr0, int cr4) {
    m.code(code);
    m.r.ebx(DATA);
    m.r.cr0(0x11 | cr0);
    m.r.cr4(cr4);
    return m.cpu.run(1) == Exit.BUDGET ? -1 : m.cpu.vector();
  }

  @ParameterizedTest
  @CsvSource({
      // movaps, addpd, ldmxcsr, cvtpi2ps: everything that names XMM registers or MXCSR
      "0F28C1,true,true", "660F58C1,true,true", "0FAE13,true,true", "0F2AC1,true,true",
      // paddb mm, emms, movntq, pshufw: MMX needs no permission by CR4
      "0FFCC1,true,false", "0F77,true,false", "0FE703,true,false", "0F70C100,true,false",
      // movnti, prefetcht0, sfence, lfence, clflush, pause: nothing to do with either
      "0FC303,false,false", "0F180B,false,false", "0FAEF8,false,false", "0FAEE8,false,false", "0FAE3B,false,false", "F390,false,false"})
  void availability(String code, boolean registers, boolean xmm) {
    m.set32(DATA, 0x1F80);
    assertEquals(-1, outcome(code, 0, OSFXSR));
    assertEquals(xmm ? UD : -1, outcome(code, 0, 0));
    assertEquals(registers ? NM : -1, outcome(code, TS, OSFXSR));
    assertEquals(registers ? UD : -1, outcome(code, EM, OSFXSR));
    assertEquals(registers ? UD : -1, outcome(code, EM | TS, OSFXSR));
    assertEquals(xmm ? UD : registers ? NM : -1, outcome(code, TS, 0));
  }

  @Test
  void numericExceptionsNeedTheSystemsConsent() {
    m.set32(DATA, 0x1F80 & ~0x200); // division by zero is not masked
    assertEquals(-1, outcome("0FAE13", 0, OSFXSR));
    String code = "0F5EC1"; // divps xmm0,xmm1: 0/0 is invalid, which is masked
    assertEquals(-1, outcome(code, 0, OSFXSR));
    m.set32(DATA, 0x1F80 & ~0x80);
    assertEquals(-1, outcome("0FAE13", 0, OSFXSR));
    assertEquals(-1, outcome("0F57C0", 0, OSFXSR)); // xorps xmm0,xmm0
    assertEquals(XM, outcome(code, 0, OSFXSR | OSXMMEXCPT));
    assertFalse(m.cpu.hasErrorCode());
    assertEquals(UD, outcome(code, 0, OSFXSR));
    // The flag is there in both cases, and the destination as it was.
    assertEquals(-1, outcome("0FAE1B", 0, OSFXSR));
    assertEquals(0x1F01, m.get32(DATA));
  }

  @Test
  void imageOfTheWholeState() {
    Random random = new Random(5);
    for (int at = 0; at < 128; at += 4) m.set32(DATA + at, random.nextInt());
    for (int n = 0; n < 8; n++) assertEquals(-1, outcome("0F10%02X%02X".formatted(0x43 | n << 3, n * 16), 0, OSFXSR)); // movups xmmN,[ebx+16N]
    m.set32(DATA + 0x80, 0xFFBF);
    assertEquals(-1, outcome("0FAE9380000000", 0, OSFXSR)); // ldmxcsr [ebx+80h]
    m.memory.asSlice(DATA + 0x200, 512).fill((byte) 0x77);
    assertEquals(-1, outcome("0FAE8300020000", 0, OSFXSR)); // fxsave
    assertEquals(0xFFBF, m.get32(DATA + 0x218));
    assertEquals(0xFFFF, m.get32(DATA + 0x21C), "bits of MXCSR that exist");
    for (int at = 0; at < 128; at += 4) assertEquals(m.get32(DATA + at), m.get32(DATA + 0x2A0 + at));
    assertEquals(0x77777777, m.get32(DATA + 0x3FC), "the last 48 bytes are the program's");
    // And back into other registers: what was XMM7 goes to XMM0.
    for (int at = 0; at < 16; at += 4) m.set32(DATA + 0x2A0 + at, m.get32(DATA + 0x70 + at));
    assertEquals(-1, outcome("0FAE8B00020000", 0, OSFXSR)); // fxrstor
    assertEquals(-1, outcome("0F1103", 0, OSFXSR)); // movups [ebx],xmm0
    for (int at = 0; at < 16; at += 4) assertEquals(m.get32(DATA + 0x70 + at), m.get32(DATA + at));
    m.set32(DATA + 0x218, 0x10000);
    assertEquals(GP, outcome("0FAE8B00020000", 0, OSFXSR));
    assertEquals(GP, outcome("0FAE8B08020000", 0, OSFXSR), "not aligned");
  }

  /** XMM1 is four times the number at DATA, XMM0 what the instruction makes of it, which goes to DATA; on the engine that is asked for, and no other. */
  private void approximate(String code) {
    if (code.startsWith("F3")) m.code("0F280B 0F28C1" + code + "0F2903 CD80");
    else m.code("0F280B" + code + "0F2903 CD80");
    m.r.ebx(DATA);
    m.r.cr4(OSFXSR);
    assertEquals(Exit.SOFTWARE_INTERRUPT, m.run());
    assertEquals(0, m.cpu.statistics().translator().keySet().stream().filter(name -> name.matches("stepped[.]r(cp|sqrt).*")).count());
  }

  /** The promise is an error of at most 1.5 * 2^-12; the exact bits are every maker's own. */
  @ParameterizedTest
  @CsvSource({"0F53C1,false", "0F52C1,true", "F30F53C1,false", "F30F52C1,true", "0F5303,false", "F30F5203,true"})
  void approximations(String code, boolean root) {
    Random random = new Random(11);
    int results = code.startsWith("F3") ? 4 : 16;
    for (int n = 0; n < 2000; n++) {
      float x = Math.scalb(1 + random.nextFloat(), random.nextInt(200) - 100);
      for (int at = 0; at < 16; at += 4) m.memory.set(ValueLayout.JAVA_FLOAT, DATA + at, x);
      approximate(code);
      double exact = root ? 1 / Math.sqrt(x) : 1 / (double) x;
      for (int at = 0; at < results; at += 4) assertEquals(1, m.memory.get(ValueLayout.JAVA_FLOAT, DATA + at) / exact, 1.5 / 4096);
      for (int at = results; at < 16; at += 4) assertEquals(x, m.memory.get(ValueLayout.JAVA_FLOAT, DATA + at));
    }
  }

  @ParameterizedTest
  @CsvSource({"0F53C1,0,7F800000", "0F53C1,80000000,FF800000", "0F53C1,1,7F800000", "0F53C1,7F800000,0", "0F53C1,FF800000,80000000",
      "0F53C1,7F800001,7FC00001", "0F52C1,0,7F800000", "0F52C1,80000000,FF800000", "0F52C1,BF800000,FFC00000", "0F52C1,7F800000,0",
      "0F52C1,80000001,FF800000", "0F53C1,7F000000,0"})
  void approximationsOfCorners(String code, String operand, String result) {
    for (int at = 0; at < 16; at += 4) m.set32(DATA + at, Integer.parseUnsignedInt(operand, 16));
    approximate(code);
    for (int at = 0; at < 16; at += 4) assertEquals(result, Integer.toHexString(m.get32(DATA + at)).toUpperCase());
  }
}
