package lguest.device.block;

import static lguest.device.block.Guest.INT;
import static lguest.device.block.Guest.bytes;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import lguest.device.DeviceException;
import lguest.device.DeviceState;
import lguest.device.GuestFaultException;
import lguest.device.fake.FakeRequest;
import org.junit.jupiter.api.Test;

/** One implementation goes, and the next one goes on. */
class SuccessionTest extends WithDisk {
  @Test void whatIsNotOnTheMediumYetIsSaidToTheNextImplementation() throws Exception {
    Optional<DeviceState> state;
    try (Guest guest = guest("")) {
      guest.read(0, 512);
      state = guest.device.drain();
      assertEquals(false, state.orElseThrow().values().get("unsynced"));
    }
    try (Guest guest = new Guest(new BlockProvider(), file.toString(), state)) {
      guest.write(0, bytes(4096, 21));
      state = guest.device.drain();
    }
    assertEquals(true, state.orElseThrow().values().get("unsynced"));
    try (Guest guest = new Guest(new BlockProvider(), file.toString(), state)) {
      Thread.sleep(1500);
      assertEquals(false, guest.device.drain().orElseThrow().values().get("unsynced"), "it has synced what the other one wrote");
    }
  }

  @Test void nextImplementationGoesOn() throws Exception {
    BlockProvider provider = new BlockProvider();
    Optional<DeviceState> state;
    byte[] data = bytes(512, 11);
    try (Guest guest = new Guest(provider, file.toString())) {
      guest.write(5, data);
      state = guest.device.drain();
    }
    // Larger by now, but the guest has read its size long ago.
    try (RandomAccessFile other = new RandomAccessFile(file.toFile(), "rw")) { other.setLength(content.length + 512); }
    try (Guest guest = new Guest(new BlockProvider(), file.toString(), state)) {
      assertEquals(SECTORS, guest.machine.page(0).get(INT, 16));
      assertArrayEquals(data, guest.read(5, 512).received());
      guest.ask(0, SECTORS, 512);
      assertThrows(GuestFaultException.class, () -> guest.device.request(guest.machine.send(0)));
    }
    String message = assertThrows(DeviceException.class, () -> new Guest(provider, file.toString(), Optional.of(new DeviceState(9, state.get().values())))).getMessage();
    assertTrue(message.contains("does not know what version 9 has left"), message);
  }

  @Test void nextImplementationGoesOnWithTheOpenFilesWhateverBecomesOfTheirNames() throws Exception {
    Path overlay = folder.resolve("overlay"), away = folder.resolve("away");
    for (String options : new String[] {"", ",overlay=" + overlay}) {
      byte[] first = bytes(512, 12), second = bytes(512, 13);
      DeviceState state;
      try (Guest guest = guest(options)) {
        guest.write(5, first);
        state = guest.device.drain().orElseThrow();
      }
      assertEquals(options.isEmpty() ? 2 : 4, state.descriptors().size(), "two for each file, one of them for direct I/O: " + state);
      // Locked still, though there is no device.
      assertTrue(assertThrows(DeviceException.class, () -> guest(options)).getMessage().contains(" is in use by "));
      Files.move(file, away);
      Files.write(file, content);
      DeviceState next;
      try (Guest guest = new Guest(new BlockProvider(), file + options, Optional.of(state))) {
        assertArrayEquals(first, guest.read(5, 512).received());
        guest.write(6, second);
        next = guest.device.drain().orElseThrow();
      }
      // An open that fails leaves them to the next.
      assertThrows(DeviceException.class, () -> new Guest(new BlockProvider(), file + options, Optional.of(new DeviceState(3, next.values(), next.descriptors()))));
      try (Guest guest = new Guest(new BlockProvider(), file + options, Optional.of(next))) {
        assertArrayEquals(second, guest.read(6, 512).received());
      }
      if (options.isEmpty()) assertArrayEquals(second, Arrays.copyOfRange(Files.readAllBytes(away), 6 * 512, 7 * 512));
      Files.move(away, file, StandardCopyOption.REPLACE_EXISTING);
      guest(options).close();
      makeDisk();
    }
  }

  @Test void drainGivesBackWhatItHasNotBegun() throws Exception {
    Guest guest = guest("");
    List<FakeRequest> replies = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      replies.add(guest.machine.offer(0, 65536, 65536, 65536));
      guest.ask(0, 0, 3 * 65536);
      guest.device.request(guest.machine.send(0));
    }
    guest.device.drain();
    List<Boolean> then = replies.stream().map(FakeRequest::isComplete).toList();
    guest.device.close();
    assertEquals(then, replies.stream().map(FakeRequest::isComplete).toList(), "none is touched after draining");
    assertFalse(then.indexOf(false) >= 0 && then.lastIndexOf(true) > then.indexOf(false), "none was skipped: " + then);
    guest.machine.close();
  }
}
