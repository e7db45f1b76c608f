package lguest.device.block;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** Who uses which file, for telling the user why a disk cannot be had: guests of this JVM by name, other processes by what /proc says. */
final class Users {
  private final Map<DiskFile, String> here = new ConcurrentHashMap<>();

  void add(DiskFile file, String user) { here.put(file, user); }

  void remove(DiskFile file) { here.remove(file); }

  /** Somebody who has this file locked, if that can be found out. */
  Optional<String> of(DiskFile file) {
    for (Map.Entry<DiskFile, String> use : here.entrySet())
      if (use.getKey().identity().equals(file.identity())) return Optional.of(use.getValue());
    return otherProcess(file.identity());
  }

  private static Optional<String> otherProcess(DiskFile.Identity wanted) {
    long self = ProcessHandle.current().pid();
    try (DirectoryStream<Path> processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
      for (Path process : processes)
        if (!process.endsWith(Long.toString(self)) && hasLocked(process, wanted))
          return Optional.of("process " + process.getFileName() + command(process).map(name -> " (" + name + ")").orElse(""));
    } catch (IOException e) {
      // Then it cannot be found out.
    }
    return Optional.empty();
  }

  private static boolean hasLocked(Path process, DiskFile.Identity wanted) {
    try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(process.resolve("fd"))) {
      for (Path descriptor : descriptors) {
        if (!Files.readSymbolicLink(descriptor).toString().startsWith("/")) continue;
        try {
          Map<String, Object> id = Files.readAttributes(descriptor, "unix:dev,ino");
          if (wanted.equals(new DiskFile.Identity((Long) id.get("dev"), (Long) id.get("ino")))
            && Files.readString(process.resolve("fdinfo").resolve(descriptor.getFileName())).contains("lock:")) return true;
        } catch (IOException e) {
          // Closed meanwhile.
        }
      }
    } catch (IOException | java.io.UncheckedIOException | java.nio.file.DirectoryIteratorException e) {
      // Gone meanwhile, or somebody else's.
    }
    return false;
  }

  private static Optional<String> command(Path process) {
    try {
      return Optional.of(Files.readString(process.resolve("comm")).strip());
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
