package lguest.cpu.x86;

import static lguest.cpu.x86.Machine.*;
import static org.junit.jupiter.api.Assertions.*;

import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Emitted code keeps no flag that it knows will be overwritten. Nobody must notice: not the handler of a fault, not whoever stops a guest somewhere. Both engines run the same loops over the
 * same data, and the interpreter, which keeps everything, is right.
 */
class FlagsTest {
  /** What loops are made of: all that writes flags, wholly or in part, all that reads them, and what needs none but may fault. */
  private static final List<String> PIECES = List.of(
      // add, sub, cmp, test, and, or, xor, neg of registers, some to themselves, some with constants
      "01D8", "01FB", "29D8", "29FB", "39D8", "39FB", "38D8", "38FC", "6639D8", "83F805", "3C80", "3D78563412", "81FB00010000", "85C0", "85DB", "84E7", "A801", "A900010000", "F6C301", "F7C300000080", "21D8", "09FB", "31C0",
      "30E7", "6631DB", "01C0", "29DB", "F7D8", "F7DB", "66F7D8", "F6DC", "83C07F", "83C380", "81C7FFFFFF7F", "83EF01", "81E8000000F0", "2C01", "04FF", "83E00F", "83CB10", "83F701", "66052301",
      // inc, dec; adc, sbb; shifts and rotates, by cl, too; bt, bsf, imul, shld, cmc, clc, stc, lahf, sahf, xadd
      "40", "43", "47", "48", "4B", "4F", "6640", "FEC0", "FECB", "11D8", "19FB", "83D000", "83DB00", "D1E0", "C1EB03", "C1F800", "D1D3", "C1C005", "D3E0", "D3FB", "0FA3D8", "0FBAE303", "0FBCC3", "0FAFC3", "0FA4D805",
      "F5", "F8", "F9", "9F", "9E", "0FC1D8",
      // setcc, cmovcc, push and pop, pushf, xchg, lea, mov, not, movzx, cld
      "0F92C3", "0F94C0", "0F9CC7", "0F42C3", "0F44DF", "0F4FC7", "53", "5B", "50", "58", "9C", "93", "8D041B", "8D7F03", "89D8", "B801000000", "F7D3", "0FB6C3", "FC",
      // cmpxchg, xadd, bt and its kin; mul, imul, div, cdq, bswap; 16 bits, high bytes, ESP, long and short constants; locked ones
      "0FB1D8", "0FB0DC", "0FB11E", "F00FB11E", "660FB1D8", "0FC0E3", "0FC1DB", "0FABD8", "0FA31E", "0FBA2E05", "0FBAF803", "F7E3", "F6EB", "6BC305", "69C300010000", "660FAFC3", "99", "6698", "F7F3", "F6F3", "0FC8", "0FCB",
      "660106", "6603C3", "6611D8", "66D1E0", "66D3E3", "660FA4D805", "0FADD8", "F00106", "F0FF06", "F00FC106", "F0F71E", "83C404", "83EC08", "39E0", "01E0", "85E4", "44", "4C", "39DC", "F7C4FF000000", "6683F805", "6681FB3412",
      "663D0080", "66A93412", "6681E3F0F0", "88E3", "30DC", "28FC", "F6C404", "80FC05", "80F7FF", "FEC4", "FECF", "0AFB", "13DB", "1BC0", "1D00000080", "D0E0", "D2E7", "C1E000", "D3D0", "8B44240C", "03442404", "FF45F8", "394DF8",
      // string instructions, both ways; decimal ones, which the interpreter keeps
      "A4", "A5", "AA", "A6", "AE", "66A5", "F3A4", "F3AB", "F3A6", "F2AE", "F3AD", "FD", "8D7E40", "8D7E80", "B105", "27", "37", "D40A", "D6", "9D",
      // the counter of loops, and loops that go nowhere
      "39C8", "39F9", "85C9", "49", "41", "29C8", "83C1FF", "80E93F", "E200",
      // loads, stores and both
      "8B06", "8B06", "8906", "8906", "8A06", "8806", "0306", "2B4604", "0106", "2906", "3B06", "3906", "833E05", "8506", "F60601", "FF06", "FE0E", "3106", "1106", "1306", "0FB606", "8B4604", "894608", "8744240C", "FF36", "8F06", "F706FFFFFFFF", "F71E", "0FC106",
      "46", "46", "4E", "83C604", "83C604", "81C6FE0F0000", "8D7604", "8D7603", "AC", "AD", "9BDBE3");
  /** How they go round: by a count with a compare, dec, sub, loop; and two halves that jump to each other. */
  private static final List<String> ENDS = List.of("49 75", "4939F175", "83E90175", "E2", "39CE 72", "83F96449 75", "E1", "E0", "4979", "4977", "39D875", "FF4D00 75", "39F9E2", "39C8E2", "49E2", "41E2", "85C9E1", "29C8E2", "83E13FE0");
  private static final int ROOM = 0x120, LOOPS = 20_000;
  private static final long SEED = Long.parseLong(System.getProperty("lguest.cpu.seed", System.getenv().getOrDefault("LGUEST_CPU_SEED", "" + System.nanoTime())));

  private final Random random = new Random(SEED);

  @Test
  void aFaultOrABudgetShowsAllOfThem() {
    try (Machine interpreted = machine(Engine.INTERPRET); Machine translated = machine(Engine.TRANSLATE)) {
      int faults = 0;
      for (int n = 0; n < LOOPS; n++) {
        String code = loop();
        int[] registers = random.ints(8).toArray();
        int at = CODE + random.nextInt(ROOM);
        for (Machine m : List.of(interpreted, translated)) start(m, code, at, registers);
        Exit exit;
        int pieces = 0;
        do {
          int budget = 1 + random.nextInt(random.nextInt(8) == 0 ? 2000 : 60);
          exit = interpreted.cpu.run(budget);
          Exit other = translated.cpu.run(budget);
          String what = "loop " + n + ", piece " + pieces + ", seed " + SEED + ": " + code + " at " + Integer.toHexString(at);
          assertEquals(exit, other, what);
          assertEquals(Machine.show(interpreted.snapshot()), Machine.show(translated.snapshot()), what);
        } while (exit == Exit.BUDGET && ++pieces < 40);
        if (exit == Exit.EXCEPTION) faults++;
        assertEquals(-1, interpreted.memory.mismatch(translated.memory), "memory, loop " + n + ", seed " + SEED);
      }
      assertTrue(faults > LOOPS / 10, "loops that ended in a fault: " + faults);
    }
  }

  /** The guest itself asks for the exit, by looking at the clock; what is found then is what the interpreter finds after as many instructions. */
  @Test
  void soDoesARequest() {
    try (Machine interpreted = machine(Engine.INTERPRET); Machine translated = machine(Engine.TRANSLATE)) {
      for (int n = 0; n < LOOPS / 10; n++) {
        String code = "0F31" + loop();
        int[] registers = random.ints(8).toArray();
        for (Machine m : List.of(interpreted, translated)) {
          start(m, code, CODE, registers);
          m.onTime = null;
        }
        int[] until = {1 + random.nextInt(50)};
        translated.onTime = () -> {
          if (--until[0] == 0) translated.cpu.requestExit();
        };
        long before = translated.cpu.instructions();
        Exit exit = translated.cpu.run(20_000);
        long done = translated.cpu.instructions() - before;
        String what = "loop " + n + ", seed " + SEED + ": " + code;
        if (exit == Exit.REQUESTED) assertEquals(Exit.BUDGET, interpreted.cpu.run(done), what);
        else assertEquals(exit, interpreted.cpu.run(20_000), what);
        assertEquals(Machine.show(interpreted.snapshot()), Machine.show(translated.snapshot()), what);
      }
    }
  }

  private String loop() {
    StringBuilder body = new StringBuilder();
    for (int pieces = random.nextInt(9); pieces >= 0; pieces--) body.append(PIECES.get(random.nextInt(PIECES.size())));
    // Sometimes a second block, so that flags must come over a jump.
    if (random.nextInt(3) == 0) {
      body.append(random.nextBoolean() ? "EB00" : "%02X00".formatted(0x70 + random.nextInt(16)));
      for (int pieces = random.nextInt(5); pieces >= 0; pieces--) body.append(PIECES.get(random.nextInt(PIECES.size())));
    }
    body.append(ENDS.get(random.nextInt(ENDS.size())).replace(" ", ""));
    return body + "%02X".formatted(-(body.length() / 2 + 1) & 0xFF) + "CD80";
  }

  /** Two pages of data that may be used, a page behind them that may not, and one before that may not be stored to; nor may page tables, whose changes engines see when they like. */
  private Machine machine(Engine engine) {
    Machine m = new Machine(engine).level(3).paging();
    return m.pte(DATA + 0x2000, 0).pte(DATA - 0x1000, DATA | 5).pte(DIRECTORY, DIRECTORY | 5).pte(TABLE, TABLE | 5);
  }

  private void start(Machine m, String code, int at, int[] registers) {
    m.put(CODE, "CC".repeat(ROOM + 0x100));
    m.put(at, code);
    for (int i = 0; i < 0x3000; i += 4) m.memory.set(ValueLayout.JAVA_INT, DATA + i, registers[i >> 2 & 7] >>> (i >> 5 & 31));
    m.cpu.memoryWritten(DATA, 0x3000);
    for (int i = 0; i < 8; i++) m.r.general(i, registers[i]);
    m.r.esp(STACK - 0x100);
    m.r.ebp(DATA + 0x1800);
    m.r.ecx(registers[1] & 0x3F);
    m.r.esi(DATA + ((registers[6] & 3) == 0 ? registers[6] >>> 4 & 0x1FFC : 0x2000 - (registers[6] >>> 4 & 0x7F)));
    m.r.eflags(0x202 | registers[0] & 0x8D5);
    m.r.eip(at);
    assertEquals(code.length() / 2, HexFormat.of().parseHex(code).length);
  }
}
