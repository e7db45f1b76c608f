package lguest.cpu.x86.decode;

/**
 * Every encoding the processor knows, once.
 *
 * <p>
 * Tour 5.3: One table
 *
 * <p>Decoder, interpreter, translator and tests all ask this table; what is not in it is an invalid opcode. A line is
 * <pre>opcode  mnemonic  operands  flags  attributes</pre>
 * <b>opcode</b>: bytes in hex. {@code 40+} fills the low three bits with a register, {@code 70+cc} the low four with a
 * condition. {@code /d}: the reg
 * field of ModRM must be d; {@code /dm} and {@code /dr}: and the operand is memory, or a register; {@code :e1}: the whole
 * ModRM byte. {@code /m}: any reg, memory only.
 * A leading {@code F3.} (also 66., F2.) is a mandatory prefix, {@code NP.} the absence of all three. {@link SimdTable} has most of these.
 *
 * <p><b>operands</b>: destination first; letters as in the SDM's opcode map (vol. 2, appendix A), see {@link OperandKind}. A
 * sign before one says how it is used:
 * none read, {@code =} written, {@code +} read and written, {@code &} its address only, {@code ?} written or left alone, by
 * condition.
 *
 * <p><b>flags</b>: {@code read>written?undefined}, from o s z a p c and i t d n (NT) for the others. Undefined ones get what
 * real processors give them; a test against
 * one compares them as well. {@code ~} in front of the written ones: only perhaps, so an earlier value may survive.
 *
 * <p><b>attributes</b>: {@code lock} LOCK allowed with a memory destination; {@code end} control may go elsewhere, or the mode
 * of decoding may change, so a block ends;
 * {@code priv} #GP(0) unless CPL 0; {@code fpu} #NM when EM or TS is set; {@code rep} repeatable; {@code w} always 16-bit;
 * {@code stack} default operand size of the stack;
 * {@code alias} another encoding of the same has the better name, assemblers do not produce it; {@code nolegacy} absent in
 * 64-bit mode.
 */
final class Table {
  private Table() {}

  static final String TEXT =
      arithmetic(0x00, "ADD", "+", ">oszapc") + arithmetic(0x08, "OR", "+", ">oszpc?a") + arithmetic(0x10, "ADC", "+", "c>oszapc")
      + arithmetic(0x18, "SBB", "+", "c>oszapc") + arithmetic(0x20, "AND", "+", ">oszpc?a")
          + arithmetic(0x28, "SUB", "+", ">oszapc")
      + arithmetic(0x30, "XOR", "+", ">oszpc?a") + arithmetic(0x38, "CMP", "", ">oszapc")
      + shift(0, "ROL", ">~oc") + shift(1, "ROR", ">~oc") + shift(2, "RCL", "c>~oc") + shift(3, "RCR", "c>~oc")
      + shift(4, "SHL", ">~oszpc?a") + shift(5, "SHR", ">~oszpc?a") + shift(6, "SHL", ">~oszpc?a") + shift(7, "SAR", ">~oszpc?a")
      + """
      06      PUSH   ES       -          stack,nolegacy
      07      POP    =ES      -          stack,nolegacy,end
      0E      PUSH   CS       -          stack,nolegacy
      16      PUSH   SS       -          stack,nolegacy
      17      POP    =SS      -          stack,nolegacy,end
      1E      PUSH   DS       -          stack,nolegacy
      1F      POP    =DS      -          stack,nolegacy,end
      0FA0    PUSH   FS       -          stack
      0FA1    POP    =FS      -          stack,end
      0FA8    PUSH   GS       -          stack
      0FA9    POP    =GS      -          stack,end
      27      DAA    -        ac>szapc?o nolegacy
      2F      DAS    -        ac>szapc?o nolegacy
      37      AAA    -        a>ac?oszp  nolegacy
      3F      AAS    -        a>ac?oszp  nolegacy
      40+     INC    +Zv      >oszap     nolegacy
      48+     DEC    +Zv      >oszap     nolegacy
      50+     PUSH   Zv       -          stack
      58+     POP    =Zv      -          stack
      60      PUSHA  -        -          nolegacy
      61      POPA   -        -          nolegacy
      62/m    BOUND  Gv,Ma    -          nolegacy
      63      ARPL   ?Ew,Gw   >z         nolegacy
      68      PUSH   Iz       -          stack
      69      IMUL   =Gv,Ev,Iz >oc?szap  -
      6A      PUSH   Ibs      -          stack
      6B      IMUL   =Gv,Ev,Ibs >oc?szap -
      6C      INS    =Yb,DX   d>         rep,end
      6D      INS    =Yv,DX   d>         rep,end
      6E      OUTS   DX,Xb    d>         rep,end
      6F      OUTS   DX,Xv    d>         rep,end
      70+cc   J      Jb       oszapc>    end
      84      TEST   Eb,Gb    >oszpc?a   -
      85      TEST   Ev,Gv    >oszpc?a   -
      86      XCHG   +Eb,+Gb  -          lock
      87      XCHG   +Ev,+Gv  -          lock
      88      MOV    =Eb,Gb   -          -
      89      MOV    =Ev,Gv   -          -
      8A      MOV    =Gb,Eb   -          -
      8B      MOV    =Gv,Ev   -          -
      8C      MOV    =Evw,Sw  -          -
      8D/m    LEA    =Gv,&M   -          -
      8E      MOV    =Sw,Ew   -          end
      8F/0    POP    =Ev      -          stack
      90      NOP    -        -          -
      F3.90   PAUSE  -        -          -
      91+     XCHG   +Zv,+rAX -          -
      98      CBW    -        -          -
      99      CWD    -        -          -
      9A      CALLF  Ap       -          end,nolegacy
      9B      WAIT   -        -          -
      9C      PUSHF  -        oszapcitdn> stack
      9D      POPF   -        >oszapcitdn stack,end
      9E      SAHF   -        >szapc     -
      9F      LAHF   -        szapc>     -
      A0      MOV    =AL,Ob   -          -
      A1      MOV    =rAX,Ov  -          -
      A2      MOV    =Ob,AL   -          -
      A3      MOV    =Ov,rAX  -          -
      A4      MOVS   =Yb,Xb   d>         rep
      A5      MOVS   =Yv,Xv   d>         rep
      A6      CMPS   Xb,Yb    d>~oszapc  rep
      A7      CMPS   Xv,Yv    d>~oszapc  rep
      A8      TEST   AL,Ib    >oszpc?a   -
      A9      TEST   rAX,Iz   >oszpc?a   -
      AA      STOS   =Yb,AL   d>         rep
      AB      STOS   =Yv,rAX  d>         rep
      AC      LODS   =AL,Xb   d>         rep
      AD      LODS   =rAX,Xv  d>         rep
      AE      SCAS   AL,Yb    d>~oszapc  rep
      AF      SCAS   rAX,Yv   d>~oszapc  rep
      B0+     MOV    =Zb,Ib   -          -
      B8+     MOV    =Zv,Iz   -          -
      C2      RET    Iw       -          stack,end
      C3      RET    -        -          stack,end
      C4/m    LES    =Gv,Mp   -          end,nolegacy
      C5/m    LDS    =Gv,Mp   -          end,nolegacy
      C6/0    MOV    =Eb,Ib   -          -
      C7/0    MOV    =Ev,Iz   -          -
      C8      ENTER  Iw,Ibu   -          stack
      C9      LEAVE  -        -          stack
      CA      RETF   Iw       -          end
      CB      RETF   -        -          end
      CC      INT3   -        -          end
      CD      INT    Ibu      -          end
      CE      INTO   -        o>         end,nolegacy
      CF      IRET   -        >oszapcitdn end
      D4      AAM    Ibu      >szp?oac   nolegacy
      D5      AAD    Ibu      >szp?oac   nolegacy
      D6      SALC   -        c>         nolegacy
      D7      XLAT   -        -          -
      E0      LOOPNE Jb       z>         end
      E1      LOOPE  Jb       z>         end
      E2      LOOP   Jb       -          end
      E3      JCXZ   Jb       -          end
      E4      IN     =AL,Ibu  -          end
      E5      IN     =rAX,Ibu -          end
      E6      OUT    Ibu,AL   -          end
      E7      OUT    Ibu,rAX  -          end
      E8      CALL   Jz       -          stack,end
      E9      JMP    Jz       -          end
      EA      JMPF   Ap       -          end,nolegacy
      EB      JMP    Jb       -          end
      EC      IN     =AL,DX   -          end
      ED      IN     =rAX,DX  -          end
      EE      OUT    DX,AL    -          end
      EF      OUT    DX,rAX   -          end
      F1      INT1   -        -          end
      F4      HLT    -        -          priv,end
      F5      CMC    -        c>c        -
      F6/0    TEST   Eb,Ib    >oszpc?a   -
      F6/1    TEST   Eb,Ib    >oszpc?a   alias
      F6/2    NOT    +Eb      -          lock
      F6/3    NEG    +Eb      >oszapc    lock
      F6/4    MUL    Eb       >oc?szap   -
      F6/5    IMUL   Eb       >oc?szap   -
      F6/6    DIV    Eb       >?oszapc   -
      F6/7    IDIV   Eb       >?oszapc   -
      F7/0    TEST   Ev,Iz    >oszpc?a   -
      F7/1    TEST   Ev,Iz    >oszpc?a   alias
      F7/2    NOT    +Ev      -          lock
      F7/3    NEG    +Ev      >oszapc    lock
      F7/4    MUL    Ev       >oc?szap   -
      F7/5    IMUL   Ev       >oc?szap   -
      F7/6    DIV    Ev       >?oszapc   -
      F7/7    IDIV   Ev       >?oszapc   -
      F8      CLC    -        >c         -
      F9      STC    -        >c         -
      FA      CLI    -        >i         end
      FB      STI    -        >i         end
      FC      CLD    -        >d         -
      FD      STD    -        >d         -
      FE/0    INC    +Eb      >oszap     lock
      FE/1    DEC    +Eb      >oszap     lock
      FF/0    INC    +Ev      >oszap     lock
      FF/1    DEC    +Ev      >oszap     lock
      FF/2    CALL   Ev       -          stack,end
      FF/3m   CALLF  Mp       -          end
      FF/4    JMP    Ev       -          end
      FF/5m   JMPF   Mp       -          end
      FF/6    PUSH   Ev       -          stack

      0F00/0  SLDT   =Evw     -          -
      0F00/1  STR    =Evw     -          -
      0F00/2  LLDT   Ew       -          priv
      0F00/3  LTR    Ew       -          priv
      0F00/4  VERR   Ew       >z         -
      0F00/5  VERW   Ew       >z         -
      0F01/0m SGDT   =Ms      -          -
      0F01/1m SIDT   =Ms      -          -
      0F01/2m LGDT   Ms       -          priv
      0F01/3m LIDT   Ms       -          priv
      0F01/4  SMSW   =Evw     -          -
      0F01/6  LMSW   Ew       -          priv,end
      0F01/7m INVLPG &M       -          priv,end
      0F02    LAR    ?Gv,Ew   >z         -
      0F03    LSL    ?Gv,Ew   >z         -
      0F06    CLTS   -        -          priv
      0F08    INVD   -        -          priv
      0F09    WBINVD -        -          priv
      0F0B    UD2    -        -          end
      0F18/r  NOP    &Ev      -          alias
      0F18/4m NOP    &Ev      -          alias
      0F18/5m NOP    &Ev      -          alias
      0F18/6m NOP    &Ev      -          alias
      0F18/7m NOP    &Ev      -          alias
      0F19    NOP    &Ev      -          alias
      0F1A    NOP    &Ev      -          alias
      0F1B    NOP    &Ev      -          alias
      0F1C    NOP    &Ev      -          alias
      0F1D    NOP    &Ev      -          alias
      0F1E    NOP    &Ev      -          alias
      0F1F    NOP    &Ev      -          -
      0F20    MOV    =Rd,Cd   -          priv,end
      0F21    MOV    =Rd,Dd   -          priv
      0F22    MOV    =Cd,Rd   -          priv,end
      0F23    MOV    =Dd,Rd   -          priv,end
      0F30    WRMSR  -        -          priv,end
      0F31    RDTSC  -        -          -
      0F32    RDMSR  -        -          priv
      0F33    RDPMC  -        -          -
      0F34    SYSENTER -      -          end
      0F35    SYSEXIT -       -          priv,end
      0F40+cc CMOV   ?Gv,Ev   oszapc>    -
      0F80+cc J      Jz       oszapc>    end
      0F90+cc SET    =Eb      oszapc>    -
      0FA2    CPUID  -        -          -
      0FA3    BT     Ev,Gvb   >c?oszap   -
      0FA4    SHLD   +Ev,Gv,Ibu >~szpc?oa -
      0FA5    SHLD   +Ev,Gv,CL >~szpc?oa -
      0FAB    BTS    +Ev,Gvb  >c?oszap   lock
      0FAC    SHRD   +Ev,Gv,Ibu >~szpc?oa -
      0FAD    SHRD   +Ev,Gv,CL >~szpc?oa -
      0FAF    IMUL   +Gv,Ev   >oc?szap   -
      0FB0    CMPXCHG +Eb,Gb  >oszapc    lock
      0FB1    CMPXCHG +Ev,Gv  >oszapc    lock
      0FB2/m  LSS    =Gv,Mp   -          end
      0FB3    BTR    +Ev,Gvb  >c?oszap   lock
      0FB4/m  LFS    =Gv,Mp   -          end
      0FB5/m  LGS    =Gv,Mp   -          end
      0FB6    MOVZX  =Gv,Eb   -          -
      0FB7    MOVZX  =Gv,Ew   -          -
      0FB9    UD1    Gv,Ev    -          end
      0FBA/4  BT     Ev,Ibu   >c?oszap   -
      0FBA/5  BTS    +Ev,Ibu  >c?oszap   lock
      0FBA/6  BTR    +Ev,Ibu  >c?oszap   lock
      0FBA/7  BTC    +Ev,Ibu  >c?oszap   lock
      0FBB    BTC    +Ev,Gvb  >c?oszap   lock
      0FBC    BSF    ?Gv,Ev   >z?osapc   -
      0FBD    BSR    ?Gv,Ev   >z?osapc   -
      0FBE    MOVSX  =Gv,Eb   -          -
      0FBF    MOVSX  =Gv,Ew   -          -
      0FC0    XADD   +Eb,+Gb  >oszapc    lock
      0FC1    XADD   +Ev,+Gv  >oszapc    lock
      0FC7/1m CMPXCHG8B +Mq   >z         lock
      0FC8+   BSWAP  +Zd      -          -

      """
      + x87Arithmetic("D8", "Md") + x87Arithmetic("DC", "Mfq") + x87Integer("DA", "Md") + x87Integer("DE", "Mw")
      + """
      D8/0r   FADD   ST,STi   -          fpu
      D8/1r   FMUL   ST,STi   -          fpu
      D8/2r   FCOM   STi      -          fpu
      D8/3r   FCOMP  STi      -          fpu
      D8/4r   FSUB   ST,STi   -          fpu
      D8/5r   FSUBR  ST,STi   -          fpu
      D8/6r   FDIV   ST,STi   -          fpu
      D8/7r   FDIVR  ST,STi   -          fpu
      DC/0r   FADD   STi,ST   -          fpu
      DC/1r   FMUL   STi,ST   -          fpu
      DC/2r   FCOM   STi      -          fpu,alias
      DC/3r   FCOMP  STi      -          fpu,alias
      DC/4r   FSUBR  STi,ST   -          fpu
      DC/5r   FSUB   STi,ST   -          fpu
      DC/6r   FDIVR  STi,ST   -          fpu
      DC/7r   FDIV   STi,ST   -          fpu
      DE/0r   FADDP  STi,ST   -          fpu
      DE/1r   FMULP  STi,ST   -          fpu
      DE/2r   FCOMP  STi      -          fpu,alias
      DE:D9   FCOMPP -        -          fpu
      DE/4r   FSUBRP STi,ST   -          fpu
      DE/5r   FSUBP  STi,ST   -          fpu
      DE/6r   FDIVRP STi,ST   -          fpu
      DE/7r   FDIVP  STi,ST   -          fpu
      D9/0m   FLD    Md       -          fpu
      D9/2m   FST    =Md      -          fpu
      D9/3m   FSTP   =Md      -          fpu
      D9/4m   FLDENV Me       -          fpu
      D9/5m   FLDCW  Mw       -          fpu
      D9/6m   FNSTENV =Me     -          fpu
      D9/7m   FNSTCW =Mw      -          fpu
      D9/0r   FLD    STi      -          fpu
      D9/1r   FXCH   STi      -          fpu
      D9:D0   FNOP   -        -          fpu
      D9/3r   FSTP    STi     -          fpu,alias
      D9:E0   FCHS   -        -          fpu
      D9:E1   FABS   -        -          fpu
      D9:E4   FTST   -        -          fpu
      D9:E5   FXAM   -        -          fpu
      D9:E8   FLD1   -        -          fpu
      D9:E9   FLDL2T -        -          fpu
      D9:EA   FLDL2E -        -          fpu
      D9:EB   FLDPI  -        -          fpu
      D9:EC   FLDLG2 -        -          fpu
      D9:ED   FLDLN2 -        -          fpu
      D9:EE   FLDZ   -        -          fpu
      D9:F0   F2XM1  -        -          fpu
      D9:F1   FYL2X  -        -          fpu
      D9:F2   FPTAN  -        -          fpu
      D9:F3   FPATAN -        -          fpu
      D9:F4   FXTRACT -       -          fpu
      D9:F5   FPREM1 -        -          fpu
      D9:F6   FDECSTP -       -          fpu
      D9:F7   FINCSTP -       -          fpu
      D9:F8   FPREM  -        -          fpu
      D9:F9   FYL2XP1 -       -          fpu
      D9:FA   FSQRT  -        -          fpu
      D9:FB   FSINCOS -       -          fpu
      D9:FC   FRNDINT -       -          fpu
      D9:FD   FSCALE -        -          fpu
      D9:FE   FSIN   -        -          fpu
      D9:FF   FCOS   -        -          fpu
      DA/0r   FCMOVB STi      c>         fpu
      DA/1r   FCMOVE STi      z>         fpu
      DA/2r   FCMOVBE STi     cz>        fpu
      DA/3r   FCMOVU STi      p>         fpu
      DA:E9   FUCOMPP -       -          fpu
      DB/0m   FILD   Md       -          fpu
      DB/2m   FIST   =Md      -          fpu
      DB/3m   FISTP  =Md      -          fpu
      DB/5m   FLD    Mt       -          fpu
      DB/7m   FSTP   =Mt      -          fpu
      DB/0r   FCMOVNB STi     c>         fpu
      DB/1r   FCMOVNE STi     z>         fpu
      DB/2r   FCMOVNBE STi    cz>        fpu
      DB/3r   FCMOVNU STi     p>         fpu
      DB:E0   FNOP   -        -          fpu,alias
      DB:E1   FNOP   -        -          fpu,alias
      DB:E2   FNCLEX -        -          fpu
      DB:E3   FNINIT -        -          fpu
      DB:E4   FNOP   -        -          fpu,alias
      DB/5r   FUCOMI STi      >oszapc    fpu
      DB/6r   FCOMI  STi      >oszapc    fpu
      DD/0m   FLD    Mfq      -          fpu
      DD/2m   FST    =Mfq     -          fpu
      DD/3m   FSTP   =Mfq     -          fpu
      DD/4m   FRSTOR Mn       -          fpu
      DD/6m   FNSAVE =Mn      -          fpu
      DD/7m   FNSTSW =Mw      -          fpu
      DD/0r   FFREE  STi      -          fpu
      DD/1r   FXCH   STi      -          fpu,alias
      DD/2r   FST    STi      -          fpu
      DD/3r   FSTP   STi      -          fpu
      DD/4r   FUCOM  STi      -          fpu
      DD/5r   FUCOMP STi      -          fpu
      DF/0m   FILD   Mw       -          fpu
      DF/2m   FIST   =Mw      -          fpu
      DF/3m   FISTP  =Mw      -          fpu
      DF/4m   FBLD   Mt       -          fpu
      DF/5m   FILD   Mfq      -          fpu
      DF/6m   FBSTP  =Mt      -          fpu
      DF/7m   FISTP  =Mfq     -          fpu
      DF/0r   FFREEP STi      -          fpu,alias
      DF/1r   FXCH   STi      -          fpu,alias
      DF/2r   FSTP   STi      -          fpu,alias
      DF/3r   FSTP   STi      -          fpu,alias
      DF:E0   FNSTSW =AX      -          fpu
      DF/5r   FUCOMIP STi     >oszapc    fpu
      DF/6r   FCOMIP STi      >oszapc    fpu
      """;

  /** The six forms of ADD and its relatives, and their four immediate group forms. */
  private static String arithmetic(int opcode, String name, String use, String flags) {
    String lock = use.isEmpty() ? "-" : "lock";
    int digit = opcode >> 3;
    StringBuilder lines = new StringBuilder();
    String[] forms = {"Eb,Gb", "Ev,Gv", "Gb,Eb", "Gv,Ev", "AL,Ib", "rAX,Iz"};
    for (int i = 0; i < 6; i++) {
      lines.append("%02X %s %s%s %s %s%n".formatted(opcode + i, name, use, forms[i], flags, i < 2 ? lock : "-"));
    }
    lines.append("80/%d %s %sEb,Ib %s %s%n".formatted(digit, name, use, flags, lock));
    lines.append("81/%d %s %sEv,Iz %s %s%n".formatted(digit, name, use, flags, lock));
    lines.append("82/%d %s %sEb,Ib %s %s,alias,nolegacy%n".formatted(digit, name, use, flags, lock));
    lines.append("83/%d %s %sEv,Ibs %s %s%n".formatted(digit, name, use, flags, lock));
    return lines.toString();
  }

  /** The six forms of a shift or rotate. */
  private static String shift(int digit, String name, String flags) {
    StringBuilder lines = new StringBuilder();
    String[] forms = {"C0 Eb,Ibu", "C1 Ev,Ibu", "D0 Eb,1", "D1 Ev,1", "D2 Eb,CL", "D3 Ev,CL"};
    for (String form : forms) {
      String[] part = form.split(" ");
      lines.append("%s/%d %s +%s %s %s%n".formatted(part[0], digit, name, part[1], flags, digit == 6 ? "alias" : "-"));
    }
    return lines.toString();
  }

  private static String x87Arithmetic(String opcode, String operand) {
    return x87("F", opcode, operand);
  }

  private static String x87Integer(String opcode, String operand) {
    return x87("FI", opcode, operand);
  }

  private static String x87(String prefix, String opcode, String operand) {
    String[] names = {"ADD", "MUL", "COM", "COMP", "SUB", "SUBR", "DIV", "DIVR"};
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 8; i++) lines.append("%s/%dm %s%s %s - fpu%n".formatted(opcode, i, prefix, names[i], operand));
    return lines.toString();
  }
}
