package lguest.dev;

import aQute.bnd.osgi.Builder;
import aQute.bnd.osgi.EmbeddedResource;
import aQute.bnd.osgi.Jar;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/** Makes a bundle of classes as the Maven build does, with the same bnd and the same instructions, in memory. */
final class Bundler {
  /** A bundle, or what is wrong with it. */
  record Outcome(byte[] jar, List<String> errors) {}

  private final List<File> classPath;

  Bundler(Collection<Path> classPath) { this.classPath = classPath.stream().map(Path::toFile).toList(); }

  Outcome bundle(Project project, Project.Content content, Map<String, byte[]> classes) throws Exception {
    try (Builder builder = new Builder(); Jar jar = new Jar(project.name())) {
      builder.setBase(project.folder().toFile());
      builder.setProperty("project.artifactId", content.artifact());
      builder.setProperty("project.description", content.artifact());
      for (Path file : project.instructions()) builder.addProperties(builder.loadProperties(file.toFile()));
      builder.setProperty("Bundle-Version", content.version().replaceFirst("-(?=[^-]*$)", "."));
      // Nothing is read from a folder that Maven may be writing to.
      classes.forEach((path, bytes) -> jar.putResource(path, new EmbeddedResource(bytes, 0)));
      content.resources().forEach((path, bytes) -> jar.putResource(path, new EmbeddedResource(bytes.content(), 0)));
      builder.setJar(jar);
      builder.setClasspath(classPath.toArray(File[]::new));
      Jar bundle = builder.build();
      if (!builder.isOk()) return new Outcome(null, List.copyOf(builder.getErrors()));
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      bundle.setCompression(Jar.Compression.STORE);
      bundle.write(bytes);
      return new Outcome(bytes.toByteArray(), List.of());
    }
  }
}
