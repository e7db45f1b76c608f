package lguest.launcher.slot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lguest.device.DeviceProvider;
import lguest.device.DeviceState;
import lguest.launcher.DeviceSlot.State;
import lguest.launcher.LaunchException;
import org.junit.jupiter.api.Test;

/** Every arrow of the drawing in {@link Occupancy}, and that there are no others: no thread, no device, no time. */
class OccupancyTest {
  private static final String NOBODY = "there is no provider of type 'test'; requests wait for one";

  private final Choice choice = new Choice("test");
  private final List<Long> swaps = new ArrayList<>();
  private final Occupancy occupancy = new Occupancy(choice, swaps::add);
  private final Candidate first = candidate("first", 0, 1), second = candidate("second", 0, 2), better = candidate("better", 5, 3);
  private int vacated;

  private static Candidate candidate(String bundle, int ranking, long id) {
    return new Candidate(nobody(DeviceProvider.class), bundle, "1.0.0", ranking, id);
  }

  /** Somebody who is never asked for anything that matters. */
  private static <T> T nobody(Class<T> type) { return type.cast(Proxy.newProxyInstance(OccupancyTest.class.getClassLoader(), new Class<?>[] {type}, (self, method, arguments) -> null)); }

  private static Occupant occupant(Candidate candidate) {
    Machine machine = nobody(Machine.class);
    return new Occupant(candidate, new Slot(machine, 0, "test", "", settled -> {}), machine);
  }

  /** What the Launcher would say. */
  private void there(Candidate... candidates) { choice.offer(Arrays.stream(candidates).sorted().toList()); }

  private Occupant place(Candidate candidate) {
    there(candidate);
    Occupant occupant = occupant(candidate);
    occupancy.placed(occupant);
    return occupant;
  }

  private void is(State state, String reason) {
    assertEquals(state, occupancy.state());
    assertEquals(Optional.ofNullable(reason), occupancy.reason());
  }

  private void rests() { assertEquals(new Occupancy.Step.Rest(), occupancy.next()); }

  private void leaves(Occupant occupant) { assertEquals(new Occupancy.Step.Leave(occupant), occupancy.next()); }

  private void enters(Candidate candidate, Optional<DeviceState> state) { assertEquals(new Occupancy.Step.Enter(candidate, state), occupancy.next()); }

  private void left(Optional<DeviceState> state) { occupancy.left(state, () -> vacated++); }

  @Test void emptyUntilPlacedOrVacant() throws Exception {
    is(State.EMPTY, "the guest is being made");
    there(first);
    assertFalse(occupancy.startExchange(), "the maker of the guest sees to it");
    rests();
    place(first);
    is(State.ACTIVE, null);
    assertFalse(occupancy.startExchange(), "the right one is there");
    rests();
  }

  @Test void vacantUntilSomebodyProvidesIt() {
    occupancy.vacant();
    is(State.PARKED, NOBODY);
    assertFalse(occupancy.startExchange());
    there(first);
    assertTrue(occupancy.startExchange());
    assertFalse(occupancy.startExchange(), "one exchange at a time");
    enters(first, Optional.empty());
    assertTrue(occupancy.entered(occupant(first)));
    is(State.ACTIVE, null);
    assertEquals(List.of(), swaps, "there was none before");
  }

  @Test void aProviderLeavesAndAnotherComesWithTheState() {
    Occupant occupant = place(first);
    there();
    assertTrue(occupancy.startExchange());
    leaves(occupant);
    is(State.DRAINING, NOBODY);
    Optional<DeviceState> state = Optional.of(new DeviceState(1, Map.of("position", 7L)));
    left(state);
    assertEquals(1, vacated);
    is(State.PARKED, NOBODY);
    rests();
    there(second);
    enters(second, state);
    occupancy.entered(occupant(second));
    is(State.ACTIVE, null);
    assertEquals(1, swaps.size());
    // The state was for that one.
    there();
    occupancy.next();
    left(Optional.empty());
    there(first);
    enters(first, Optional.empty());
  }

  @Test void aBetterOneTakesOverAndAChangedRankingToo() {
    Occupant occupant = place(first);
    there(first, second);
    rests();
    there(first, better);
    leaves(occupant);
    is(State.DRAINING, "'better 1.0.0' takes over");
    left(Optional.empty());
    enters(better, Optional.empty());
    Occupant next = occupant(better);
    occupancy.entered(next);
    there(first, new Candidate(better.provider(), "better", "1.0.0", 1, 3));
    rests();
    Candidate worse = new Candidate(better.provider(), "better", "1.0.0", -1, 3);
    there(first, worse);
    leaves(next);
    left(Optional.empty());
    enters(first, Optional.empty());
  }

  @Test void whoFailsToOpenIsNotTriedAgainUntilReplacedOrAskedFor() {
    occupancy.vacant();
    there(first);
    enters(first, Optional.empty());
    assertTrue(occupancy.refused(first, "no disk"));
    is(State.PARKED, "no disk");
    rests();
    is(State.PARKED, "no disk");
    there(first, second);
    rests();
    choice.release();
    enters(first, Optional.empty());
    assertTrue(occupancy.refused(first, "still no disk"));
    is(State.PARKED, "still no disk");
    // Replaced.
    there(second);
    enters(second, Optional.empty());
    occupancy.refused(second, "nor here");
    there(first, second);
    enters(first, Optional.empty());
  }

  @Test void whoLeavesWhileItsDeviceIsOpenedIsNoFault() {
    occupancy.vacant();
    there(first);
    enters(first, Optional.empty());
    assertFalse(occupancy.awaitWithout(first, System.nanoTime()), "it is about to sit here");
    there(second);
    assertFalse(occupancy.refused(first, "torn down"));
    assertTrue(occupancy.awaitWithout(first, System.nanoTime()));
    enters(second, Optional.empty());
  }

  @Test void itLeavesAgainAtOnce() {
    occupancy.vacant();
    there(first);
    enters(first, Optional.empty());
    there();
    Occupant occupant = occupant(first);
    assertTrue(occupancy.entered(occupant));
    leaves(occupant);
    assertFalse(occupancy.awaitWithout(first, System.nanoTime()));
    left(Optional.empty());
    assertTrue(occupancy.awaitWithout(first, System.nanoTime()));
    is(State.PARKED, NOBODY);
  }

  @Test void whoThrowsIsParkedAndNotReplacedByTheSecondBest() {
    there(better, second);
    Occupant occupant = occupant(better);
    occupancy.placed(occupant);
    assertTrue(occupancy.failed(occupant, "it failed"));
    assertFalse(occupancy.failed(occupant, "again"), "once is enough");
    leaves(occupant);
    is(State.DRAINING, "it failed");
    left(Optional.empty());
    is(State.PARKED, "it failed");
    rests();
    there(second);
    enters(second, Optional.empty());
    occupancy.entered(occupant(second));
    assertFalse(occupancy.failed(occupant, "long gone"));
    rests();
  }

  @Test void somebodyParksItAndLetsItGoOn() {
    Occupant occupant = place(first);
    choice.hold("maintenance");
    leaves(occupant);
    is(State.DRAINING, "maintenance");
    left(Optional.empty());
    there(second, better);
    rests();
    is(State.PARKED, "maintenance");
    choice.release();
    enters(better, Optional.empty());
  }

  @Test void somebodyChoosesTheProvider() throws Exception {
    there(better, second);
    Occupant occupant = occupant(better);
    occupancy.placed(occupant);
    assertEquals("there is no provider 'third' of type 'test'; there are: better 1.0.0, second 1.0.0", assertThrows(LaunchException.class, () -> choice.pin("third")).getMessage());
    rests();
    choice.pin("second 1.0.0");
    leaves(occupant);
    left(Optional.empty());
    enters(second, Optional.empty());
    Occupant chosen = occupant(second);
    occupancy.entered(chosen);
    there(better);
    leaves(chosen);
    left(Optional.empty());
    is(State.PARKED, "it waits for provider 'second', which was chosen for it");
    Candidate updated = candidate("second", 0, 9);
    there(better, new Candidate(updated.provider(), "second", "1.1.0", 0, 9));
    assertEquals("second 1.1.0", assertEnter(occupancy.next()).label(), "the chosen bundle, updated");
    occupancy.refused(choice.target().orElseThrow(), "new bug");
    choice.pin("");
    enters(better, Optional.empty());
  }

  private static Candidate assertEnter(Occupancy.Step step) { return ((Occupancy.Step.Enter) step).coming(); }

  @Test void theGuestEndsInEveryState() {
    for (State from : State.values()) {
      Choice here = new Choice("test");
      Occupancy slot = new Occupancy(here, swaps::add);
      Occupant occupant = occupant(first);
      here.offer(List.of(first));
      if (from == State.ACTIVE || from == State.DRAINING) slot.placed(occupant);
      if (from == State.PARKED) slot.vacant();
      if (from == State.DRAINING) {
        here.offer(List.of());
        slot.next();
      }
      if (from == State.GONE) slot.gone(() -> {});
      assertEquals(from, slot.state());
      assertEquals(from == State.ACTIVE ? Optional.of(occupant) : Optional.empty(), slot.gone(() -> {}), "who is just leaving is closed by its exchange");
      assertEquals(Optional.of("the guest has ended"), slot.reason());
      slot.left(Optional.empty(), () -> { throw new AssertionError("nobody is interested"); });
      assertFalse(slot.entered(occupant), "comes too late, and has to be closed");
      here.offer(List.of(second));
      assertFalse(slot.startExchange());
      assertEquals(new Occupancy.Step.Rest(), slot.next());
      assertEquals(State.GONE, slot.state());
      assertTrue(slot.awaitWithout(first, System.nanoTime()));
    }
  }

  @Test void aFaultOfOursParksItForGood() {
    Occupant occupant = place(first);
    there(better);
    leaves(occupant);
    occupancy.broken("a bug", () -> vacated++);
    is(State.PARKED, "a bug");
    assertEquals(1, vacated);
    assertFalse(occupancy.startExchange());
    choice.release();
    assertTrue(occupancy.startExchange());
  }
}
