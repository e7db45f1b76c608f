package lguest.cpu.x86.decode;

/**
 * The encodings of MMX, SSE and SSE2, in the form {@link Table} explains.
 *
 * <p>Attributes of their own: {@code mmx} works on MMX registers, so the x87 stack turns into them first; {@code sse} needs
 * CR4.OSFXSR; {@code float} computes with floating-point numbers, so that MXCSR rules it and #XM may come of it; {@code loose}
 * its 16-byte memory operand may lie anywhere, all others must be aligned.
 *
 * <p>Most come in families of up to four that share an opcode and differ by prefix: none for packed singles (or MMX), 66 for
 * packed doubles (or integers in XMM), F3 for one single, F2 for one double.
 */
final class SimdTable {
  private SimdTable() {}

  static final String TEXT =
      integers()
      + four(0x51, "SQRT", "=") + four(0x58, "ADD", "+") + four(0x59, "MUL", "+") + four(0x5C, "SUB", "+") + four(0x5D, "MIN", "+")
      + four(0x5E, "DIV", "+") + four(0x5F, "MAX", "+")
      + logic(0x54, "AND") + logic(0x55, "ANDN") + logic(0x56, "OR") + logic(0x57, "XOR")
      + """
      NP.0F10 MOVUPS =Vdq,Wdq - sse,loose
      66.0F10 MOVUPD =Vdq,Wdq - sse,loose
      F3.0F10 MOVSS  =Vdq,Wd  - sse
      F2.0F10 MOVSD  =Vdq,Wq  - sse
      NP.0F11 MOVUPS =Wdq,Vdq - sse,loose
      66.0F11 MOVUPD =Wdq,Vdq - sse,loose
      F3.0F11 MOVSS  =Wd,Vdq  - sse
      F2.0F11 MOVSD  =Wq,Vdq  - sse
      NP.0F12/m MOVLPS +Vdq,Mq - sse
      NP.0F12/r MOVHLPS +Vdq,Udq - sse
      66.0F12/m MOVLPD +Vdq,Mq - sse
      NP.0F13/m MOVLPS =Mq,Vdq - sse
      66.0F13/m MOVLPD =Mq,Vdq - sse
      NP.0F14 UNPCKLPS +Vdq,Wdq - sse
      66.0F14 UNPCKLPD +Vdq,Wdq - sse
      NP.0F15 UNPCKHPS +Vdq,Wdq - sse
      66.0F15 UNPCKHPD +Vdq,Wdq - sse
      NP.0F16/m MOVHPS +Vdq,Mq - sse
      NP.0F16/r MOVLHPS +Vdq,Udq - sse
      66.0F16/m MOVHPD +Vdq,Mq - sse
      NP.0F17/m MOVHPS =Mq,Vdq - sse
      66.0F17/m MOVHPD =Mq,Vdq - sse
      NP.0F28 MOVAPS =Vdq,Wdq - sse
      66.0F28 MOVAPD =Vdq,Wdq - sse
      NP.0F29 MOVAPS =Wdq,Vdq - sse
      66.0F29 MOVAPD =Wdq,Vdq - sse
      NP.0F2A CVTPI2PS +Vdq,Qq - sse,mmx,float
      66.0F2A CVTPI2PD =Vdq,Qq - sse,mmx
      F3.0F2A CVTSI2SS +Vdq,Ed - sse,float
      F2.0F2A CVTSI2SD +Vdq,Ed - sse
      NP.0F2B/m MOVNTPS =Mdq,Vdq - sse
      66.0F2B/m MOVNTPD =Mdq,Vdq - sse
      NP.0F2C CVTTPS2PI =Pq,Wq - sse,mmx,float
      66.0F2C CVTTPD2PI =Pq,Wdq - sse,mmx,float
      F3.0F2C CVTTSS2SI =Gd,Wd - sse,float
      F2.0F2C CVTTSD2SI =Gd,Wq - sse,float
      NP.0F2D CVTPS2PI =Pq,Wq - sse,mmx,float
      66.0F2D CVTPD2PI =Pq,Wdq - sse,mmx,float
      F3.0F2D CVTSS2SI =Gd,Wd - sse,float
      F2.0F2D CVTSD2SI =Gd,Wq - sse,float
      NP.0F2E UCOMISS Vdq,Wd  >oszapc sse,float
      66.0F2E UCOMISD Vdq,Wq  >oszapc sse,float
      NP.0F2F COMISS Vdq,Wd   >oszapc sse,float
      66.0F2F COMISD Vdq,Wq   >oszapc sse,float
      NP.0F50/r MOVMSKPS =Gd,Udq - sse
      66.0F50/r MOVMSKPD =Gd,Udq - sse
      NP.0F52 RSQRTPS =Vdq,Wdq - sse
      F3.0F52 RSQRTSS +Vdq,Wd - sse
      NP.0F53 RCPPS  =Vdq,Wdq - sse
      F3.0F53 RCPSS  +Vdq,Wd  - sse
      NP.0F5A CVTPS2PD =Vdq,Wq - sse,float
      66.0F5A CVTPD2PS =Vdq,Wdq - sse,float
      F3.0F5A CVTSS2SD +Vdq,Wd - sse,float
      F2.0F5A CVTSD2SS +Vdq,Wq - sse,float
      NP.0F5B CVTDQ2PS =Vdq,Wdq - sse,float
      66.0F5B CVTPS2DQ =Vdq,Wdq - sse,float
      F3.0F5B CVTTPS2DQ =Vdq,Wdq - sse,float
      66.0F6C PUNPCKLQDQ +Vdq,Wdq - sse
      66.0F6D PUNPCKHQDQ +Vdq,Wdq - sse
      NP.0F6E MOVD   =Pq,Ed   - mmx
      66.0F6E MOVD   =Vdq,Ed  - sse
      NP.0F6F MOVQ   =Pq,Qq   - mmx
      66.0F6F MOVDQA =Vdq,Wdq - sse
      F3.0F6F MOVDQU =Vdq,Wdq - sse,loose
      NP.0F70 PSHUFW =Pq,Qq,Ibu - mmx
      66.0F70 PSHUFD =Vdq,Wdq,Ibu - sse
      F3.0F70 PSHUFHW =Vdq,Wdq,Ibu - sse
      F2.0F70 PSHUFLW =Vdq,Wdq,Ibu - sse
      66.0F73/3r PSRLDQ +Udq,Ibu - sse
      66.0F73/7r PSLLDQ +Udq,Ibu - sse
      NP.0F77 EMMS   -        - mmx
      NP.0F7E MOVD   =Ed,Pq   - mmx
      66.0F7E MOVD   =Ed,Vdq  - sse
      F3.0F7E MOVQ   =Vdq,Wq  - sse
      NP.0F7F MOVQ   =Qq,Pq   - mmx
      66.0F7F MOVDQA =Wdq,Vdq - sse
      F3.0F7F MOVDQU =Wdq,Vdq - sse,loose
      NP.0FC2 CMPPS  +Vdq,Wdq,Ibu - sse,float
      66.0FC2 CMPPD  +Vdq,Wdq,Ibu - sse,float
      F3.0FC2 CMPSS  +Vdq,Wd,Ibu - sse,float
      F2.0FC2 CMPSD  +Vdq,Wq,Ibu - sse,float
      NP.0FC3/m MOVNTI =Md,Gd - -
      NP.0FC4 PINSRW +Pq,Edw,Ibu - mmx
      66.0FC4 PINSRW +Vdq,Edw,Ibu - sse
      NP.0FC5/r PEXTRW =Gd,Nq,Ibu - mmx
      66.0FC5/r PEXTRW =Gd,Udq,Ibu - sse
      NP.0FC6 SHUFPS +Vdq,Wdq,Ibu - sse
      66.0FC6 SHUFPD +Vdq,Wdq,Ibu - sse
      66.0FD6 MOVQ   =Wq,Vdq  - sse
      F3.0FD6/r MOVQ2DQ =Vdq,Nq - sse,mmx
      F2.0FD6/r MOVDQ2Q =Pq,Udq - sse,mmx
      NP.0FD7/r PMOVMSKB =Gd,Nq - mmx
      66.0FD7/r PMOVMSKB =Gd,Udq - sse
      66.0FE6 CVTTPD2DQ =Vdq,Wdq - sse,float
      F3.0FE6 CVTDQ2PD =Vdq,Wq - sse
      F2.0FE6 CVTPD2DQ =Vdq,Wdq - sse,float
      NP.0FE7/m MOVNTQ =Mq,Pq - mmx
      66.0FE7/m MOVNTDQ =Mdq,Vdq - sse
      NP.0FF7/r MASKMOVQ Pq,Nq - mmx
      66.0FF7/r MASKMOVDQU Vdq,Udq - sse
      0F18/0m PREFETCHNTA &M  - -
      0F18/1m PREFETCHT0 &M   - -
      0F18/2m PREFETCHT1 &M   - -
      0F18/3m PREFETCHT2 &M   - -
      NP.0FAE/0m FXSAVE =Mx   - fpu
      NP.0FAE/1m FXRSTOR Mx   - fpu
      NP.0FAE/2m LDMXCSR Md   - sse
      NP.0FAE/3m STMXCSR =Md  - sse
      NP.0FAE/5r LFENCE -     - -
      NP.0FAE/6r MFENCE -     - -
      NP.0FAE/7m CLFLUSH Mb   - -
      NP.0FAE/7r SFENCE -     - -
      """;

  /** Packed integers: the same on 64 bits of MMX and on 128 of XMM. */
  private static String integers() {
    StringBuilder lines = new StringBuilder();
    String[] low = {"60 PUNPCKLBW", "61 PUNPCKLWD", "62 PUNPCKLDQ"};
    for (String line : low) lines.append(both(line, "+Pq,Qd", "+Vdq,Wdq"));
    String[] plain = {"63 PACKSSWB", "64 PCMPGTB", "65 PCMPGTW", "66 PCMPGTD", "67 PACKUSWB", "68 PUNPCKHBW", "69 PUNPCKHWD",
        "6A PUNPCKHDQ", "6B PACKSSDW", "74 PCMPEQB", "75 PCMPEQW", "76 PCMPEQD", "D1 PSRLW", "D2 PSRLD", "D3 PSRLQ", "D4 PADDQ",
        "D5 PMULLW", "D8 PSUBUSB", "D9 PSUBUSW", "DA PMINUB", "DB PAND", "DC PADDUSB", "DD PADDUSW", "DE PMAXUB", "DF PANDN",
        "E0 PAVGB", "E1 PSRAW", "E2 PSRAD", "E3 PAVGW", "E4 PMULHUW", "E5 PMULHW", "E8 PSUBSB", "E9 PSUBSW", "EA PMINSW",
        "EB POR", "EC PADDSB", "ED PADDSW", "EE PMAXSW", "EF PXOR", "F1 PSLLW", "F2 PSLLD", "F3 PSLLQ", "F4 PMULUDQ",
        "F5 PMADDWD", "F6 PSADBW", "F8 PSUBB", "F9 PSUBW", "FA PSUBD", "FB PSUBQ", "FC PADDB", "FD PADDW", "FE PADDD"};
    for (String line : plain) lines.append(both(line, "+Pq,Qq", "+Vdq,Wdq"));
    String[] shifts = {"71/2r PSRLW", "71/4r PSRAW", "71/6r PSLLW", "72/2r PSRLD", "72/4r PSRAD", "72/6r PSLLD", "73/2r PSRLQ",
        "73/6r PSLLQ"};
    for (String line : shifts) lines.append(both(line, "+Nq,Ibu", "+Udq,Ibu"));
    return lines.toString();
  }

  private static String both(String line, String mmx, String sse) {
    return "NP.0F%s %s - mmx%n66.0F%1$s %3$s - sse%n".formatted(line, mmx, sse);
  }

  private static String four(int opcode, String name, String use) {
    // A scalar result leaves the rest of its register alone, so that the destination is read as well.
    return "NP.0F%02X %sPS %sVdq,Wdq - sse,float%n66.0F%1$02X %2$sPD %3$sVdq,Wdq - sse,float%n".formatted(opcode, name, use)
        + "F3.0F%02X %sSS +Vdq,Wd - sse,float%nF2.0F%1$02X %2$sSD +Vdq,Wq - sse,float%n".formatted(opcode, name);
  }

  private static String logic(int opcode, String name) {
    return "NP.0F%02X %sPS +Vdq,Wdq - sse%n66.0F%1$02X %2$sPD +Vdq,Wdq - sse%n".formatted(opcode, name);
  }
}
