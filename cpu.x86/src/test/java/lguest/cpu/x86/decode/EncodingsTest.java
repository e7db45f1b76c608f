package lguest.cpu.x86.decode;

import static org.junit.jupiter.api.Assertions.*;

import java.util.HexFormat;
import lguest.cpu.x86.fpu.Escape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The table against what the manual says in other words. */
class EncodingsTest {
  private static Instruction decode(String hex, boolean code32) {
    byte[] bytes = HexFormat.of().parseHex(hex.replace(" ", ""));
    return new Decoder().decode(bytes, 0, bytes.length, 0x1000, code32);
  }

  /** Escape says for all 4096 escape encodings which exist; it was written from another table of the manual. */
  @Test
  void x87EncodingsAgreeWithTheUnit() {
    for (int opcode = 0xD8; opcode <= 0xDF; opcode++) {
      for (int modrm = 0; modrm < 256; modrm++) {
        int form = modrm >= 0xC0 ? Escape.register(opcode, modrm) : Escape.memory(opcode, modrm >> 3);
        Encoding encoding = Encodings.find(opcode, 0, modrm);
        String name = "%02x %02x %s".formatted(opcode, modrm, encoding.mnemonic());
        assertEquals((form & (Escape.UNDEFINED | Escape.SSE3)) != 0, encoding == Encodings.INVALID, name);
        if (encoding == Encodings.INVALID) continue;
        assertEquals((form & Escape.READS_FLAGS) != 0 && modrm != 0xE9, encoding.flagsRead() != 0, name + " reads flags");
        assertEquals((form & Escape.WRITES_FLAGS) != 0, encoding.flagsWritten() != 0, name + " writes flags");
        if (modrm < 0xC0 && (form & Escape.SIZE) != 0) assertEquals(form & Escape.SIZE,
            encoding.kind(encoding.operands().size() - 1).size(4), name + " bytes");
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
      "8B 44 8B 10, MOV, 4, 3, 1, 2, 16", "8B 04 25 78563412, MOV, 7, -1, -1, 0, 305419896", "8B 45 F0, MOV, 3, 5, -1, 0, -16",
          "8B 24 24, MOV, 3, 4, -1, 0, 0",
      "67 8B 46 FE, MOV, 4, 5, -1, 0, -2", "67 8B 06 3412, MOV, 5, -1, -1, 0, 4660", "67 8B 00, MOV, 3, 3, 6, 0, 0"})
  void addresses(String hex, Mnemonic mnemonic, int length, int base, int index, int scale, int displacement) {
    Instruction i = decode(hex, true);
    assertEquals(mnemonic, i.mnemonic());
    assertEquals(length, i.length);
    assertEquals(base, i.base);
    assertEquals(index, i.index);
    assertEquals(scale, i.scale);
    assertEquals(displacement, i.displacement);
  }

  @Test
  void addressesOnEspAndEbpUseTheStackSegment() {
    assertEquals(2, decode("8B 45 00", true).segment());
    assertEquals(2, decode("8B 04 24", true).segment());
    assertEquals(3, decode("8B 00", true).segment());
    assertEquals(5, decode("65 8B 45 00", true).segment());
  }

  @ParameterizedTest
  @CsvSource({"F0 01 00,true", "F0 01 C0,false", "F0 8B 00,false", "F0 03 00,false", "F0 0F C7 08,true", "F0 0F A3 00,false",
      "F0 0F AB 00,true", "F0 39 00,false", "F0 87 00,true",
      "F0 FF 00,true", "F0 FF 30,false", "F0 90,false"})
  void lockNeedsAMemoryDestination(String hex, boolean valid) {
    assertEquals(valid, decode(hex, true).encoding != Encodings.INVALID);
  }

  @Test
  void fifteenBytesAreTheMost() {
    assertEquals(15, decode("66".repeat(14) + "90", true).length);
    assertSame(Encodings.TOO_LONG, decode("66".repeat(15) + "90", true).encoding);
    assertNull(decode("66".repeat(10), true));
    assertNull(decode("E8 000000", true));
  }

  @Test
  void sixteenBitCodeSwapsTheMeaningOfPrefixes() {
    assertEquals(3, decode("B8 3412", false).length);
    assertEquals(6, decode("66 B8 78563412", false).length);
    assertEquals(0x1234, decode("B8 3412", false).immediate);
  }
}
