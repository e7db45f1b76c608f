package lguest.cpu.x86.decode;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import lguest.cpu.x86.decode.Encoding.Form;
import lguest.cpu.x86.decode.Encoding.Operand;
import lguest.cpu.x86.decode.Encoding.Use;
import lguest.cpu.x86.state.Flags;

/** The {@link Table} parsed, and indexed by opcode for the decoder. */
public final class Encodings {
  private static final List<Encoding> ALL = new ArrayList<>();
  /** By opcode (0F xx at 100 + xx), then mandatory prefix class, then ModRM (one element when there is none). */
  private static final Encoding[][][] INDEX = new Encoding[512][][];
  private static final boolean[] HAS_MODRM = new boolean[512];
  /** What does not decode: #UD. */
  public static final Encoding INVALID = pseudo(Mnemonic.INVALID);
  /** More than 15 bytes: #GP(0). */
  public static final Encoding TOO_LONG = pseudo(Mnemonic.TOO_LONG);

  static {
    (Table.TEXT + SimdTable.TEXT).lines().map(String::strip).filter(line -> !line.isEmpty()).forEach(Encodings::parse);
    for (Encoding encoding : ALL) {
      int index = index(encoding.opcode());
      HAS_MODRM[index] |= encoding.digit() >= 0 || encoding.modrm() >= 0 || encoding.form() != Form.ANY
          || encoding.operands().stream().anyMatch(operand -> operand.kind().needsModrm());
    }
    for (Encoding encoding : ALL) if (encoding.prefix() == 0) enter(encoding);
    for (Encoding encoding : ALL) if (encoding.prefix() != 0) enter(encoding);
  }

  private Encodings() {}

  /** All encodings, in the table's order: for tests and generators. */
  public static List<Encoding> all() {
    return List.copyOf(ALL);
  }

  static boolean hasModrm(int opcode) {
    return HAS_MODRM[index(opcode)];
  }

  /** The encoding of an opcode, {@link #INVALID} for none. modrm is ignored when the opcode has none. */
  static Encoding find(int opcode, int prefix, int modrm) {
    int index = index(opcode);
    Encoding[][] byPrefix = INDEX[index];
    if (byPrefix == null) return INVALID;
    Encoding encoding = byPrefix[prefixClass(prefix)][HAS_MODRM[index] ? modrm : 0];
    return encoding == null ? INVALID : encoding;
  }

  private static int index(int opcode) {
    return opcode >= 0x0F00 ? 0x100 + (opcode & 0xFF) : opcode;
  }

  private static int prefixClass(int prefix) {
    return switch (prefix) {
      case 0x66 -> 1;
      case 0xF2 -> 2;
      case 0xF3 -> 3;
      default -> 0; // none, which is also what NP asks for
    };
  }

  private static void enter(Encoding encoding) {
    int index = index(encoding.opcode());
    int width = HAS_MODRM[index] ? 256 : 1;
    if (INDEX[index] == null) INDEX[index] = new Encoding[4][width];
    for (int prefix = 0; prefix < 4; prefix++) {
      if (encoding.prefix() != 0 && prefix != prefixClass(encoding.prefix())) continue;
      for (int modrm = 0; modrm < width; modrm++) {
        if (width == 256 && !encoding.matches(modrm)) continue;
        Encoding before = INDEX[index][prefix][modrm];
        if (before != null && encoding.prefix() == 0)
          throw new IllegalStateException("two lines for one encoding: " + before + " and " + encoding);
        INDEX[index][prefix][modrm] = encoding;
      }
    }
  }

  private static void parse(String line) {
    String[] column = line.split("\\s+");
    if (column.length != 5) throw new IllegalStateException("not five columns: " + line);
    String code = column[0];
    int prefix = 0;
    if (code.contains(".")) {
      String name = code.substring(0, 2);
      prefix = name.equals("NP") ? Encoding.NO_PREFIX : Integer.parseInt(name, 16);
      code = code.substring(3);
    }
    int digit = -1;
    int modrm = -1;
    int opcodes = 1;
    boolean conditions = false;
    Form form = Form.ANY;
    int cut = code.length();
    if (code.endsWith("+cc")) {
      cut -= 3;
      opcodes = 16;
      conditions = true;
    } else if (code.endsWith("+")) {
      cut -= 1;
      opcodes = 8;
    } else if (code.contains(":")) {
      cut = code.indexOf(':');
      modrm = Integer.parseInt(code.substring(cut + 1), 16);
    } else if (code.contains("/")) {
      cut = code.indexOf('/');
      for (char c : code.substring(cut + 1).toCharArray()) {
        switch (c) {
          case 'm' -> form = Form.MEMORY;
          case 'r' -> form = Form.REGISTER;
          default -> digit = c - '0';
        }
      }
    }
    int opcode = Integer.parseInt(code.substring(0, cut), 16);
    // The register sits in the low three bits; XCHG starts at 91, because 90 is NOP.
    if (opcodes == 8) opcodes = 8 - (opcode & 7);
    Mnemonic mnemonic = Mnemonic.valueOf(column[1]);
    List<Operand> operands = operands(column[2]);
    Set<String> attributes = Set.of(column[4].split(","));
    for (int i = 0; i < opcodes; i++) {
      int read = flags(column[3], '>', true);
      ALL.add(new Encoding(opcode + i, prefix, digit, modrm, form, mnemonic, conditions ? i : -1, operands, conditions
          ? Flags.readBy(i) : read,
          flags(column[3], '>', false), flags(column[3], '?', false), column[3].contains("~"), attributes, attributes.contains("end")));
    }
  }

  private static List<Operand> operands(String text) {
    List<Operand> list = new ArrayList<>();
    if (text.equals("-")) return list;
    for (String part : text.split(",")) {
      Use use = switch (part.charAt(0)) {
        case '=' -> Use.WRITE;
        case '+' -> Use.READ_WRITE;
        case '&' -> Use.ADDRESS;
        case '?' -> Use.MAY_WRITE;
        default -> Use.READ;
      };
      list.add(new Operand(OperandKind.of(use == Use.READ ? part : part.substring(1)), use));
    }
    return List.copyOf(list);
  }

  /** The letters before the sign, or behind it up to the next one. */
  private static int flags(String text, char sign, boolean before) {
    if (text.equals("-")) return 0;
    int at = text.indexOf(sign);
    String letters = before ? text.substring(0, at) : at < 0 ? "" : text.substring(at + 1).split("\\?")[0];
    int bits = 0;
    for (char c : letters.toCharArray()) {
      bits |= switch (c) {
        case 'o' -> Flags.OF;
        case 's' -> Flags.SF;
        case 'z' -> Flags.ZF;
        case 'a' -> Flags.AF;
        case 'p' -> Flags.PF;
        case 'c' -> Flags.CF;
        case 'i' -> Flags.IF;
        case 'd' -> Flags.DF;
        case 't' -> Flags.TF;
        case 'n' -> Flags.NT;
        case '~' -> 0;
        default -> throw new IllegalStateException("flag " + c + " in " + text);
      };
    }
    return bits;
  }

  private static Encoding pseudo(Mnemonic mnemonic) {
    return new Encoding(-1, 0, -1, -1, Form.ANY, mnemonic, -1, List.of(), 0, 0, 0, false, Set.of("end"), true);
  }
}
