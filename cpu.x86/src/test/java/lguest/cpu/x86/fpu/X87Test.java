package lguest.cpu.x86.fpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What needs no real unit to compare with: how the CPU's side is to be used, and states as a whole. */
class X87Test {
  private final MemorySegment image = Arena.ofAuto().allocate(512, 16);
  private final X87 unit = new X87(image.address());

  X87Test() {
    unit.reset();
  }

  private void loadDouble(double v) {
    unit.load(0xdd, 0, Double.doubleToRawLongBits(v), 0);
  }

  private double storeDouble() {
    assertTrue(unit.store(0xdd, 3));
    unit.commit();
    return Double.longBitsToDouble(unit.low);
  }

  @Test
  void doublePrecisionAgreesWithJava() {
    unit.setControlWord(0x27f);
    Random random = new Random(5);
    for (int i = 0; i < 50_000; i++) {
      double a = random.nextGaussian() * Math.pow(2, random.nextInt(200) - 100), b = random.nextGaussian();
      for (int operation : new int[] {0, 1, 4, 6}) {
        loadDouble(a);
        unit.load(0xdc, operation, Double.doubleToRawLongBits(b), 0);
        double expected = operation == 0 ? a + b : operation == 1 ? a * b : operation == 4 ? a - b : a / b;
        assertEquals(expected, storeDouble(), () -> a + " op " + operation + " " + b);
      }
      loadDouble(Math.abs(a));
      unit.register(0xd9, 0xfa);
      assertEquals(Math.sqrt(Math.abs(a)), storeDouble());
    }
  }

  @Test
  void anUnmaskedExceptionWaitsForTheNextInstruction() {
    loadDouble(1);
    loadDouble(0);
    assertFalse(unit.pending());
    unit.setControlWord(0x37b);
    assertTrue(unit.register(0xdc, 0xf9), "1 / 0 with ZE unmasked");
    assertTrue(unit.pending());
    assertEquals(0x8084, unit.statusWord() & 0x80ff);
    assertFalse(unit.register(0xdb, 0xe2), "FNCLEX");
    assertEquals(0, unit.statusWord() & 0x80ff);
    unit.register(0xdd, 0xd8);
    assertEquals(1, storeDouble(), "the operand is as it was");
  }

  @Test
  void aStoreThatFaultsChangesNothing() {
    loadDouble(0.1);
    int status = unit.statusWord();
    assertTrue(unit.store(0xd9, 3));
    assertEquals(status, unit.statusWord(), "neither popped nor inexact before the commit");
    assertTrue(unit.store(0xd9, 3));
    assertEquals(Float.floatToRawIntBits(0.1f), (int) unit.low);
    unit.commit();
    assertEquals(0x20, unit.statusWord() & 0x3f);
    assertEquals(0, unit.statusWord() >> 11 & 7);
  }

  @Test
  void aStoreForbiddenByAnUnmaskedExceptionKeepsTheStack() {
    loadDouble(1e300);
    unit.setControlWord(0x377);
    assertFalse(unit.store(0xd9, 3), "overflow unmasked: nothing to write");
    assertTrue(unit.commit());
    assertEquals(7, unit.statusWord() >> 11 & 7);
  }

  @Test
  void savedAndRestoredInBothWidths() {
    for (boolean wide : new boolean[] {false, true}) {
      unit.reset();
      for (int i = 1; i <= 5; i++) loadDouble(i);
      unit.register(0xdd, 0xc2);
      unit.instructionAt(0xd9, 0xc0, 0x73, 0x1234);
      unit.operandAt(0x7b, 0x5678);
      byte[] saved = new byte[X87.environmentSize(wide, true)], again = new byte[saved.length];
      unit.storeEnvironment(saved, wide, true);
      unit.commit();
      assertEquals(0, unit.statusWord(), "FNSAVE initialises");
      unit.loadEnvironment(saved, wide, true);
      unit.storeEnvironment(again, wide, true);
      assertArrayEquals(saved, again);
      assertEquals(5, storeDouble());
      assertEquals(0x1234, (saved[wide ? 12 : 6] & 0xff) | saved[wide ? 13 : 7] << 8);
    }
  }

  @Test
  void theImageIsInStackOrder() {
    loadDouble(1);
    loadDouble(2);
    unit.flush();
    assertEquals(0x4000, image.get(ValueLayout.JAVA_SHORT, 40), "ST(0) = 2");
    assertEquals(0x3fff, image.get(ValueLayout.JAVA_SHORT, 56), "ST(1) = 1");
    assertEquals((byte) 0xc0, image.get(ValueLayout.JAVA_BYTE, 4));
    assertEquals(0x3000, image.get(ValueLayout.JAVA_SHORT, 2));
    X87 other = new X87(image.address());
    assertTrue(other.store(0xdd, 3));
    assertEquals(2, Double.longBitsToDouble(other.low));
  }

  @Test
  void fxrstorRefusesForbiddenMxcsrBits() {
    loadDouble(3);
    byte[] area = new byte[512];
    unit.fxsave(area);
    unit.register(0xdb, 0xe3);
    area[26] = 1;
    assertFalse(unit.fxrstor(area));
    assertEquals(0, unit.statusWord());
    area[26] = 0;
    assertTrue(unit.fxrstor(area));
    assertEquals(3, storeDouble());
  }
}
