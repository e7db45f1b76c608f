package lguest.cpu.x86;

import static org.junit.jupiter.api.Assertions.*;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import lguest.cpu.x86.decode.Encoding;
import lguest.cpu.x86.decode.Encodings;
import lguest.cpu.x86.decode.Mnemonic;
import lguest.cpu.x86.decode.OperandKind;
import lguest.cpu.x86.decode.OperandKind.Place;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Precise exceptions, for every encoding in the table that has a memory operand: when its page is missing, or the second of
 * its two pages, or may not be written, then nothing at all has
 * happened, and when the page is there the same instruction goes through. Written from the table, so a new line is tested
 * without a new test.
 */
@ParameterizedClass
@EnumSource(names = {"INTERPRET", "TRANSLATE", "CHECK"})
class EveryFaultTest {
  private final Engine engine;

  EveryFaultTest(Engine engine) {
    this.engine = engine;
  }

  private static final int TARGET = 0x200000;

  @TestFactory
  Stream<DynamicTest> everyMemoryOperand() {
    List<DynamicTest> tests = new ArrayList<>();
    for (Encoding e : Encodings.all()) {
      boolean memory = e.form() != Encoding.Form.REGISTER && e.modrm() < 0
          && e.operands().stream().anyMatch(o ->
              o.kind().place == Place.RM && o.kind() != OperandKind.Rd && o.use() != Encoding.Use.ADDRESS);
      if (!memory || e.has("priv") || e.mnemonic() == Mnemonic.UD1) continue;
      for (int operandSize : e.prefix() == 0 ? new int[] {4, 2} : new int[] {4}) tests.add(DynamicTest.dynamicTest("%x.%x/%d %s %d".formatted(e.prefix() & 0xFF, e.opcode(), e.digit(), e.mnemonic(), operandSize), () ->
              check(e, operandSize)));
    }
    assertTrue(tests.size() > 500, "only " + tests.size());
    return tests.stream();
  }

  private void check(Encoding e, int operandSize) {
    int operand = 0;
    while (e.kind(operand).place != Place.RM) operand++;
    OperandKind kind = e.kind(operand);
    int size = kind == OperandKind.Evw || kind == OperandKind.Edw ? 2 : kind.size(operandSize);
    if (kind == OperandKind.Me && operandSize == 2) size = 14;
    if (kind == OperandKind.Mn && operandSize == 2) size = 94;
    // ARPL writes only when it has something to change, and here it has not.
    boolean writes = e.operands().get(operand).writes() && e.operands().get(operand).use() != Encoding.Use.MAY_WRITE;
    // BTS and its like reach a bit far away if the register says so; it says 0 here.
    byte[] code = encode(e, operandSize);
    fault(e, code, TARGET, TARGET, 0, writes ? 6 : 4);
    // What must be aligned to 16 bytes only reaches into a second page when it is longer than that.
    boolean state = e.mnemonic() == Mnemonic.FXSAVE || e.mnemonic() == Mnemonic.FXRSTOR;
    if (size > 1 && (size != 16 || e.has("loose"))) {
      int crossing = state ? TARGET + 0xF00 : TARGET + 0x1000 - size / 2;
      fault(e, code, crossing, TARGET + 0x1000, 0, writes ? 6 : 4);
      if (writes) fault(e, code, crossing, TARGET + 0x1000, TARGET + 0x1000 | 5, 7);
    }
    if (writes) fault(e, code, TARGET, TARGET, TARGET | 5, 7);
  }

  /** The instruction addresses [ebx] with a page that is not fit, at level 3. */
  private void fault(Encoding e, byte[] code, int address, int page, int entry, int errorCode) {
    try (Machine m = new Machine(engine).paging().level(3)) {
      MemorySegment.copy(code, 0, m.memory, ValueLayout.JAVA_BYTE, Machine.CODE, code.length);
      // HLT behind it, so that the translator's block is this one instruction and a budget of one is enough to run it.
      m.put(Machine.CODE + code.length, "F4");
      // What the operand holds must suit far loads and divisions: a data selector behind a small number, twice.
      for (int at = 0; at < 0x2000; at += 2) m.memory.set(ValueLayout.JAVA_SHORT, TARGET + at, (short) Machine.DATA3);
      // At an odd address the selectors read are others, which may well be refused.
      boolean selects = e.mnemonic() == Mnemonic.FXRSTOR || e.mnemonic() == Mnemonic.LDMXCSR
          || e.operands().stream().anyMatch(o -> o.kind() == OperandKind.Mp || o.kind().place == Place.SEGMENT);
      for (int n = 0; n < 8; n++) m.r.general(n, 0);
      m.r.ebx(address);
      m.r.esp(Machine.STACK);
      m.r.eflags(0x8D7);
      m.r.cr4(0x600);
      m.pte(page, entry);
      byte[] operand = m.memory.asSlice(TARGET, 0x2000).toArray(ValueLayout.JAVA_BYTE);
      byte[] stack = m.memory.asSlice(Machine.STACK - 0x1000, 0x2000).toArray(ValueLayout.JAVA_BYTE);
      int[] before = m.snapshot();
      assertEquals(Exit.EXCEPTION, m.cpu.run(1));
      assertEquals(14, m.cpu.vector());
      assertEquals(errorCode, m.cpu.errorCode());
      assertEquals(page, m.cpu.faultAddress() & ~0xFFF, () -> Integer.toHexString(m.cpu.faultAddress()));
      assertArrayEquals(before, m.snapshot(), () -> Machine.show(before) + "\n" + Machine.show(m.snapshot()));
      assertEquals(-1, m.memory.asSlice(TARGET, 0x2000).mismatch(MemorySegment.ofArray(operand)), "the operand changed");
      assertEquals(-1, m.memory.asSlice(Machine.STACK - 0x1000, 0x2000).mismatch(MemorySegment.ofArray(stack)),
          "the stack changed");
      assertEquals(0, m.cpu.instructions());
      m.pte(page, page | 7);
      Exit exit = m.cpu.run(1);
      boolean numeric = exit == Exit.EXCEPTION && (m.cpu.vector() == 0 || m.cpu.vector() == 5 || selects && m.cpu.vector() == 13);
      assertTrue(exit == Exit.BUDGET || numeric, () -> exit + " " + m.cpu.vector());
    }
  }

  /** Stack instructions with the stack reaching into a missing page: bytes before its end that ESP points to, negative beyond. */
  @ParameterizedTest
  @CsvSource({"50,0", "50,2", "68 01000000,0", "66 50,1", "06,0", "9C,2", "60,0", "60,16", "66 60,6", "E8 00000000,0", "FF D3,0",
      "9A 00000100 2B00,0", "9A 00000100 2B00,4", "C8 1000 00,0",
      "C8 1000 00,8", "C8 0000 05,12", "FF33,0", "58,-2", "5C,-2", "66 58,-1", "07,-2", "9D,-2", "61,-16", "61,-2", "C3,-2",
          "C2 0800,-2", "CB,-4", "CF,-8", "C9,-2", "8F03,-2", "62 1C24,-4"})
  void everyStackInstruction(String code, int room) {
    try (Machine m = new Machine(engine).paging().level(3).code(code)) {
      int edge = 0x60000;
      // Pushes run down into the page below the edge, pops up into the page above it.
      boolean up = room < 0;
      int missing = up ? edge : edge - 0x1000;
      for (int n = 0; n < 64; n += 4) m.set32(edge - 64 + n, Machine.DATA3);
      for (int n = 0; n < 64; n += 4) m.set32(edge + n, Machine.DATA3);
      m.r.ebx(TARGET);
      m.r.ebp(up ? edge + room : edge + 0x800);
      m.r.esp(edge + room);
      m.r.eflags(0x8D7);
      m.pte(missing, 0);
      byte[] around = m.memory.asSlice(edge - 0x1000, 0x2000).toArray(ValueLayout.JAVA_BYTE);
      int[] before = m.snapshot();
      assertEquals(Exit.EXCEPTION, m.cpu.run(1));
      assertEquals(14, m.cpu.vector());
      assertEquals(up ? 4 : 6, m.cpu.errorCode());
      assertEquals(missing, m.cpu.faultAddress() & ~0xFFF);
      assertArrayEquals(before, m.snapshot(), () -> Machine.show(before) + "\n" + Machine.show(m.snapshot()));
      assertEquals(-1, m.memory.asSlice(edge - 0x1000, 0x2000).mismatch(MemorySegment.ofArray(around)), "the stack changed");
    }
  }

  private static byte[] encode(Encoding e, int operandSize) {
    List<Integer> bytes = new ArrayList<>();
    if (operandSize == 2) bytes.add(0x66);
    if (e.prefix() > 0) bytes.add(e.prefix());
    if (e.opcode() >= 0xF00) bytes.add(0x0F);
    bytes.add(e.opcode() & 0xFF);
    // A register field of ESI, or a segment register that may be loaded.
    int reg = e.digit() >= 0 ? e.digit() : e.operands().stream().anyMatch(o -> o.kind().place == Place.SEGMENT) ? 0 : 6;
    bytes.add(reg << 3 | 3);
    for (Encoding.Operand o : e.operands()) {
      if (o.kind().place != Place.IMMEDIATE) continue;
      int count = o.kind().size(operandSize);
      bytes.add(1);
      for (int n = 1; n < count; n++) bytes.add(0);
    }
    byte[] code = new byte[bytes.size()];
    for (int n = 0; n < code.length; n++) code[n] = (byte) (int) bytes.get(n);
    return code;
  }
}
