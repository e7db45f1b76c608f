package lguest.cpu.x86.decode;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.StringTokenizer;
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
    // Plainly, without patterns and streams: every start of a guest waits for this.
    for (String line : (Table.TEXT + SimdTable.TEXT).split("\n")) if (!line.isBlank()) parse(new StringTokenizer(line));
    for (Encoding encoding : ALL) HAS_MODRM[index(encoding.opcode())] |= needsModrm(encoding);
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
    Encoding[] row = byPrefix[prefixClass(prefix)];
    Encoding encoding = row == null ? null : row[HAS_MODRM[index] ? modrm : 0];
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

  private static boolean needsModrm(Encoding encoding) {
    if (encoding.digit() >= 0 || encoding.modrm() >= 0 || encoding.form() != Form.ANY) return true;
    for (Operand operand : encoding.operands()) if (operand.kind().needsModrm()) return true;
    return false;
  }

  private static void enter(Encoding encoding) {
    int index = index(encoding.opcode());
    boolean hasModrm = HAS_MODRM[index];
    Encoding[][] rows = INDEX[index];
    if (rows == null) {
      rows = INDEX[index] = new Encoding[4][];
      // One for all prefixes, until one of them means something else.
      if (encoding.prefix() == 0) Arrays.fill(rows, new Encoding[hasModrm ? 256 : 1]);
    }
    int prefix = encoding.prefix() == 0 ? 0 : prefixClass(encoding.prefix());
    if (rows[prefix] == null) rows[prefix] = new Encoding[hasModrm ? 256 : 1];
    else if (encoding.prefix() != 0 && isShared(rows, prefix)) rows[prefix] = rows[prefix].clone();
    if (!hasModrm) {
      enter(encoding, rows[prefix], 0);
    } else if (encoding.modrm() >= 0) {
      enter(encoding, rows[prefix], encoding.modrm());
    } else {
      int first = encoding.form() == Form.REGISTER ? 0xC0 : 0;
      int end = encoding.form() == Form.MEMORY ? 0xC0 : 0x100;
      if (encoding.digit() < 0) for (int modrm = first; modrm < end; modrm++) enter(encoding, rows[prefix], modrm);
      else for (int mod = first; mod < end; mod += 0x40) for (int rm = 0; rm < 8; rm++) enter(encoding, rows[prefix], mod | encoding.digit() << 3 | rm);
    }
  }

  private static boolean isShared(Encoding[][] rows, int prefix) {
    for (int other = 0; other < rows.length; other++) if (other != prefix && rows[other] == rows[prefix]) return true;
    return false;
  }

  private static void enter(Encoding encoding, Encoding[] row, int modrm) {
    if (row[modrm] != null && encoding.prefix() == 0) throw new IllegalStateException("two lines for one encoding: " + row[modrm] + " and " + encoding);
    row[modrm] = encoding;
  }

  private static void parse(StringTokenizer line) {
    if (line.countTokens() != 5) throw new IllegalStateException("not five columns at " + line.nextToken());
    String[] column = new String[5];
    for (int n = 0; n < column.length; n++) column[n] = line.nextToken();
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
    int read = flags(column[3], '>', true), written = flags(column[3], '>', false), undefined = flags(column[3], '?', false);
    boolean conditional = column[3].contains("~");
    for (int i = 0; i < opcodes; i++) {
      ALL.add(new Encoding(opcode + i, prefix, digit, modrm, form, mnemonic, conditions ? i : -1, operands, conditions ? Flags.readBy(i) : read, written, undefined, conditional,
          attributes));
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
    return new Encoding(-1, 0, -1, -1, Form.ANY, mnemonic, -1, List.of(), 0, 0, 0, false, Set.of("end"));
  }
}
