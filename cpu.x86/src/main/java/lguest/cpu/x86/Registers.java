package lguest.cpu.x86;

import static lguest.cpu.x86.state.CpuState.*;

import lguest.cpu.x86.interpret.Core;
import lguest.cpu.x86.state.CpuState;
import lguest.cpu.x86.state.Native;

/**
 * Typed view of a processor's state. On the vCPU thread, between runs. Setting a control register has the effects the
 * processor's own
 * MOV has (a TLB flush), without its checks.
 */
public final class Registers {
  /** Numbers of the segment registers, as MOV Sreg encodes them. */
  public static final int ES = CpuState.ES, CS = CpuState.CS, SS = CpuState.SS, DS = CpuState.DS, FS = CpuState.FS,
      GS = CpuState.GS;

  private final Core core;
  private final long state;

  Registers(Core core) {
    this.core = core;
    this.state = core.state;
  }

  public int eax() { return Native.get32(state + EAX); }
  public int ecx() { return Native.get32(state + ECX); }
  public int edx() { return Native.get32(state + EDX); }
  public int ebx() { return Native.get32(state + EBX); }
  public int esp() { return Native.get32(state + ESP); }
  public int ebp() { return Native.get32(state + EBP); }
  public int esi() { return Native.get32(state + ESI); }
  public int edi() { return Native.get32(state + EDI); }
  public void eax(int value) { Native.set32(state + EAX, value); }
  public void ecx(int value) { Native.set32(state + ECX, value); }
  public void edx(int value) { Native.set32(state + EDX, value); }
  public void ebx(int value) { Native.set32(state + EBX, value); }
  public void esp(int value) { Native.set32(state + ESP, value); }
  public void ebp(int value) { Native.set32(state + EBP, value); }
  public void esi(int value) { Native.set32(state + ESI, value); }
  public void edi(int value) { Native.set32(state + EDI, value); }

  /** A general register by its encoding, 0 = EAX .. 7 = EDI. */
  public int general(int number) { return Native.get32(state + EAX + (number & 7) * 8); }
  public void general(int number, int value) { Native.set32(state + EAX + (number & 7) * 8, value); }

  public int eip() { return Native.get32(state + EIP); }
  public void eip(int value) { Native.set32(state + EIP, value); }

  public int eflags() { return core.eflags(); }
  /** All bits as given, except that bit 1 reads 1 and reserved bits read 0. */
  public void eflags(int value) { core.setEflags(value); }

  public int cr0() { return Native.get32(state + CR0); }
  public int cr2() { return Native.get32(state + CR2); }
  public int cr3() { return Native.get32(state + CR3); }
  public int cr4() { return Native.get32(state + CR4); }
  public void cr0(int value) { core.setCr0(value); }
  public void cr2(int value) { Native.set32(state + CR2, value); }
  public void cr3(int value) { core.setCr3(value); }
  public void cr4(int value) { core.setCr4(value); }

  /** Current privilege level, 0..3. Follows SS as in the processor, set by far transfers and {@link Cpu#setSegment} of CS. */
  public int cpl() { return Native.get32(state + CPL); }

  public int selector(int segment) { return Native.get32(segment(segment) + SELECTOR); }
  public int base(int segment) { return Native.get32(segment(segment) + BASE); }
  /** Offset of the last byte, unsigned (for expand-down segments: of the last invalid byte). */
  public int limit(int segment) { return Native.get32(segment(segment) + LIMIT); }
  /** Descriptor high dword's type, S, DPL, P, AVL, D/B, G (mask 00F0FF00); 0 when the register holds a null selector. */
  public int attributes(int segment) { return Native.get32(segment(segment) + ATTRIBUTES); }

  private long segment(int number) {
    if (number < 0 || number > 5) throw new IllegalArgumentException("segment register " + number);
    return state + SEGMENTS + number * (long) SEGMENT_SIZE;
  }
}
