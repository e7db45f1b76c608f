package lguest.cpu.x86.interpret;

import static lguest.cpu.x86.state.CpuState.*;

import lguest.cpu.x86.decode.Instruction;
import lguest.cpu.x86.decode.Mnemonic;
import lguest.cpu.x86.decode.OperandKind;
import lguest.cpu.x86.decode.OperandKind.Place;
import lguest.cpu.x86.interpret.Arithmetic.Unary;
import lguest.cpu.x86.state.GuestFault;
import lguest.cpu.x86.state.Mode;

/** Decoded instruction to runnable operation: picks the special form when there is one, else the general one. */
final class Binder {
  private final Core c;

  Binder(Core c) {
    this.c = c;
  }

  /**
   * An instruction that goes on to the next one; one that raises #UD when its operands do not make sense.
   *
   * @param live whether its flags may be looked at before they are written again
   */
  Op op(Instruction i, boolean live) {
    Op fast = Fast.op(c, i, live);
    if (fast != null) return fast;
    Op op = general(i);
    if (op == null) return new SystemOps.Undefined();
    return i.encoding.has("priv") ? new SystemOps.Privileged(op) : op;
  }

  private Op general(Instruction i) {
    return switch (i.mnemonic()) {
      case ADD, OR, ADC, SBB, AND, SUB, XOR, CMP -> new Arithmetic.Binary(operation(i.mnemonic()), operand(i, 0), operand(i, 1));
      case TEST -> new Arithmetic.Test(operand(i, 0), operand(i, 1));
      case INC -> new Unary(Unary.Kind.INC, operand(i, 0));
      case DEC -> new Unary(Unary.Kind.DEC, operand(i, 0));
      case NOT -> new Unary(Unary.Kind.NOT, operand(i, 0));
      case NEG -> new Unary(Unary.Kind.NEG, operand(i, 0));
      case XADD -> new Arithmetic.ExchangeAdd(operand(i, 0), operand(i, 1));
      case XCHG -> new Arithmetic.Exchange(operand(i, 0), operand(i, 1));
      case CMPXCHG -> new Arithmetic.CompareExchange(operand(i, 0), operand(i, 1));
      case CMPXCHG8B -> new SystemOps.CompareExchange8(new Ea(c, i));
      case ROL -> shift(Shifts.ROL, i);
      case ROR -> shift(Shifts.ROR, i);
      case RCL -> shift(Shifts.RCL, i);
      case RCR -> shift(Shifts.RCR, i);
      case SHL -> shift(Shifts.SHL, i);
      case SHR -> shift(Shifts.SHR, i);
      case SAR -> shift(Shifts.SAR, i);
      case SHLD -> new Shifts.Double(true, operand(i, 0), operand(i, 1), operand(i, 2));
      case SHRD -> new Shifts.Double(false, operand(i, 0), operand(i, 1), operand(i, 2));
      case BT -> bits(Bits.Change.TEST, i);
      case BTS -> bits(Bits.Change.SET, i);
      case BTR -> bits(Bits.Change.RESET, i);
      case BTC -> bits(Bits.Change.COMPLEMENT, i);
      case BSF -> new Bits.Scan(true, operand(i, 0), operand(i, 1));
      case BSR -> new Bits.Scan(false, operand(i, 0), operand(i, 1));
      case BSWAP -> new Bits.Swap(Operand.address(c, i.opcode & 7, 4), i.operandSize);
      case SET -> new Bits.SetCondition(i.encoding.condition(), operand(i, 0));
      case CMOV -> new Bits.MoveCondition(i.encoding.condition(), operand(i, 0), operand(i, 1));
      case MUL -> new Multiply.Wide(false, operand(i, 0));
      case IMUL -> i.encoding.operands().size() == 1 ? new Multiply.Wide(true, operand(i, 0))
          : i.encoding.operands().size() == 2 ? new Multiply.Narrow(operand(i, 0), operand(i, 0), operand(i, 1))
          : new Multiply.Narrow(operand(i, 0), operand(i, 1), operand(i, 2));
      case DIV -> new Multiply.Divide(false, operand(i, 0));
      case IDIV -> new Multiply.Divide(true, operand(i, 0));
      case DAA, DAS, AAA, AAS -> new Decimal(i.mnemonic(), 10);
      case AAM, AAD -> new Decimal(i.mnemonic(), i.immediate);
      case MOV -> move(i);
      case MOVZX -> new Moves.Zero(operand(i, 0), operand(i, 1));
      case MOVSX -> new Moves.General(operand(i, 0), operand(i, 1));
      case LEA -> new Moves.Lea(Operand.address(c, i.reg, i.operandSize), i.operandSize, new Ea(c, i));
      case CBW -> new Moves.ExtendAccumulator(i.operandSize);
      case CWD -> new Moves.SpreadSign(i.operandSize);
      case XLAT -> new Moves.Xlat(i.segment(), i.addressSize == 4);
      case NOP, PAUSE -> new Moves.Nothing();
      case PUSH -> push(i);
      case POP -> pop(i);
      case PUSHA -> new Stack.PushAll(i.operandSize);
      case POPA -> new Stack.PopAll(i.operandSize);
      case PUSHF -> new Stack.PushFlags(i.operandSize);
      case POPF -> new Stack.PopFlags(i.operandSize);
      case ENTER -> new Stack.Enter(i.operandSize, i.immediate, i.immediate2);
      case LEAVE -> new Stack.Leave(i.operandSize);
      case BOUND -> new Branches.Bound(operand(i, 0), new Ea(c, i));
      case ARPL -> new SystemOps.Arpl(operand(i, 0), operand(i, 1));
      case MOVS, CMPS, STOS, LODS, SCAS -> string(i);
      case LES -> new Far.LoadPointer(ES, operand(i, 0), new Ea(c, i));
      case LDS -> new Far.LoadPointer(DS, operand(i, 0), new Ea(c, i));
      case LSS -> new Far.LoadPointer(SS, operand(i, 0), new Ea(c, i));
      case LFS -> new Far.LoadPointer(FS, operand(i, 0), new Ea(c, i));
      case LGS -> new Far.LoadPointer(GS, operand(i, 0), new Ea(c, i));
      case CLC, STC, CMC, CLD, STD, CLI, STI, LAHF, SAHF, SALC, CPUID, RDTSC, RDPMC, CLTS, RDMSR, WRMSR, INVD, WBINVD ->
          new SystemOps.Simple(i.mnemonic());
      case SGDT, SIDT, LGDT, LIDT -> new SystemOps.TableRegister(i.mnemonic(), new Ea(c, i), i.operandSize);
      case SLDT -> new SystemOps.StoreWord(LDTR, operand(i, 0));
      case STR -> new SystemOps.StoreWord(TR, operand(i, 0));
      case SMSW -> new SystemOps.StoreWord(CR0, operand(i, 0));
      case LLDT, LTR, LMSW -> new SystemOps.LoadWord(i.mnemonic(), operand(i, 0));
      case INVLPG -> new SystemOps.Invalidate(new Ea(c, i));
      case LAR, LSL -> new SystemOps.Ask(i.mnemonic(), operand(i, 0), operand(i, 1));
      case VERR, VERW -> new SystemOps.Ask(i.mnemonic(), null, operand(i, 0));
      default -> i.encoding.has("sse") || i.encoding.has("mmx") ? Simd.op(c, i) : other(i);
    };
  }

  private Op other(Instruction i) {
    return switch (i.mnemonic()) {
      case LFENCE, MFENCE, SFENCE -> new Moves.Nothing();
      case PREFETCHNTA, PREFETCHT0, PREFETCHT1, PREFETCHT2 -> new Moves.Nothing();
      case CLFLUSH -> new Simd.FlushLine(new Ea(c, i));
      case MOVNTI -> new Moves.General(operand(i, 0), operand(i, 1));
      default -> Fpu.op(c, i);
    };
  }

  /** An instruction that ends its block. */
  End end(Instruction i) {
    End fast = Fast.end(c, i);
    if (fast != null) return fast;
    int next = i.nextEip();
    return switch (i.mnemonic()) {
      case J -> checked(i, new Branches.Conditional(i.encoding.condition(), link(i, i.target()), link(i, next)));
      case LOOP, LOOPE, LOOPNE, JCXZ ->
          checked(i, new Branches.Loop(i.mnemonic(), i.addressSize, link(i, i.target()), link(i, next)));
      case JMP -> i.encoding.kind(0).place == Place.RELATIVE ? checked(i, new Branches.Jump(link(i, i.target())))
          : new Branches.JumpIndirect(operand(i, 0));
      case CALL -> i.encoding.kind(0).place == Place.RELATIVE ? new Branches.Call(i.operandSize, next, i.target())
          : new Branches.CallIndirect(i.operandSize, next, operand(i, 0));
      case RET -> new Branches.Return(i.operandSize, extra(i));
      case JMPF, CALLF -> new Far.Transfer(i.mnemonic() == Mnemonic.CALLF, i.operandSize, next, i.memory() ? new Ea(c, i) : null,
          i.immediate, i.immediate2);
      case RETF -> new Far.Return(i.operandSize, extra(i));
      case IRET -> new Far.InterruptReturn(i.operandSize);
      case INT -> new Branches.Interrupt(i.immediate, i.eip, i.length);
      case INT3 -> new Branches.Interrupt(GuestFault.BP, i.eip, i.length);
      case INT1 -> new Branches.Interrupt(GuestFault.DB, i.eip, i.length);
      case INTO -> new Branches.InterruptOnOverflow(i.eip, i.length, link(i, next));
      case HLT -> new SystemOps.Halt(next);
      case IN, OUT, INS, OUTS -> new SystemOps.Port();
      case SYSENTER -> new FastCalls.Enter();
      case SYSEXIT -> new FastCalls.Exit();
      case TOO_LONG -> new Branches.Raise(GuestFault.GP, true);
      case UD1, UD2, INVALID -> new Branches.Raise(GuestFault.UD, false);
      default -> new End.After(op(i, true), next);
    };
  }

  private static int extra(Instruction i) {
    return i.encoding.operands().isEmpty() ? 0 : i.immediate;
  }

  /** A link that may remember its block only when the target lies in the page this instruction lies in wholly. */
  private Link link(Instruction i, int target) {
    return link(c, i, target);
  }

  static Link link(Core c, Instruction i, int target) {
    int page = i.eip & ~0xFFF;
    boolean whole = ((i.eip + i.length - 1) & ~0xFFF) == page;
    return new Link(target, whole && (target & ~0xFFF) == page && (c.mode & Mode.CS_FLAT) != 0);
  }

  private End checked(Instruction i, End jump) {
    return (c.mode & Mode.CS_FLAT) != 0 ? jump : new Branches.JumpChecked(jump, i.target());
  }

  private Operand operand(Instruction i, int n) {
    return Operand.of(c, i, n);
  }

  private Op shift(int operation, Instruction i) {
    OperandKind count = i.encoding.kind(1);
    return new Shifts.Shift(operation, operand(i, 0), count == OperandKind.Ibu ? new Operand.Constant(1, i.immediate)
        : operand(i, 1));
  }

  private Op bits(Bits.Change change, Instruction i) {
    if (i.memory() && i.encoding.kind(1) == OperandKind.Gvb)
      return new Bits.TestString(change, new Ea(c, i), i.operandSize, operand(i, 1));
    return new Bits.Test(change, operand(i, 0), operand(i, 1));
  }

  private Op move(Instruction i) {
    OperandKind to = i.encoding.kind(0);
    OperandKind from = i.encoding.kind(1);
    if (to == OperandKind.Sw) return i.reg == CS || i.reg > GS ? null : new Far.LoadSegment(i.reg, operand(i, 1));
    if (from == OperandKind.Sw) return i.reg > GS ? null : new Far.StoreSegment(i.reg, operand(i, 0));
    if (to.place == Place.CONTROL || from.place == Place.CONTROL)
      return new SystemOps.Control(i, c, to.place == Place.CONTROL, false);
    if (to.place == Place.DEBUG || from.place == Place.DEBUG) return new SystemOps.Control(i, c, to.place == Place.DEBUG, true);
    return new Moves.General(operand(i, 0), operand(i, 1));
  }

  private static int segment(OperandKind kind) {
    return switch (kind) {
      case ES -> ES;
      case CS -> CS;
      case SS -> SS;
      case DS -> DS;
      case FS -> FS;
      case GS -> GS;
      default -> -1;
    };
  }

  private Op push(Instruction i) {
    int segment = segment(i.encoding.kind(0));
    if (segment >= 0) return new Stack.PushSegment(i.operandSize, segment);
    return new Stack.Push(i.operandSize, operand(i, 0));
  }

  private Op pop(Instruction i) {
    int segment = segment(i.encoding.kind(0));
    if (segment >= 0) return new Stack.PopSegment(i.operandSize, segment);
    if (!i.memory() || i.encoding.kind(0).place != Place.RM) return new Stack.Pop(i.operandSize, operand(i, 0));
    // The address is computed with ESP already moved past the element.
    return new Stack.Pop(i.operandSize, new Operand.Memory(i.operandSize, new Ea(c, i, i.base == 4 ? i.operandSize : 0)));
  }

  private Op string(Instruction i) {
    int size = i.encoding.operands().stream().mapToInt(o ->
        o.kind().place == Place.SOURCE || o.kind().place == Place.DESTINATION ? o.kind().size(i.operandSize) : 0).max()
        .orElseThrow();
    return new Strings(c, i.mnemonic(), size, i.addressSize, i.override >= 0 ? i.override : DS, i.rep);
  }

  static int operation(Mnemonic mnemonic) {
    return switch (mnemonic) {
      case ADD -> Arithmetic.ADD;
      case OR -> Arithmetic.OR;
      case ADC -> Arithmetic.ADC;
      case SBB -> Arithmetic.SBB;
      case AND -> Arithmetic.AND;
      case SUB -> Arithmetic.SUB;
      case XOR -> Arithmetic.XOR;
      default -> Arithmetic.CMP;
    };
  }
}
