package lguest.host.software;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Just enough of an assembler to write tiny guests in a test: the instructions by name, labels, and the hypercall sequence. */
final class Asm {
  static final int EAX = 0, ECX = 1, EDX = 2, EBX = 3, ESP = 4, EBP = 5, ESI = 6, EDI = 7;

  private record Use(int at, String label) {}

  private final int origin;
  private final ByteArrayOutputStream code = new ByteArrayOutputStream();
  private final Map<String, Integer> labels = new HashMap<>();
  private final List<Use> uses = new ArrayList<>();

  /** Code that will lie at this linear address. */
  Asm(int origin) { this.origin = origin; }

  int here() { return origin + code.size(); }

  Asm bytes(int... bytes) {
    for (int b : bytes) code.write(b);
    return this;
  }

  private Asm word(int value) { return bytes(value, value >> 8, value >> 16, value >> 24); }

  Asm label(String name) {
    labels.put(name, here());
    return this;
  }

  Asm mov(int register, int value) { return bytes(0xB8 + register).word(value); }

  Asm load(int register, int address) { return bytes(0x8B, register << 3 | 5).word(address); }

  Asm store(int address, int register) { return bytes(0x89, register << 3 | 5).word(address); }

  Asm storeImmediate(int address, int value) { return bytes(0xC7, 5).word(address).word(value); }

  Asm increment(int address) { return bytes(0xFF, 5).word(address); }

  Asm compare(int address, int value) { return bytes(0x81, 0x3D).word(address).word(value); }

  Asm push(int value) { return bytes(0x68).word(value); }

  Asm jump(String label) { return bytes(0xE9).relative(label); }

  Asm jumpIfEqual(String label) { return bytes(0x0F, 0x84).relative(label); }

  Asm jumpIfNotEqual(String label) { return bytes(0x0F, 0x85).relative(label); }

  Asm interrupt(int vector) { return bytes(0xCD, vector); }

  Asm iret() { return bytes(0xCF); }

  /** Waits for what never comes from the code itself. */
  Asm spin() { return bytes(0xEB, 0xFE); }

  Asm hypercall(int number, int edx, int ebx, int ecx) {
    return mov(EAX, number).mov(EDX, edx).mov(EBX, ebx).mov(ECX, ecx).interrupt(0x1F);
  }

  Asm hypercall(Hypercall call, int edx, int ebx, int ecx) { return hypercall(call.number, edx, ebx, ecx); }

  /** Hands control to the test: SEND_DMA to key 0 with a made-up list address that says where the guest is. */
  Asm tell(int marker) { return hypercall(Hypercall.SEND_DMA, 0, marker, 0); }

  /** LOAD_IDT_ENTRY as Linux does it; {@code type} is 0xE or 0xF. */
  Asm gate(int vector, int handler, int type, int privilege) {
    return hypercall(Hypercall.LOAD_IDT_ENTRY, vector, 0x60 << 16 | handler & 0xFFFF, handler & 0xFFFF_0000 | 0x8000 | privilege << 13 | type << 8);
  }

  private Asm relative(String label) {
    uses.add(new Use(code.size(), label));
    return word(0);
  }

  byte[] assemble() {
    byte[] bytes = code.toByteArray();
    for (Use use : uses) {
      int distance = labels.get(use.label) - (origin + use.at + 4);
      for (int i = 0; i < 4; i++) bytes[use.at + i] = (byte) (distance >> 8 * i);
    }
    return bytes;
  }
}
