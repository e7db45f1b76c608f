package lguest.device.block;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import lguest.device.Device;
import lguest.device.DeviceConfig;
import lguest.device.DeviceContext;
import lguest.device.DeviceException;
import lguest.device.DeviceProvider;
import lguest.device.DeviceState;
import lguest.device.DeviceType;
import org.osgi.service.component.annotations.Component;

/** Disks: finds the file, makes sure that nobody else writes to it, and puts a {@link BlockDevice} in front of it (L43). */
@Component
@DeviceType(type = "block", option = BlockOptions.USAGE, about = "a disk kept in a file or block device; ro: never written to; overlay: what is written goes to a file beside it")
public final class BlockProvider implements DeviceProvider {
  private static final String SIZE = "size", DEVICE = "device", INODE = "inode";
  private static final String MAKE = "check the path, or make a disk of 1 GiB with: truncate -s 1G <filename>";

  private final Users users = new Users();

  @Override public String type() { return "block"; }

  @Override public Device open(DeviceConfig config, DeviceContext context) throws DeviceException {
    BlockOptions options = BlockOptions.parse(config.argument());
    DeviceState before = config.state().orElse(null);
    if (before != null && before.version() != BlockDevice.STATE_VERSION)
      throw new DeviceException("this version of the block device does not know what version " + before.version() + " has left; install that one again");
    if (before != null && !before.values().keySet().containsAll(List.of(SIZE, DEVICE, INODE)))
      throw new DeviceException("what was left here is another block device's; install that one again");
    List<DiskFile> files = new ArrayList<>();
    try {
      Disk disk = disk(options, before, context, files);
      return new BlockDevice(disk, context, state(disk, before), () -> free(files));
    } catch (DeviceException | RuntimeException e) {
      free(files);
      throw e;
    }
  }

  private void free(List<DiskFile> files) {
    for (DiskFile file : files) {
      users.remove(file);
      file.close();
    }
  }

  private Disk disk(BlockOptions options, DeviceState before, DeviceContext context, List<DiskFile> files) throws DeviceException {
    boolean writable = !options.readOnly() && options.overlay().isEmpty();
    DiskFile file = open("disk", options.file(), writable ? DiskFile.Access.WRITE : DiskFile.Access.READ, context, files);
    long size;
    try {
      size = file.size();
    } catch (IOException e) {
      throw new DeviceException("cannot find the size of " + file.name() + ": " + e.getMessage() + "; name a file or a disk", e);
    }
    if (before != null) {
      // The guest has read the size at boot, and its data is in that file and no other.
      size = (Long) before.values().get(SIZE);
      if (!file.identity().equals(new DiskFile.Identity((Long) before.values().get(DEVICE), (Long) before.values().get(INODE))))
        throw new DeviceException(file.name() + " is not the file the guest began with; move that one back");
    } else if (size < BlockDevice.SECTOR) {
      throw new DeviceException(file.name() + " is empty; give it a size, 1 GiB for instance, with: truncate -s 1G " + file.path());
    }
    if (options.overlay().isEmpty()) return new PlainDisk(file, size, writable);
    DiskFile overlay = open("overlay", options.overlay().get(), DiskFile.Access.CREATE, context, files);
    return new OverlayDisk(file, overlay, size);
  }

  private DiskFile open(String what, Path path, DiskFile.Access access, DeviceContext context, List<DiskFile> files) throws DeviceException {
    DiskFile file = new DiskFile(what, path, access, MAKE);
    files.add(file);
    boolean exclusive = access != DiskFile.Access.READ;
    try {
      if (!file.lock(exclusive))
        throw new DeviceException(file.name() + " is in use by " + users.of(file).orElse("another process") + (exclusive ? "" : ", which writes to it")
          + (what.equals("overlay") ? "; name another file for the overlay" : "; guests can share it if all of them add ,ro or an ,overlay=<file> of their own"));
      users.add(file, "guest '" + context.guestName() + "' (" + type() + " " + context.slot() + ")");
    } catch (IOException e) {
      context.log().log(System.Logger.Level.WARNING, "cannot lock " + file.name() + ": " + e.getMessage() + "; take care that nobody else writes to it");
    }
    return file;
  }

  private static Map<String, Object> state(Disk disk, DeviceState before) {
    Map<String, Object> state = new HashMap<>(before == null ? Map.of() : before.values());
    DiskFile.Identity identity = disk.files().getFirst().identity();
    state.putAll(Map.of(SIZE, disk.size(), DEVICE, identity.device(), INODE, identity.inode()));
    return state;
  }
}
