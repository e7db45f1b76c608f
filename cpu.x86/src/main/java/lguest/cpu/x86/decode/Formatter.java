package lguest.cpu.x86.decode;

/** An instruction as text in the manual's order, destination first: for logs and failing tests. */
final class Formatter {
  private static final String[] R32 = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
  private static final String[] R16 = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
  private static final String[] R8 = {"al", "cl", "dl", "bl", "ah", "ch", "dh", "bh"};
  private static final String[] SEGMENT = {"es", "cs", "ss", "ds", "fs", "gs"};
  private static final String[] CONDITION = {"o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le",
      "g"};

  private Formatter() {}

  static String format(Instruction i) {
    StringBuilder text = new StringBuilder("%08x ".formatted(i.eip));
    if (i.lock) text.append("lock ");
    if (i.rep != 0) text.append(i.rep == 0xF2 ? "repne " : "rep ");
    text.append(i.mnemonic().name().toLowerCase());
    if (i.encoding.condition() >= 0) text.append(CONDITION[i.encoding.condition()]);
    for (int n = 0; n < i.encoding.operands().size(); n++) text.append(n == 0 ? " " : ",").append(operand(i, n));
    return text.toString();
  }

  private static String operand(Instruction i, int n) {
    OperandKind kind = i.encoding.kind(n);
    int size = i.size(n);
    return switch (kind.place) {
      case RM -> i.mod == 3 ? register(kind, i.rm, size) : memory(i);
      case REG -> register(kind, i.reg, size);
      case OPCODE -> register(i.opcode & 7, size);
      case SEGMENT -> i.reg < 6 ? SEGMENT[i.reg] : "seg" + i.reg;
      case CONTROL -> "cr" + i.reg;
      case DEBUG -> "dr" + i.reg;
      case IMMEDIATE -> "0x%x".formatted(kind == OperandKind.Ibu && i.encoding.kind(0) == OperandKind.Iw ? i.immediate2
          : i.immediate);
      case RELATIVE -> "0x%x".formatted(i.target());
      case FAR -> "0x%x:0x%x".formatted(i.immediate2, i.immediate);
      case OFFSET -> "%s:[0x%x]".formatted(SEGMENT[i.segment()], i.displacement);
      case X87 -> kind == OperandKind.ST ? "st" : "st(" + i.rm + ")";
      case SOURCE -> SEGMENT[i.segment()] + ":[esi]";
      case DESTINATION -> "es:[edi]";
      case FIXED -> kind == OperandKind.rAX ? register(0, size) : kind == OperandKind.ONE ? "1" : kind.name().toLowerCase();
    };
  }

  private static String register(OperandKind kind, int number, int size) {
    return switch (kind.bank) {
      case GENERAL -> register(number, size);
      case MMX -> "mm" + number;
      case XMM -> "xmm" + number;
    };
  }

  private static String register(int number, int size) {
    return (size == 1 ? R8 : size == 2 ? R16 : R32)[number];
  }

  private static String memory(Instruction i) {
    StringBuilder text = new StringBuilder(SEGMENT[i.segment()]).append(":[");
    String[] names = i.addressSize == 2 ? R16 : R32;
    if (i.base >= 0) text.append(names[i.base]);
    if (i.index >= 0) text.append(i.base >= 0 ? "+" : "").append(names[i.index]).append("*").append(1 << i.scale);
    if (i.displacement != 0 || i.base < 0 && i.index < 0) text.append("%+d".formatted(i.displacement));
    return text.append("]").toString();
  }
}
