package lguest.cpu.x86.interpret;

import lguest.cpu.x86.state.Native;

/** Operands of 1, 2 or 4 bytes. Values travel sign-extended in an int. */
final class Size {
  private Size() {}

  static int extend(int size, int value) {
    return size == 4 ? value : size == 2 ? (short) value : (byte) value;
  }

  static int zeroExtend(int size, int value) {
    return size == 4 ? value : size == 2 ? value & 0xFFFF : value & 0xFF;
  }

  static int bits(int size) {
    return size << 3;
  }

  static int load(int size, long at) {
    return size == 4 ? Native.get32(at) : size == 2 ? Native.get16(at) : Native.get8(at);
  }

  static void store(int size, long at, int value) {
    if (size == 4) Native.set32(at, value);
    else if (size == 2) Native.set16(at, value);
    else Native.set8(at, value);
  }
}
