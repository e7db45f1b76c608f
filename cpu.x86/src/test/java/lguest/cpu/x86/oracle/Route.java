package lguest.cpu.x86.oracle;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import lguest.cpu.x86.decode.Encoding;
import lguest.cpu.x86.decode.Encodings;
import lguest.cpu.x86.decode.Instruction;
import lguest.cpu.x86.decode.OperandKind;

/**
 * The way a program took through its instructions on our processor.
 *
 * @param strayed it left its own path, by a jump into the middle of an instruction or by overwriting itself, and met there what is not
 *     compared: an instruction left out, or one that only the host has
 * @param undefined flags that are undefined at the end
 * @param undefinedFsw the same for the x87 status word
 * @param readsUndefined an instruction depended on such a flag, or may have on the upper half of a pushed segment register
 * @param mnemonics the last few that ran, in order, without the final INT3
 */
record Route(boolean strayed, int undefined, int undefinedFsw, boolean readsUndefined, List<String> mnemonics) {
  private static final Set<String> READS_FSW = Set.of("FNSTSW", "FNSTENV", "FNSAVE");

  /** @param undefinedAgree undefined flags are compared as well */
  static Route follow(Program p, OurProcessor ours, boolean undefinedAgree) {
    OurProcessor.Trace trace = ours.trace(p);
    int[] starts = p.starts();
    boolean strayed = false, reads = false;
    int undefined = 0, undefinedFsw = 0;
    List<Instruction> all = new ArrayList<>(trace.completed());
    if (trace.last() != null) all.add(trace.last());
    String before = "";
    for (Instruction i : all) {
      Encoding e = i.encoding;
      String name = e.mnemonic().name();
      int at = i.eip - Area.CODE - p.offset;
      boolean own = at < p.length() && Arrays.binarySearch(starts, at) >= 0;
      if (!own && (e == Encodings.INVALID || Generator.leftOut(e.mnemonic()))) strayed = true;
      if (i == trace.last()) break;
      if ((e.flagsRead() & undefined) != 0 || undefinedFsw != 0 && READS_FSW.contains(name)) reads = true;
      // Intel's newer processors no longer know the selectors of the last instruction and its operand.
      if (!undefinedAgree && (name.equals("FNSTENV") || name.equals("FNSAVE"))) reads = true;
      if (!e.conditional()) undefined &= ~e.flagsWritten();
      if (!undefinedAgree) undefined |= e.flagsUndefined();
      // Either a zero or nothing is stored above the selector. The generator clears the place first (its last step is an LEA).
      if (name.equals("PUSH") && e.kind(0).place == OperandKind.Place.FIXED && i.operandSize == 4 && !before.equals("LEA")) reads = true;
      before = name;
      // AMD's leave C1 alone, we clear it, as the SDM says.
      if (name.startsWith("FCOMI") || name.startsWith("FUCOMI")) undefinedFsw = 0x200;
    }
    List<String> mnemonics = all.stream().map(i -> i.mnemonic().name()).collect(Collectors.toList());
    if (mnemonics.size() > 1 && mnemonics.getLast().equals("INT3")) mnemonics.removeLast();
    if (mnemonics.size() > 12) mnemonics = mnemonics.subList(mnemonics.size() - 12, mnemonics.size());
    return new Route(strayed, undefined, undefinedFsw, reads, mnemonics);
  }
}
