package lguest.cpu.x86.oracle;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import lguest.cpu.x86.decode.Encoding;
import lguest.cpu.x86.decode.Encodings;
import lguest.cpu.x86.decode.Mnemonic;
import lguest.cpu.x86.decode.OperandKind;
import lguest.cpu.x86.oracle.Program.Item;

/**
 * Random programs from the table of encodings: every encoding as likely as the next, operands that mostly make sense, so that programs
 * mostly reach their end, and now and then do not, so that faults are seen as well.
 */
final class Generator {
  /** What cannot be compared: it reads a clock, the model, the host's own tables, or rounds as the maker likes. */
  private static final Set<String> LEFT_OUT = Set.of("CPUID", "RDTSC", "RDPMC", "SLDT", "STR", "SGDT", "SIDT", "SMSW", "VERR", "VERW", "LAR", "LSL",
      "SYSENTER", "SYSEXIT", "FXSAVE", "FXRSTOR", "RCPPS", "RCPSS", "RSQRTPS", "RSQRTSS", "F2XM1", "FYL2X", "FPTAN", "FPATAN", "FYL2XP1", "FSINCOS", "FSIN", "FCOS");
  /** Encodings that no processor of the i686's successors has: #UD. */
  private static final List<String> UNDEFINED = List.of("0f04", "0f0a", "0f24c0", "0f27c0", "0fba050100002000", "0fbac000", "0fc7c8", "c6c800", "fed0", "fee8",
      "ffff", "ffd8", "ffe8", "f090", "f089c0", "f001c0", "f0a100000020", "8ec8", "8ef0", "8ef8", "8cf0", "8cf8", "8dc0", "0f0b", "0fffc0", "d9d1", "d9e2",
      "d9ef", "dae0", "daea", "dbe5", "dbf8", "ddf0", "ded8", "dfe1", "dff8", "d90d00000020", "db2500000020", "dd2d00000020", "f00fa3c1", "f0d1e0", "f0f6d0");
  private static final int[] ADDRESSABLE = {0, 1, 2, 3, 5, 6, 7};
  private static final int[] CORNERS = {0, 1, -1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe};
  private static final int[] SELECTORS = {0, 1, 2, 3, 0x2b, 0x2b, 0x2b, 0x2b, 0x28, 0x29, 0x2a, 0x23, 0x20, 0x18, 0x1b, 0x10, 0x13, 0x63, 0x6b, 0x73, 0x5b, 0x64, 0x7, 0xfff8, 0x2f};
  private static final int INTEGER_WEIGHT = 5;

  private final Random random;
  private final List<Encoding> integer, x87, simd;
  /** How often each line of the table was put into a program. */
  final Map<Encoding, Integer> used = new HashMap<>();
  private Program program;
  /** Registers that, as far as we follow, still hold an address in the data. */
  private final boolean[] pointer = new boolean[8];

  Generator(Random random) {
    this.random = random;
    List<Encoding> all = Encodings.all().stream().filter(e -> !leftOut(e.mnemonic())).toList();
    integer = all.stream().filter(e -> !e.has("fpu") && !simd(e)).toList();
    simd = all.stream().filter(Generator::simd).toList();
    x87 = all.stream().filter(e -> e.has("fpu")).toList();
    for (Encoding e : all) used.put(e, 0);
  }

  static boolean leftOut(Mnemonic m) {
    return LEFT_OUT.contains(m.name());
  }

  private static boolean simd(Encoding e) {
    return e.has("sse") || e.has("mmx");
  }

  private boolean chance(int percent) {
    return random.nextInt(100) < percent;
  }

  private int number() {
    return switch (random.nextInt(4)) {
      case 0 -> CORNERS[random.nextInt(CORNERS.length)];
      case 1 -> random.nextInt(256) - 64;
      default -> random.nextInt();
    };
  }

  private int dataOffset() {
    return chance(10) ? Area.WRITABLE - 8 + random.nextInt(16) : chance(5) ? 4096 - random.nextInt(8) : 64 + random.nextInt(Area.WRITABLE - 128);
  }

  Program next() {
    program = new Program();
    program.offset = chance(5) ? Area.CODE_SIZE - Program.MOST_CODE - random.nextInt(16) : random.nextInt(1024);
    for (int r = 0; r < 8; r++) program.registers[r] = number();
    for (int r : new int[] {3, 5, 6, 7}) {
      pointer[r] = !chance(12);
      if (pointer[r]) program.registers[r] = Area.DATA + dataOffset();
    }
    pointer[0] = pointer[1] = pointer[2] = pointer[4] = false;
    if (chance(60)) program.registers[1] = random.nextInt(20);
    program.registers[4] = Area.STACK + (chance(4) ? random.nextInt(40) : chance(4) ? Area.STACK_SIZE - random.nextInt(40) : 0x800 + 4 * random.nextInt(64));
    program.eflags = 0x202 | random.nextInt() & 0x8d5 | (chance(15) ? 0x400 : 0) | (chance(2) ? 0x100 : 0);
    int count = 1 + random.nextInt(6);
    boolean floating = chance(20), vectors = chance(35);
    Operands.fill(random, program.xmm);
    program.mxcsr = chance(50) ? 0x1f80 : chance(50) ? 0x1f80 | random.nextInt(0x10000) : random.nextInt(0x10000);
    if (floating) for (int i = random.nextInt(5); i > 0; i--) add(hex("dd05"), le(Area.DATA + 0x1000 + 8 * random.nextInt(32), 4));
    for (int i = 0; i < count; i++) {
      if (chance(2)) selfModifying();
      else if (chance(2)) add(hex(UNDEFINED.get(random.nextInt(UNDEFINED.size()))));
      else if (vectors && random.nextInt(INTEGER_WEIGHT) != 0) instruction(pick(simd));
      else instruction(pick(floating && random.nextInt(INTEGER_WEIGHT) != 0 ? x87 : integer));
      // The last piece may have been too much.
      while (program.length() > Program.MOST_CODE) program.items.removeLast();
    }
    // Let jumps to nowhere in particular go forward.
    for (int i = 0; i < program.items.size(); i++) {
      Item item = program.items.get(i);
      if (item.fixSize != 0 && item.target == null && i + 1 < program.items.size()) {
        int to = i + 1 + random.nextInt(program.items.size() - i);
        item.target = to < program.items.size() ? program.items.get(to) : null;
      }
    }
    if (program.offset > 2048 && chance(60)) program.offset = Area.CODE_SIZE - program.length() + random.nextInt(3) - 1;
    if (program.offset + program.length() > Area.CODE_SIZE) program.offset = Area.CODE_SIZE - program.length();
    return program;
  }

  private Encoding pick(List<Encoding> from) {
    return from.get(random.nextInt(from.size()));
  }

  private static byte[] hex(String s) {
    return HexFormat.of().parseHex(s);
  }

  private static byte[] le(int value, int size) {
    byte[] b = new byte[size];
    for (int i = 0; i < size; i++) b[i] = (byte) (value >> 8 * i);
    return b;
  }

  private static byte[] cat(byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] part : parts) out.writeBytes(part);
    return out.toByteArray();
  }

  private Item add(byte[]... parts) {
    Item item = new Item(cat(parts), null);
    program.items.add(item);
    return item;
  }

  /** An item whose last four bytes are the address of some later instruction. */
  private void addWithTarget(byte[]... parts) {
    Item item = add(parts);
    item.fixAt = item.bytes.length - 4;
    item.fixSize = 4;
    item.absolute = true;
  }

  /** Bytes of an instruction are changed before it runs: once, or in each turn of a loop. */
  private void selfModifying() {
    Item changed = new Item(hex(chance(50) ? "0578563412" : "b878563412"), null);
    Item changing = new Item(cat(hex("8005"), new byte[4], le(random.nextInt(), 1)), null);
    changing.fixAt = 2;
    changing.fixSize = 4;
    changing.fixAdd = 1 + random.nextInt(4);
    changing.absolute = true;
    changing.target = changed;
    if (chance(50)) {
      program.items.add(changing);
      program.items.add(changed);
    } else {
      add(hex("83e10741"));
      program.items.add(changed);
      if (chance(50)) add(hex("01c2"));
      program.items.add(changing);
      Item loop = new Item(hex("e200"), null);
      loop.fixAt = loop.fixSize = 1;
      loop.target = changed;
      program.items.add(loop);
    }
    pointer[0] = pointer[2] = false;
  }

  /** What ought to come before it, so that it does something more interesting than to fault. */
  private void prepare(Encoding e, int operandSize) {
    byte[] push = hex("68");
    switch (e.mnemonic().name()) {
      case "RET" -> addWithTarget(push, new byte[4]);
      case "RETF" -> {
        add(push, le(Area.CODE_SELECTOR, 4));
        addWithTarget(push, new byte[4]);
      }
      case "IRET" -> {
        add(push, le(random.nextInt() & ~(0x40000 | 0x4000 | (chance(90) ? 0x100 : 0)), 4));
        add(push, le(Area.CODE_SELECTOR, 4));
        addWithTarget(push, new byte[4]);
      }
      case "POPF" -> add(push, le(random.nextInt() & ~(0x40000 | (chance(90) ? 0x100 : 0)), 4));
      case "DIV" -> add(e.opcode() == 0xf6 ? hex("b400") : operandSize == 2 ? hex("6631d2") : hex("31d2"));
      case "IDIV" -> add(e.opcode() == 0xf6 ? hex("6698") : operandSize == 2 ? hex("6699") : hex("99"));
      case "SHLD", "SHRD" -> {
        // More than sixteen places in sixteen bits are left to the maker.
        if (operandSize == 2) add(hex("b1"), le(random.nextInt(17), 1));
      }
      case "PUSH" -> {
        // A 32-bit push of a segment register may leave the upper half of the slot alone; there shall be nothing in it.
        if (e.kind(0).place == OperandKind.Place.FIXED) add(hex("6a008d642404"));
      }
      case "LDMXCSR" -> add(hex("c705"), le(Area.DATA + 0x1ff0, 4), le(chance(90) ? random.nextInt(0x10000) : 1 << 18 + random.nextInt(14), 4));
      case "LOOP", "LOOPE", "LOOPNE" -> add(hex("83e10741"));
      case "JCXZ" -> add(hex("83e107"));
      case "POP" -> {
        if (e.kind(0).place == OperandKind.Place.FIXED) add(push, le(SELECTORS[random.nextInt(SELECTORS.length)], 4));
      }
      default -> { }
    }
  }

  private void instruction(Encoding e) {
    used.merge(e, 1, Integer::sum);
    String name = e.mnemonic().name();
    boolean shiftDouble = name.equals("SHLD") || name.equals("SHRD"), swap = name.equals("BSWAP");
    int operandSize = chance(25) && !swap ? 2 : 4, addressSize = chance(5) ? 2 : 4;
    boolean prepared = chance(85) || shiftDouble || name.startsWith("LOOP") || name.equals("POPF") || name.equals("PUSH") || name.equals("LDMXCSR");
    boolean near = name.equals("RET") || name.equals("RETF") || name.equals("IRET");
    if (near && operandSize == 2 && chance(80)) operandSize = 4;
    if (prepared) prepare(e, operandSize);
    // Another prefix makes another instruction of these.
    if (e.prefix() != 0 && (e.opcode() == 0x0fae || !chance(2))) operandSize = 4;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    boolean register = e.form() == Encoding.Form.REGISTER || e.modrm() >= 0xc0 || e.form() == Encoding.Form.ANY && chance(45);
    boolean locked = !register && e.has("lock") && chance(20);
    if (operandSize == 2) out.write(0x66);
    if (addressSize == 2) out.write(0x67);
    int override = chance(8) ? new int[] {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x64, 0x65}[random.nextInt(8)] : 0;
    if (override != 0) out.write(override);
    if (locked) out.write(0xf0);
    if (e.has("rep") && chance(60)) out.write(chance(50) ? 0xf3 : 0xf2);
    if (e.prefix() > 0) out.write(e.prefix());
    if (e.opcode() >= 0x0f00) out.write(0x0f);
    out.write(e.opcode());
    // A misaligned locked access may be trapped, or punished, by the host.
    boolean aligned = locked || name.equals("XCHG");
    int operands = e.operands().size();
    boolean hasModrm = e.digit() >= 0 || e.modrm() >= 0 || e.form() != Encoding.Form.ANY;
    for (int i = 0; i < operands; i++) {
      switch (e.kind(i).place) {
        case RM, REG, SEGMENT, CONTROL, DEBUG, X87 -> hasModrm = true;
        default -> { }
      }
    }
    if (hasModrm) modrm(out, e, register, aligned, addressSize, override);
    int fixAt = 0, fixSize = 0;
    for (int i = 0; i < operands; i++) {
      OperandKind kind = e.kind(i);
      switch (kind.place) {
        case IMMEDIATE -> {
          int size = kind.size(operandSize), value = number();
          if (kind == OperandKind.Ibu && chance(60)) value = random.nextInt(40);
          if (kind == OperandKind.Ibu && shiftDouble && operandSize == 2) value &= 15;
          if (name.equals("INT") && (value & 0xff) == 0x80) value = 0x81;
          if (name.equals("ENTER")) value = kind == OperandKind.Iw ? random.nextInt(64) : chance(70) ? 0 : random.nextInt(chance(80) ? 4 : 256);
          if (name.equals("RET") || name.equals("RETF")) value &= 0x7c;
          out.writeBytes(le(value, size));
        }
        case RELATIVE -> {
          fixAt = out.size();
          fixSize = kind.size(operandSize);
          out.writeBytes(new byte[fixSize]);
        }
        case FAR -> {
          fixAt = out.size();
          fixSize = operandSize;
          out.writeBytes(new byte[operandSize]);
          out.writeBytes(le(chance(70) ? Area.CODE_SELECTOR : SELECTORS[random.nextInt(SELECTORS.length)], 2));
        }
        case OFFSET -> out.writeBytes(addressSize == 2 ? le(number(), 2) : le(Area.DATA + dataOffset(), 4));
        default -> { }
      }
    }
    Item item = new Item(out.toByteArray(), e);
    item.fixAt = fixAt;
    item.fixSize = fixSize;
    item.absolute = e.operands().stream().anyMatch(o -> o.kind().place == OperandKind.Place.FAR);
    if (name.startsWith("LOOP") && prepared && chance(50)) backward(item);
    program.items.add(item);
    if (name.equals("SAHF") || chance(2)) program.items.add(new Item(hex("9f"), null));
    clobber(e, register);
  }

  /** A loop of at most eight turns: its counter is masked in front of the body. */
  private void backward(Item loop) {
    Item mask = program.items.removeLast();
    int body = Math.max(0, program.items.size() - 1 - random.nextInt(2));
    if (body >= program.items.size()) {
      program.items.add(mask);
      return;
    }
    program.items.add(body, mask);
    loop.target = program.items.get(body + 1);
  }

  private void modrm(ByteArrayOutputStream out, Encoding e, boolean register, boolean aligned, int addressSize, int override) {
    int reg = e.digit() >= 0 ? e.digit() : chance(75) ? random.nextInt(3) : random.nextInt(8);
    if (e.digit() < 0 && reg == 4 && chance(80)) reg = 0;
    for (Encoding.Operand o : e.operands()) {
      if (o.kind().place == OperandKind.Place.SEGMENT) reg = chance(90) ? new int[] {0, 3, 4, 5, 0, 2}[random.nextInt(6)] : random.nextInt(8);
      if (o.kind().place == OperandKind.Place.CONTROL) reg = new int[] {0, 2, 3, 4}[random.nextInt(4)];
      if (o.kind().place == OperandKind.Place.DEBUG) reg = new int[] {0, 1, 2, 3, 6, 7}[random.nextInt(6)];
    }
    if (e.modrm() >= 0) {
      out.write(e.modrm());
      return;
    }
    if (register) {
      int rm = chance(60) ? random.nextInt(3) : random.nextInt(8);
      if (rm == 4 && chance(80)) rm = 0;
      out.write(0xc0 | reg << 3 | rm);
      return;
    }
    if (e.mnemonic().name().equals("LDMXCSR")) {
      // Only what was just put there: the host may know bits that we do not.
      out.write(reg << 3 | 5);
      out.writeBytes(le(Area.DATA + 0x1ff0, 4));
      return;
    }
    boolean far = e.operands().stream().anyMatch(o -> o.kind() == OperandKind.Mp);
    boolean lea = e.mnemonic().name().equals("LEA");
    if (aligned || far && chance(60)) {
      out.write(reg << 3 | (addressSize == 2 ? 6 : 5));
      int at = far ? Area.FAR32 : Area.DATA + (random.nextInt(Area.WRITABLE) & ~15);
      out.writeBytes(le(at, addressSize));
      return;
    }
    if (override >= 0x64 && addressSize == 4 && chance(75)) {
      // Into a segment with a base and a limit, mostly near one of its ends.
      out.write(reg << 3 | 5);
      out.writeBytes(le(chance(50) ? 0x7f8 + random.nextInt(12) : chance(10) ? -random.nextInt(12) : random.nextInt(0x1800), 4));
      return;
    }
    int size = simd(e) ? operandBytes(e) : 0;
    if (size >= 8 && addressSize == 4 && !chance(8)) {
      alignedAddress(out, reg, size);
      return;
    }
    int mod = random.nextInt(3);
    if (addressSize == 2) {
      int rm = random.nextInt(8);
      out.write(mod << 6 | reg << 3 | rm);
      out.writeBytes(le(number(), mod == 0 ? rm == 6 ? 2 : 0 : mod));
      return;
    }
    int base = ADDRESSABLE[random.nextInt(ADDRESSABLE.length)];
    for (int tries = 0; tries < 8 && !pointer[base] && !lea; tries++) base = ADDRESSABLE[random.nextInt(ADDRESSABLE.length)];
    boolean usable = pointer[base] || lea || chance(5);
    if (!usable || chance(12)) {
      // no base: an absolute address, at times through a SIB byte
      boolean sib = chance(30);
      out.write(reg << 3 | (sib ? 4 : 5));
      if (sib) out.write(4 << 3 | 5);
      out.writeBytes(le(Area.DATA + (chance(6) ? Area.WRITABLE + random.nextInt(Area.READONLY + 64) : dataOffset()), 4));
      return;
    }
    boolean sib = chance(35);
    if (mod == 0 && base == 5) mod = 1;
    out.write(mod << 6 | reg << 3 | (sib ? 4 : base));
    if (sib) {
      // Sometimes the stack, sometimes an index that is a small number, mostly none.
      int index = chance(lea ? 80 : 25) ? 1 : 4;
      int b = chance(15) ? 4 : base;
      if (b == 4) index = 4;
      out.write(random.nextInt(4) << 6 | index << 3 | b);
    }
    if (mod == 1) out.write(random.nextInt(256));
    if (mod == 2) out.writeBytes(le(lea ? number() : random.nextInt(512) - 256, 4));
  }

  private static int operandBytes(Encoding e) {
    return e.operands().stream().filter(o -> o.kind().place == OperandKind.Place.RM).mapToInt(o -> o.kind().size).max().orElse(0);
  }

  /** A multiple of 16 mostly, or of 8 when that is the size: an absolute address, or one from a register whose value is known. */
  private void alignedAddress(ByteArrayOutputStream out, int reg, int size) {
    int at = Area.DATA + (chance(4) ? Area.WRITABLE + random.nextInt(Area.READONLY) : random.nextInt(Area.WRITABLE - 16));
    at &= chance(85) ? -16 : chance(80) ? -8 : -4;
    int base = new int[] {3, 5, 6, 7}[random.nextInt(4)];
    if (pointer[base] && chance(60)) {
      out.write(0x80 | reg << 3 | base);
      out.writeBytes(le(at - program.registers[base], 4));
    } else {
      out.write(reg << 3 | 5);
      out.writeBytes(le(at, 4));
    }
  }

  /** Forgets pointers that the last instruction probably overwrote. */
  private void clobber(Encoding e, boolean register) {
    byte[] bytes = program.items.getLast().bytes;
    for (Encoding.Operand o : e.operands()) {
      if (!o.writes() || o.kind().bank != OperandKind.Bank.GENERAL) continue;
      switch (o.kind().place) {
        case REG -> pointer[bytes[Math.min(bytes.length - 1, 2)] >> 3 & 7] = false;
        case RM -> {
          if (register) pointer[bytes[bytes.length - 1] & 7] = false;
        }
        case OPCODE -> pointer[e.opcode() & 7] = false;
        default -> { }
      }
    }
    if (e.mnemonic().name().equals("POPA")) Arrays.fill(pointer, false);
  }
}
