package lguest.host.software;

import static lguest.host.software.TestGuest.*;
import static org.junit.jupiter.api.Assertions.*;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Traps on their way into the guest's handlers: frames, privileges, and what happens when there is no handler (ABI §5). */
@Timeout(60)
class TrapsTest {
  private static final int IF = 0x200;

  /** A handler that says where its stack is and what the flags are, then tells. */
  private static int handler(TestGuest guest, int marker) {
    return guest.handler(asm -> asm.store(OFFSET + RESULT, Asm.ESP)
        .bytes(0x9C, 0x58).store(OFFSET + RESULT + 4, Asm.EAX) // pushf; pop eax
        .bytes(0x8C, 0xC8).store(OFFSET + RESULT + 8, Asm.EAX) // mov eax, cs
        .bytes(0x8C, 0xD0).store(OFFSET + RESULT + 12, Asm.EAX) // mov eax, ss
        .tell(marker));
  }

  /** The frame the handler found, lowest address first. */
  private static int[] frame(TestGuest guest, int words) {
    return IntStream.range(0, words).map(i -> guest.get(guest.get(RESULT) - OFFSET + i * 4)).toArray();
  }

  @Test void faultInTheKernelStaysOnItsStack() {
    try (TestGuest guest = new TestGuest()) {
      int handler = handler(guest, 2);
      guest.set(DATA + GuestData.IRQ_ENABLED, IF);
      guest.boot().code.gate(6, handler, 0xF, 0).mov(Asm.ESP, KERNEL_STACK_TOP - 0x100);
      int faulting = guest.code.here();
      guest.code.bytes(0x0F, 0x0B);
      guest.open().expectTell(2);
      assertEquals(KERNEL_STACK_TOP - 0x100 - 12, guest.get(RESULT));
      assertArrayEquals(new int[] {faulting, 0x61, 0x202}, frame(guest, 3));
      assertEquals(0x61, guest.get(RESULT + 8));
      assertEquals(0x69, guest.get(RESULT + 12));
      assertEquals(IF, guest.get(RESULT + 4) & IF, "the real flag is always on");
      assertEquals(IF, guest.get(DATA + GuestData.IRQ_ENABLED), "a trap gate leaves interrupts alone");
    }
  }

  @Test void interruptGateTurnsInterruptsOff() {
    try (TestGuest guest = new TestGuest()) {
      int handler = handler(guest, 2);
      guest.set(DATA + GuestData.IRQ_ENABLED, 0x246);
      guest.boot().code.gate(6, handler, 0xE, 0).bytes(0x0F, 0x0B);
      guest.open().expectTell(2);
      assertEquals(IF, frame(guest, 3)[2] & IF);
      assertEquals(0, guest.get(DATA + GuestData.IRQ_ENABLED));
    }
  }

  /** A flags image with other bits set but not this one means off (appendix B 1). */
  @Test void frameShowsTheVirtualInterruptFlag() {
    for (int type : new int[] {0xE, 0xF}) {
      try (TestGuest guest = new TestGuest()) {
        int handler = handler(guest, 2);
        guest.set(DATA + GuestData.IRQ_ENABLED, 0x46);
        guest.boot().code.gate(6, handler, type, 0).bytes(0x0F, 0x0B);
        guest.open().expectTell(2);
        assertEquals(0, frame(guest, 3)[2] & IF, "gate type " + type);
      }
    }
  }

  @Test void pageFaultBringsItsAddress() {
    try (TestGuest guest = new TestGuest()) {
      int handler = handler(guest, 2);
      guest.boot().code.gate(14, handler, 0xE, 0);
      int faulting = guest.code.here();
      guest.code.store(0xD012_3456, Asm.EAX);
      guest.open().expectTell(2);
      assertEquals(0xD012_3456, guest.get(DATA + GuestData.CR2));
      assertArrayEquals(new int[] {2, faulting, 0x61}, frame(guest, 3));
    }
  }

  @Test void writeProtectionHoldsForTheKernel() {
    try (TestGuest guest = new TestGuest()) {
      int handler = handler(guest, 2);
      guest.set(KERNEL_TABLE + 0x40 * 4, 0x40000 | 5);
      guest.boot().code.gate(14, handler, 0xE, 0).store(OFFSET + 0x4_0010, Asm.EAX);
      guest.open().expectTell(2);
      assertEquals(3, frame(guest, 1)[0], "write, present, supervisor");
      assertEquals(OFFSET + 0x4_0010, guest.get(DATA + GuestData.CR2));
    }
  }

  @Test void fromUserModeToTheKernelStack() {
    try (TestGuest guest = new TestGuest()) {
      int handler = handler(guest, 2);
      int program = guest.place(USER_CODE, USER_CODE, asm -> asm.mov(Asm.EAX, 20).interrupt(0x80));
      guest.set(DATA + GuestData.IRQ_ENABLED, IF);
      guest.boot().code.gate(0x80, handler, 0xF, 3);
      guest.enterUser(program).open().expectTell(2);
      assertEquals(KERNEL_STACK_TOP - 20, guest.get(RESULT));
      assertArrayEquals(new int[] {program + 7, 0x73, 0x202, USER_STACK, 0x7B}, frame(guest, 5));
      assertEquals(0x69, guest.get(RESULT + 12));
    }
  }

  @Test void userPageFault() {
    try (TestGuest guest = new TestGuest()) {
      int handler = handler(guest, 2);
      guest.set(USER_TABLE + 0x50 * 4, 0x50000 | 3); // the kernel's only
      int program = guest.place(USER_CODE, USER_CODE, asm -> asm.load(Asm.EAX, 0x5_0004));
      guest.boot().code.gate(14, handler, 0xE, 0);
      guest.enterUser(program).open().expectTell(2);
      assertArrayEquals(new int[] {5, program, 0x73}, frame(guest, 3));
    }
  }

  @Test void softwareInterruptNeedsTheGatesPrivilege() {
    try (TestGuest guest = new TestGuest()) {
      int protection = handler(guest, 13), other = handler(guest, 3);
      int program = guest.place(USER_CODE, USER_CODE, asm -> asm.interrupt(5));
      guest.boot().code.gate(13, protection, 0xF, 0).gate(5, other, 0xF, 0);
      guest.enterUser(program).open().expectTell(13);
      assertArrayEquals(new int[] {5 * 8 + 2, program, 0x73}, frame(guest, 3));
    }
  }

  @Test void hypercallFromUserModeIsAProtectionFault() {
    try (TestGuest guest = new TestGuest()) {
      int protection = handler(guest, 13);
      int program = guest.place(USER_CODE, USER_CODE, asm -> asm.hypercall(Hypercall.HALT, 0, 0, 0));
      guest.boot().code.gate(13, protection, 0xF, 0);
      guest.enterUser(program).open().expectTell(13);
      assertEquals(0xFA, frame(guest, 1)[0]);
    }
  }

  @Test void breakpointWorksInUserMode() {
    try (TestGuest guest = new TestGuest()) {
      int handler = handler(guest, 3);
      int program = guest.place(USER_CODE, USER_CODE, asm -> asm.bytes(0xCC));
      guest.boot().code.gate(3, handler, 0xE, 3);
      guest.enterUser(program).open().expectTell(3);
      assertArrayEquals(new int[] {program + 1, 0x73}, frame(guest, 2), "behind the int3, no error code");
    }
  }

  @Test void softwareInterruptPushesNoErrorCode() {
    try (TestGuest guest = new TestGuest()) {
      int handler = handler(guest, 14);
      guest.boot().code.gate(14, handler, 0xE, 1).interrupt(14);
      int next = guest.code.here();
      guest.open().expectTell(14);
      assertArrayEquals(new int[] {next, 0x61}, frame(guest, 2));
      assertEquals(0, guest.get(DATA + GuestData.CR2));
    }
  }

  @Test void ungatedSoftwareInterruptIsAProtectionFault() {
    try (TestGuest guest = new TestGuest()) {
      int protection = handler(guest, 13);
      guest.boot().code.gate(13, protection, 0xF, 0).interrupt(0x90);
      guest.open().expectTell(13);
      assertEquals(0x90 * 8 + 2, frame(guest, 1)[0]);
    }
  }

  @Test void taskSwitchedFlagMakesDeviceNotAvailable() {
    try (TestGuest guest = new TestGuest()) {
      int handler = guest.handler(asm -> asm.increment(OFFSET + RESULT).hypercall(Hypercall.TS, 0, 0, 0).iret());
      guest.boot().code.gate(7, handler, 0xF, 0).bytes(0xDB, 0xE3).tell(1) // fninit: the flag is clear at first
          .hypercall(Hypercall.TS, 8, 0, 0).bytes(0xDB, 0xE3).bytes(0xDB, 0xE3).tell(2);
      guest.open().expectTell(1);
      assertEquals(0, guest.get(RESULT));
      guest.expectTell(2);
      assertEquals(1, guest.get(RESULT));
    }
  }

  @Test void modelSpecificRegistersAreAProtectionFault() {
    try (TestGuest guest = new TestGuest()) {
      int protection = handler(guest, 13);
      guest.boot().code.gate(13, protection, 0xF, 0);
      int faulting = guest.code.here();
      guest.code.bytes(0x0F, 0x32); // rdmsr
      guest.open().expectTell(13);
      assertArrayEquals(new int[] {0, faulting}, frame(guest, 2));
    }
  }

  @Test void flagsThatWouldTrapTheHandlerAreClear() {
    try (TestGuest guest = new TestGuest()) {
      int handler = handler(guest, 1);
      int program = guest.place(USER_CODE, USER_CODE, asm -> asm.push(0x302).bytes(0x9D, 0x90, 0x90)); // TF by popf; nop
      guest.boot().code.gate(1, handler, 0xE, 0);
      guest.enterUser(program).open().expectTell(1);
      assertEquals(0, guest.get(RESULT + 4) & 0x100, "TF in the handler");
      assertEquals(0x100, frame(guest, 3)[2] & 0x100, "TF in the frame");
      assertEquals(program + 7, frame(guest, 1)[0], "a trap: behind the first instruction after popf");
    }
  }

  /** Linux asks DR6 with the bare instruction (ABI §5.11); nothing else about debug registers works. */
  @Test void singleStepHandlerMayAskWhy() {
    try (TestGuest guest = new TestGuest()) {
      int handler = guest.handler(asm -> asm.bytes(0x0F, 0x21, 0xF6).store(OFFSET + RESULT, Asm.ESI).tell(1).bytes(0x0F, 0x21, 0xF8)); // mov esi, dr6; mov eax, dr7
      int protection = handler(guest, 13);
      int program = guest.place(USER_CODE, USER_CODE, asm -> asm.push(0x302).bytes(0x9D, 0x90));
      guest.boot().code.gate(1, handler, 0xE, 0).gate(13, protection, 0xF, 0);
      guest.enterUser(program).open().expectTell(1);
      assertEquals(0xFFFF_4FF0, guest.get(RESULT));
      guest.expectTell(13);
      assertEquals(0, frame(guest, 1)[0]);
    }
    try (TestGuest guest = new TestGuest()) {
      int handler = guest.handler(asm -> asm.bytes(0x0F, 0x21, 0xF0).store(OFFSET + RESULT, Asm.EAX).tell(1));
      guest.boot().code.gate(1, handler, 0xE, 1).interrupt(1);
      guest.open().expectTell(1);
      assertEquals(0xFFFF_0FF0, guest.get(RESULT), "no step, an int 1");
    }
  }

  @Test void userModeMayNotAskDebugRegisters() {
    try (TestGuest guest = new TestGuest()) {
      int protection = handler(guest, 13);
      int program = guest.place(USER_CODE, USER_CODE, asm -> asm.bytes(0x0F, 0x21, 0xF0));
      guest.boot().code.gate(13, protection, 0xF, 0);
      guest.enterUser(program).open().expectTell(13);
    }
  }

  @Test void noHandlerKills() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot();
      int faulting = guest.code.here();
      guest.code.bytes(0x0F, 0x0B);
      guest.open().expectDead("unhandled trap 6 at 0x%x (0x0)".formatted(faulting));
    }
  }

  @Test void unhandledPageFaultNamesTheAddress() {
    try (TestGuest guest = new TestGuest()) {
      int faulting = guest.code.here();
      guest.code.load(Asm.EAX, 0x1234_5678); // before LGUEST_INIT
      guest.open().expectDead("unhandled trap 14 at 0x%x (0x12345678)".formatted(faulting));
    }
  }

  @Test void unhandledProtectionFaultNamesTheErrorCode() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot();
      int faulting = guest.code.here();
      guest.code.interrupt(0x21);
      guest.open().expectDead("unhandled trap 13 at 0x%x (0x10a)".formatted(faulting));
    }
  }

  @Test void stackGoneIsADoubleFault() {
    try (TestGuest guest = new TestGuest()) {
      int handler = handler(guest, 2);
      guest.boot().code.gate(6, handler, 0xF, 0).mov(Asm.ESP, 0xD000_0000);
      int faulting = guest.code.here();
      guest.code.bytes(0x0F, 0x0B);
      guest.open().expectDead("unhandled trap 8 at 0x%x (0x0)".formatted(faulting));
    }
  }
}
