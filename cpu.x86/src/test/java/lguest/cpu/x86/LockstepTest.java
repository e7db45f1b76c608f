package lguest.cpu.x86;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** What running both engines must not change. */
class LockstepTest {
  private static final int ROUNDS = 500;

  /** The state is taken back between the engines; what another thread has asked for meanwhile is not. */
  @Test void noRequestIsLost() throws Exception {
    try (Machine m = new Machine(Engine.CHECK); ExecutorService vcpu = Executors.newSingleThreadExecutor()) {
      m.code("FF05 00001000 EBF8"); // inc [DATA], and again
      for (int round = 0; round < ROUNDS; round++) {
        Future<Exit> run = vcpu.submit(() -> m.cpu.run(Long.MAX_VALUE));
        LockSupport.parkNanos(50_000 + 997L * round);
        m.cpu.requestExit();
        try {
          assertEquals(Exit.REQUESTED, run.get(30, TimeUnit.SECONDS));
        } finally {
          m.cpu.requestExit();
        }
        assertEquals(Exit.REQUESTED, vcpu.submit(() -> m.cpu.run(1)).get());
      }
    }
  }

  /** In the middle of a block the interpreter helps out; flags that were dead there are not alive because the rest of the block is run one by one. */
  @Test
  void deadFlagsStayDead() {
    try (Machine machine = new Machine(Engine.CHECK).paging()) {
      // STC; REP MOVSD of elements that cross pages; 62 NOPs; CMP EAX, EAX; JMP $
      machine.r.ecx(4);
      machine.r.esi(Machine.DATA + 0xFFE);
      machine.r.edi(Machine.DATA + 0x4FFE);
      machine.code("F9 F3A5" + "90".repeat(62) + "39C0 EBFE").steps(80);
      assertEquals(0x46, machine.r.eflags() & 0x8D5 | 2);
    }
  }
}
