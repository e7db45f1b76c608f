package lguest.cpu.x86.fpu;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The x87 unit of the machine the tests run on, behind x87-oracle.c, compiled once per test run. */
final class RealUnit {
  private final Path directory;
  private final Path program;

  private RealUnit(Path directory, Path program) {
    this.directory = directory;
    this.program = program;
  }

  /** Skips the calling test, saying why, where there is no such unit or no compiler. */
  static RealUnit orSkip(Path directory) throws IOException, InterruptedException {
    String arch = System.getProperty("os.arch");
    assumeTrue(arch.equals("amd64") || arch.equals("x86_64"), "no x87 unit to compare with on " + arch);
    Path source = directory.resolve("x87-oracle.c"), program = directory.resolve("x87-oracle");
    try (InputStream in = RealUnit.class.getResourceAsStream("x87-oracle.c")) {
      Files.copy(in, source);
    }
    Process gcc;
    try {
      gcc = new ProcessBuilder("gcc", "-O0", "-o", program.toString(), source.toString()).inheritIO().start();
    } catch (IOException e) {
      assumeTrue(false, "gcc is missing, nothing to compare with: " + e.getMessage());
      throw e;
    }
    if (gcc.waitFor() != 0) throw new IOException("gcc failed on x87-oracle.c");
    return new RealUnit(directory, program);
  }

  List<X87Case> run(List<X87Case> cases) throws IOException, InterruptedException {
    ByteBuffer in = X87Case.buffer(cases.size());
    for (X87Case c : cases) c.write(in);
    Path input = directory.resolve("in"), output = directory.resolve("out");
    Files.write(input, in.array());
    Process p = new ProcessBuilder(program.toString()).redirectInput(input.toFile()).redirectOutput(output.toFile())
        .redirectError(ProcessBuilder.Redirect.INHERIT).start();
    int status = p.waitFor();
    ByteBuffer out = ByteBuffer.wrap(Files.readAllBytes(output)).order(ByteOrder.LITTLE_ENDIAN);
    if (status != 0 || out.capacity() != in.capacity()) {
      throw new IOException("x87-oracle ended with " + status + " after " + out.capacity() / X87Case.BYTES + " of " + cases.size()
          + " cases; next: " + cases.get(Math.min(out.capacity() / X87Case.BYTES, cases.size() - 1)));
    }
    List<X87Case> outcomes = new ArrayList<>();
    while (out.hasRemaining()) outcomes.add(X87Case.read(out));
    return outcomes;
  }
}
