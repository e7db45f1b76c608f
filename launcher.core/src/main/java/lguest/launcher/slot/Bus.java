package lguest.launcher.slot;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BooleanSupplier;
import lguest.launcher.GuestSpec.DeviceSpec;
import lguest.launcher.LaunchException;
import lguest.memory.GuestMemory;

/**
 * Tour 3.5: The bus
 *
 * <p>A guest finds its devices in one page just above its RAM: sixteen descriptors of twelve bytes that say what each is and where its pages are (ABI §3.2). That is all there is
 * to the bus. Afterwards, guest and device call each other by a key, a number that looks like an address: here it becomes a slot and a channel.
 */
public final class Bus {
  public static final int MAX_SLOTS = 16;
  private static final int DESCRIPTOR_SIZE = 12, TYPE = 0, FEATURES = 2, NUM_PAGES = 6, PFN = 8;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** A guest can send to nobody as fast as it likes; people can only read so much. */
  private static final int LOGGED = 100;

  private final Machine machine;
  private int sentToNobody;
  private final List<Slot> slots = new CopyOnWriteArrayList<>();

  /** Makes an empty slot for each device. */
  public Bus(Machine machine, List<DeviceSpec> devices) throws LaunchException {
    this.machine = machine;
    if (devices.size() > MAX_SLOTS) throw new LaunchException("too many devices: %d are wanted, a guest's bus has %d slots; leave some out".formatted(devices.size(), MAX_SLOTS));
    for (DeviceSpec device : devices) slots.add(slot(device));
  }

  public List<Slot> slots() { return List.copyOf(slots); }

  private Slot slot(DeviceSpec device) {
    return new Slot(machine, slots.size(), device.type(), device.argument(), new Slot.Row() {
      @Override public void settled(Slot slot) { describe(slot); }

      @Override public Optional<Slot> withoutPage() { return slots.stream().filter(slot -> slot.description() != null && slot.description().pages() == 0).findFirst(); }
    });
  }

  /** Adds a slot behind the others, with its first device in it if there is a provider. One at a time. */
  public Slot add(DeviceSpec device, List<Candidate> candidates) throws LaunchException {
    if (slots.size() == MAX_SLOTS) throw new LaunchException("guest '%s' has %d devices already, and its bus has no place for more".formatted(machine.name(), MAX_SLOTS));
    Slot slot = slot(device);
    slots.add(slot);
    try {
      slot.openFirst(candidates);
      return slot;
    } catch (LaunchException e) {
      slots.remove(slot);
      slot.discard();
      throw e;
    }
  }

  /** Writes a slot's descriptor, now that it is known what it is. The type comes last, for a guest that looks just now: as long as it is 0 there is nothing. */
  private void describe(Slot slot) {
    Description description = slot.description();
    long address = machine.memory().ram() + (long) slot.index() * DESCRIPTOR_SIZE;
    MemorySegment descriptor = machine.memory().view(address, DESCRIPTOR_SIZE);
    descriptor.set(SHORT, FEATURES, (short) description.features());
    descriptor.set(SHORT, NUM_PAGES, (short) description.pages());
    descriptor.set(INT, PFN, (int) (slot.key(0) / GuestMemory.PAGE_SIZE));
    VarHandle.releaseFence();
    descriptor.set(SHORT, TYPE, (short) description.type());
    machine.memoryWritten(address, DESCRIPTOR_SIZE);
    machine.log().line(System.Logger.Level.INFO, "Device %d: %s%s, %s".formatted(slot.index(), slot.type(), slot.argument().isEmpty() ? "" : " " + slot.argument(), description), null);
  }

  /**
   * The guest's thread: a DMA the guest has sent (L31). The first slot the key belongs to gets it, and hands it on if it can; the guest may run on when what is returned says true.
   * Nobody's: logged, and the guest may run on. A bad address is an {@link lguest.memory.InvalidAddressException}.
   */
  public BooleanSupplier send(long address, long key) {
    Dma dma = Dma.read(machine.memory(), address);
    for (Slot slot : slots) {
      int channel = slot.channel(key);
      if (channel < 0) continue;
      Transfer transfer = slot.send(channel, dma);
      slot.work();
      return () -> slot.isReleased(transfer);
    }
    if (++sentToNobody <= LOGGED) machine.log().line(System.Logger.Level.WARNING, "Pending dma %#x, key %#x: no device has this key%s".formatted(address, key, sentToNobody == LOGGED ? "; more of these are not logged" : ""), null);
    return () -> true;
  }

  /** The guest's thread: whatever there is to do in any slot. Returns whether there was anything. */
  public boolean work() {
    boolean worked = false;
    for (Slot slot : slots) worked |= slot.work();
    return worked;
  }
}
