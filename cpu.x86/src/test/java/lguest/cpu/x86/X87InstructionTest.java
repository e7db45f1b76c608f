package lguest.cpu.x86;

import static lguest.cpu.x86.Machine.*;
import static org.junit.jupiter.api.Assertions.*;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** The processor's side of x87: operands, waiting errors, the image. The arithmetic has tests of its own. */
@ParameterizedClass
@EnumSource(names = {"INTERPRET", "TRANSLATE", "CHECK"})
class X87InstructionTest {
  private final Machine m;

  X87InstructionTest(Engine engine) {
    m = new Machine(engine);
  }

  @AfterEach
  void close() {
    m.close();
  }

  @Test
  void loadsComputesAndStores() {
    m.set32(DATA, 7);
    m.set32(DATA + 8, Float.floatToIntBits(0.5f));
    // fild [DATA]; fadd float [DATA+8]; fstp double [DATA+10]; fnstsw ax
    m.code("DB05 00001000 D805 08001000 DD1D 10001000 DFE0").steps(4);
    assertEquals(7.5, Double.longBitsToDouble(m.get32(DATA + 0x10) & 0xFFFFFFFFL | (long) m.get32(DATA + 0x14) << 32));
    assertEquals(0, m.r.eax() & 0x3800, "the stack is empty again");
  }

  @Test
  void compareIntoFlags() {
    // fld1; fldz; fcomip st,st(1): 0 below 1
    m.code("D9E8 D9EE DFF1").steps(3);
    assertEquals(1, m.r.eflags() & 0x45);
  }

  @Test
  void conditionalMoveLooksAtFlags() {
    // fld1; fldz; stc; fcmovb st,st(1); fistp [DATA]
    m.code("D9E8 D9EE F9 DAC1 DB1D 00001000").steps(5);
    assertEquals(1, m.get32(DATA));
  }

  @Test
  void anUnmaskedErrorWaitsForTheNextInstruction() {
    // fldcw with ZM clear; fld1; fldz; fdivp; then fnstsw may, fld1 may not, nor wait
    m.set32(DATA, 0x37B);
    m.code("D92D 00001000 D9E8 D9EE DEF9 DFE0 9B").steps(5);
    assertEquals(0x84, m.r.eax() & 0x84);
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(16, m.cpu.vector());
    assertFalse(m.cpu.hasErrorCode());
    m.code("D9E8");
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(16, m.cpu.vector());
    m.code("DBE2 D9E8").steps(2);
  }

  @Test
  void aStoreThatFaultsPopsNothing() {
    m.paging().pte(DATA, 0);
    m.code("D9E8 DD1D 00001000").steps(1);
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(14, m.cpu.vector());
    m.pte(DATA, DATA | 7);
    m.steps(1);
    assertEquals(0x3FF00000, m.get32(DATA + 4));
  }

  @Test
  void fxsaveAndFxrstor() {
    m.set32(DATA + 0x1D0, 0x12345678);
    // fldpi; fxsave; fninit; fld1; fxrstor; fstp dword
    m.code("D9EB 0FAE05 00001000 DBE3 D9E8 0FAE0D 00001000 D91D 00081000").steps(6);
    assertEquals((float) Math.PI, Float.intBitsToFloat(m.get32(DATA + 0x800)));
    assertEquals(0x12345678, m.get32(DATA + 0x1D0), "the last 48 bytes belong to software");
    assertEquals(0x37F, m.get32(DATA) & 0xFFFF);
  }

  @Test
  void fxsaveWantsSixteenByteAlignment() {
    m.code("0FAE05 08001000");
    assertEquals(Exit.EXCEPTION, m.run());
    assertEquals(13, m.cpu.vector());
  }
}
