package lguest.dev;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import lguest.dev.starter.Starter;
import lguest.dev.starter.Wish;
import lguest.launcher.Guest;
import lguest.launcher.GuestSpec;
import lguest.launcher.GuestSpec.DeviceSpec;
import lguest.launcher.Launcher;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;

/** How long it takes from a save to a live device, in this platform, with a guest that runs: the device is the starter's, and each save changes a line of it. */
final class Measure {
  private static final long PATIENCE_SECONDS = 60;
  private static final int WARM = 10;

  private final BundleContext context;
  private final List<Path> classPath;

  Measure(BundleContext context, List<Path> classPath) {
    this.context = context;
    this.classPath = classPath;
  }

  int run(int times) throws Exception {
    Path folder = Files.createTempDirectory("lguest-measure-");
    BlockingQueue<Loop.Round> rounds = new LinkedBlockingQueue<>();
    List<Loop.Round> measured = new ArrayList<>();
    List<Double> processor = new ArrayList<>();
    try (Loop loop = new Loop(new Live(context), classPath, line -> {}, rounds::add)) {
      Path device = new Starter(context.getBundle()).make(Wish.of("measured", "org.example.measured"), folder);
      loop.add(device);
      loop.begin();
      Thread thread = Thread.ofPlatform().daemon().name("development loop").start(loop::run);
      next(rounds);
      Launcher launcher = context.getService(context.getServiceReference(Launcher.class));
      try (Guest guest = launcher.create(new GuestSpec("measure", 64L << 20, demo(folder), Optional.empty(), List.of(new DeviceSpec("measured", ""), new DeviceSpec("console", "")), "quiet"))) {
        guest.start();
        Path source = device.resolve("src/main/java/org/example/measured/MeasuredDevice.java");
        String text = Files.readString(source);
        for (int i = 0; i < times + WARM; i++) {
          // As an editor saves: a file beside it, then the rename. A pause, as no loop but a person's is measured.
          Thread.sleep(50);
          double before = processorTime();
          Path beside = Files.writeString(source.resolveSibling("MeasuredDevice.java~"), text.replace("says ", "says for the time no " + i + " "));
          Files.move(beside, source, StandardCopyOption.ATOMIC_MOVE);
          Loop.Round round = next(rounds);
          if (i >= WARM) processor.add((processorTime() - before) / 1e6);
          if (!round.live()) throw new UserError("the device was not live after save " + i);
          if (i >= WARM) measured.add(round);
        }
      }
      thread.interrupt();
    } finally {
      try (Stream<Path> all = Files.walk(folder)) { for (Path file : all.sorted(Comparator.reverseOrder()).toList()) Files.deleteIfExists(file); }
    }
    System.out.printf("%-12s %8s %8s %8s   milliseconds, %d saves%n", "", "median", "90%", "longest", times);
    row("save to live", measured, Loop.Round::total);
    row("compile", measured, Loop.Round::compiling);
    row("bundle", measured, Loop.Round::bundling);
    row("exchange", measured, Loop.Round::exchanging);
    System.out.printf("%-12s %8.0f          %8s   what all threads of the process have used, the guest's included%n", "processor", processor.stream().sorted().toList().get(times / 2), "");
    return 0;
  }

  private static double processorTime() {
    return java.lang.management.ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean system ? system.getProcessCpuTime() : 0;
  }

  private static void row(String name, List<Loop.Round> rounds, ToDoubleFunction<Loop.Round> figure) {
    double[] sorted = rounds.stream().mapToDouble(figure).sorted().toArray();
    System.out.printf("%-12s %8.0f %8.0f %8.0f%n", name, sorted[sorted.length / 2], sorted[sorted.length * 9 / 10], sorted[sorted.length - 1]);
  }

  private static Loop.Round next(BlockingQueue<Loop.Round> rounds) throws InterruptedException, UserError {
    Loop.Round round = rounds.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
    if (round == null) throw new UserError("nothing was live within " + PATIENCE_SECONDS + " s");
    return round;
  }

  private Path demo(Path folder) throws IOException, UserError {
    URL carried = Arrays.stream(context.getBundles()).map((Bundle bundle) -> bundle.getEntry("demo.elf")).filter(java.util.Objects::nonNull).findFirst()
        .orElseThrow(() -> new UserError("this build carries no demo guest to measure with"));
    Path file = folder.resolve("demo.elf");
    try (InputStream in = carried.openStream()) { Files.copy(in, file); }
    return file;
  }
}
