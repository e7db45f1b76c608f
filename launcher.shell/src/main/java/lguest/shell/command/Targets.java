package lguest.shell.command;

import java.util.List;
import java.util.stream.Stream;
import lguest.launcher.DeviceSlot;
import lguest.launcher.Guest;
import lguest.shell.words.UserError;

/**
 * Whom a word means: a guest by its name or any beginning of it that only one has, a device as {@code guest/slot}, the slot by
 * its number or its type. Where there is only one guest it need not be named.
 */
public final class Targets {
  /** A guest's device. */
  public record Device(Guest guest, DeviceSlot slot) {
    /** As it can be typed. */
    public String name() { return Targets.name(guest, slot); }

    /** As people recognise it. */
    public String title() { return name() + " (" + slot.type() + ")"; }
  }

  private final List<Guest> guests;

  public Targets(List<Guest> guests) { this.guests = guests; }

  public static String name(Guest guest, DeviceSlot slot) { return guest.name() + "/" + slot.index(); }

  /** The guest, when there is only one. */
  public Guest onlyGuest() throws UserError {
    if (guests.isEmpty()) throw noGuest();
    if (guests.size() > 1) throw UserError.of("which guest? There are: " + names());
    return guests.getFirst();
  }

  public Guest guest(String word) throws UserError {
    for (Guest guest : guests) if (guest.name().equals(word)) return guest;
    List<Guest> found = guests.stream().filter(guest -> !word.isEmpty() && guest.name().startsWith(word)).toList();
    if (found.size() == 1) return found.getFirst();
    if (guests.isEmpty()) throw noGuest();
    if (found.isEmpty()) throw UserError.of("there is no guest '" + word + "'; there are: " + names());
    throw UserError.of("'" + word + "' may be " + String.join(" or ", found.stream().map(Guest::name).toList()));
  }

  public Device device(String word) throws UserError {
    int slash = word.indexOf('/');
    Guest guest = slash < 0 ? onlyGuest() : guest(word.substring(0, slash));
    return new Device(guest, slot(guest, word.substring(slash + 1)));
  }

  /** One device, or all of a guest: a word without a slash means a guest if there is one of that name. */
  public List<Device> devices(String word) throws UserError {
    boolean guest = !word.contains("/") && guests.stream().anyMatch(one -> one.name().startsWith(word));
    return guest || guests.size() != 1 && !word.contains("/") ? all(guest(word)) : List.of(device(word));
  }

  public static List<Device> all(Guest guest) { return guest.slots().stream().map(slot -> new Device(guest, slot)).toList(); }

  private static DeviceSlot slot(Guest guest, String word) throws UserError {
    List<DeviceSlot> slots = guest.slots();
    for (DeviceSlot slot : slots) if (word.equals("" + slot.index())) return slot;
    for (Stream<DeviceSlot> matching : List.of(slots.stream().filter(slot -> slot.type().equals(word)),
        slots.stream().filter(slot -> !word.isEmpty() && slot.type().startsWith(word)))) {
      List<DeviceSlot> found = matching.toList();
      if (found.size() == 1) return found.getFirst();
      if (found.size() > 1) throw UserError.of("'" + word + "' may be " + names(guest, found, " or "));
    }
    throw UserError.of("guest '" + guest.name() + "' has no device '" + word + "'" + (slots.isEmpty() ? ", nor any other"
        : "; it has: " + names(guest, slots, ", ")));
  }

  private static String names(Guest guest, List<DeviceSlot> slots, String between) {
    return String.join(between, slots.stream().map(slot -> new Device(guest, slot).title()).toList());
  }

  private String names() { return String.join(", ", guests.stream().map(Guest::name).toList()); }

  private static UserError noGuest() { return UserError.of("there is no guest: run one first"); }
}
