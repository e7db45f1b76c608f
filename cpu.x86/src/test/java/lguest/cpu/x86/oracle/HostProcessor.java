package lguest.cpu.x86.oracle;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The processor the tests run on, in 32-bit mode, behind processor.c. */
final class HostProcessor {
  private static final byte[] NOTHING = new byte[Area.WRITABLE + Area.READONLY + Area.STACK_SIZE];
  private final Path directory, program;
  /** What the manual leaves undefined, our processor does as AMD's; with another host the flags concerned are not compared. */
  final boolean undefinedAgree;

  /** The kernel grants segments for thread-local storage to 32-bit code. */
  final boolean segments;

  private HostProcessor(Path directory, Path program) throws IOException, InterruptedException {
    this.directory = directory;
    this.program = program;
    undefinedAgree = Files.readString(Path.of("/proc/cpuinfo")).contains("AuthenticAMD");
    segments = status(input(NOTHING, List.of(), true)) == 0;
    if (!segments) System.out.println("instruction test: this kernel grants no segments for thread-local storage, so none are tested");
  }

  /** Skips the calling test, saying why, where there is no such processor or no compiler. */
  static HostProcessor orSkip(Path directory) throws IOException, InterruptedException {
    String arch = System.getProperty("os.arch"), os = System.getProperty("os.name");
    assumeTrue((arch.equals("amd64") || arch.equals("x86_64")) && os.equals("Linux"), "no x86 processor to compare with on " + os + " " + arch);
    Path source = directory.resolve("processor.c"), program = directory.resolve("processor");
    try (InputStream in = HostProcessor.class.getResourceAsStream("processor.c")) {
      Files.copy(in, source);
    }
    Process gcc;
    try {
      gcc = new ProcessBuilder("gcc", "-O1", "-fno-stack-protector", "-fPIE", "-ffreestanding", "-mgeneral-regs-only", "-nostdlib", "-static-pie",
          "-Wl,-estart", "-o", program.toString(), source.toString()).inheritIO().start();
    } catch (IOException e) {
      assumeTrue(false, "gcc is missing, nothing to compare with: " + e.getMessage());
      throw e;
    }
    if (gcc.waitFor() != 0) throw new IOException("gcc failed on processor.c");
    HostProcessor host = new HostProcessor(directory, program);
    int status = host.status(input(NOTHING, List.of(), false));
    assumeTrue(status == 0, "this machine does not let 32-bit code run under a system call filter: processor.c ends with " + status);
    return host;
  }

  List<Outcome> run(byte[] image, List<Program> programs) throws IOException, InterruptedException {
    int status = status(input(image, programs, segments));
    ByteBuffer out = ByteBuffer.wrap(Files.readAllBytes(directory.resolve("outcomes"))).order(ByteOrder.LITTLE_ENDIAN);
    List<Outcome> outcomes = new ArrayList<>();
    while (status == 0 && out.hasRemaining()) outcomes.add(Outcome.read(out));
    if (outcomes.size() != programs.size()) {
      throw new IOException("processor.c ended with " + status + " after " + outcomes.size() + " of " + programs.size() + " programs");
    }
    return outcomes;
  }

  private static ByteBuffer input(byte[] image, List<Program> programs, boolean segments) {
    ByteBuffer in = ByteBuffer.allocate(80 + image.length + programs.size() * Program.RECORD).order(ByteOrder.LITTLE_ENDIAN);
    in.putInt(Area.CODE).putInt(Area.DATA).putInt(Area.WRITABLE).putInt(Area.READONLY).putInt(Area.STACK).putInt(Area.STACK_SIZE);
    for (int[] segment : Area.SEGMENTS) for (int field : segment) in.putInt(segments ? field : 0);
    in.putInt(Area.fs(segments)).putInt(Area.gs(segments)).put(image);
    for (Program p : programs) p.write(in);
    return in;
  }

  private int status(ByteBuffer in) throws IOException, InterruptedException {
    Path input = directory.resolve("programs");
    Files.write(input, in.array());
    return new ProcessBuilder(program.toString()).redirectInput(input.toFile()).redirectOutput(directory.resolve("outcomes").toFile())
        .redirectError(ProcessBuilder.Redirect.INHERIT).start().waitFor();
  }
}
