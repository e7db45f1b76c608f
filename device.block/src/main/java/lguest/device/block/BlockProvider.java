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
  private static final String DISK = "disk", OVERLAY = "overlay";
  private static final String MAKE = "check the path, or make a disk of 1 GiB with: truncate -s 1G <filename>";

  private final Users users = new Users();

  @Override public String type() { return "block"; }

  @Override public Device open(DeviceConfig config, DeviceContext context) throws DeviceException {
    BlockOptions options = BlockOptions.parse(config.argument());
    DeviceState before = config.state().orElse(null);
    if (before != null && before.version() != BlockDevice.STATE_VERSION)
      throw new DeviceException("this version of the block device does not know what version " + before.version() + " has left; install that one again");
    if (before != null && !before.values().keySet().containsAll(options.overlay().isEmpty() ? List.of(BlockDevice.SIZE, DISK) : List.of(BlockDevice.SIZE, DISK, OVERLAY)))
      throw new DeviceException("what was left here is another block device's; install that one again");
    List<DiskFile> files = new ArrayList<>();
    try {
      Disk disk = disk(options, before, context, files);
      boolean unsynced = before != null && Boolean.TRUE.equals(before.values().get(BlockDevice.UNSYNCED));
      return new BlockDevice(disk, context, unsynced, new BlockDevice.Files() {
        @Override public Map<String, Long> descriptors() {
          Map<String, Long> descriptors = new HashMap<>(files.getFirst().descriptors(DISK));
          if (files.size() > 1) descriptors.putAll(files.get(1).descriptors(OVERLAY));
          return descriptors;
        }

        @Override public void free(boolean keepOpen) { BlockProvider.this.free(files, keepOpen); }
      });
    } catch (DeviceException | RuntimeException e) {
      // What was left open here is for the next who tries.
      free(files, before != null);
      throw e;
    }
  }

  private void free(List<DiskFile> files, boolean keepOpen) {
    for (DiskFile file : files) {
      users.remove(file);
      if (!keepOpen) file.close();
    }
  }

  private Disk disk(BlockOptions options, DeviceState before, DeviceContext context, List<DiskFile> files) throws DeviceException {
    boolean writable = !options.readOnly() && options.overlay().isEmpty();
    DiskFile file = before != null ? resume(DISK, options.file(), before, context, files) : open(DISK, options.file(), writable ? DiskFile.Access.WRITE : DiskFile.Access.READ, context, files);
    long size = before != null ? (Long) before.values().get(BlockDevice.SIZE) : size(file);
    if (options.overlay().isEmpty()) return new PlainDisk(file, size, writable);
    Path path = options.overlay().get();
    return new OverlayDisk(file, before != null ? resume(OVERLAY, path, before, context, files) : open(OVERLAY, path, DiskFile.Access.CREATE, context, files), size);
  }

  /** The size when the guest boots, which stays: it reads it only then. */
  private static long size(DiskFile file) throws DeviceException {
    try {
      long size = file.size();
      if (size < BlockDevice.SECTOR)
        throw new DeviceException(file.name() + " is empty; give it a size, 1 GiB for instance, with: truncate -s 1G " + file.path());
      return size;
    } catch (IOException e) {
      throw new DeviceException("cannot find the size of " + file.name() + ": " + e.getMessage() + "; name a file or a disk", e);
    }
  }

  private DiskFile resume(String what, Path path, DeviceState before, DeviceContext context, List<DiskFile> files) throws DeviceException {
    DiskFile file = new DiskFile(what, path, descriptor(before, what), descriptor(before, what + DiskFile.DIRECT));
    files.add(file);
    use(file, context);
    return file;
  }

  private static int descriptor(DeviceState state, String name) { return state.values().get(name) instanceof Long fd ? fd.intValue() : -1; }

  private void use(DiskFile file, DeviceContext context) { users.add(file, "guest '" + context.guestName() + "' (" + type() + " " + context.slot() + ")"); }

  private DiskFile open(String what, Path path, DiskFile.Access access, DeviceContext context, List<DiskFile> files) throws DeviceException {
    DiskFile file = new DiskFile(what, path, access, MAKE);
    files.add(file);
    boolean exclusive = access != DiskFile.Access.READ;
    try {
      if (!file.lock(exclusive))
        throw new DeviceException(file.name() + " is in use by " + users.of(file).orElse("another process") + (exclusive ? "" : ", which writes to it")
          + (what.equals(OVERLAY) ? "; name another file for the overlay" : "; guests can share it if all of them add ,ro or an ,overlay=<file> of their own"));
      use(file, context);
    } catch (IOException e) {
      context.log().log(System.Logger.Level.WARNING, "cannot lock " + file.name() + ": " + e.getMessage() + "; take care that nobody else writes to it");
    }
    return file;
  }
}
