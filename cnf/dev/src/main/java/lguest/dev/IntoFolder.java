package lguest.dev;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** The folder for finished jars of another platform, which does the rest. A jar appears there whole or not at all. */
record IntoFolder(Path folder) implements Target {
  private Path jar(String name) { return folder.resolve(name + ".jar"); }

  @Override public boolean has(String name) { return Files.exists(jar(name)); }

  @Override public Outcome put(byte[] jar) throws IOException {
    String name = Live.symbolicName(jar);
    Path begun = folder.resolve("." + name + ".begun");
    Files.write(begun, jar);
    Files.move(begun, jar(name), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    return new Outcome(true, "written to " + jar(name));
  }

  @Override public void remove(String name) throws IOException { Files.deleteIfExists(jar(name)); }
}
