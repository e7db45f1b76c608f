package lguest.shell.guest;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import lguest.launcher.Guest;
import lguest.shell.command.Call;
import lguest.shell.command.Command;
import lguest.shell.command.Words;
import lguest.shell.command.Words.Kind;
import lguest.shell.words.CommandLine;
import lguest.shell.words.UserError;

public final class MemoryDumpCommand extends Command {
  private static final int PIECE = 1 << 20;

  public MemoryDumpCommand() {
    super(Words.of("guest", "memory-dump", "write a guest's memory to a new file")
        .json().option("--from=<address>", Kind.OTHER, "where to begin, guest-physical; 0x for hexadecimal")
        .option("--length=<bytes>", Kind.OTHER, "how many bytes; else to the end")
        .word("<guest>", Kind.GUEST).word("<file>", Kind.FILE)
        .more("""
            Byte n of the file is guest-physical address n, or --from plus n. A running guest stands still
            meanwhile. Behind its memory lie the bus and device pages, which only --from reaches.""")
        .example("memory-dump web web.mem", "all of it; pages of zeros take no room in the file")
        .example("memory-dump web page0 --length=4096", "its first page"));
  }

  @Override public void run(Call call) throws Exception {
    Guest guest = call.guest(0);
    Path file = CommandLine.path(call.words().get(1));
    Optional<Long> from = call.number("--from", 0), length = call.number("--length", 1);
    if (guest.state() == Guest.State.ENDED) throw UserError.of(guest.name() + " has ended, and its memory is gone");
    try {
      if (from.isEmpty() && length.isEmpty()) guest.dump(file);
      else part(guest, file, from.orElse(0L), length);
    } catch (FileAlreadyExistsException e) {
      throw UserError.of(file + " exists already; name a new file");
    } catch (NoSuchFileException e) {
      throw UserError.of(file + " cannot be made: there is no such directory");
    } catch (IOException e) {
      throw UserError.of(file + " cannot be written: " + e.getMessage());
    } catch (IllegalStateException e) {
      throw UserError.of(guest.name() + " has ended, and its memory is gone");
    }
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("guest", guest.name());
    json.put("file", file.toString());
    json.put("bytes", Files.size(file));
    call.answer(json, "%,d bytes written to %s".formatted(Files.size(file), file));
  }

  private static void part(Guest guest, Path file, long from, Optional<Long> length) throws IOException, UserError {
    boolean running = guest.state() == Guest.State.RUNNING;
    if (running) guest.pause();
    try {
      MemorySegment memory = guest.memoryView();
      long room = memory.byteSize() - from;
      if (room < 0 || length.orElse(0L) > room)
        throw UserError.of("%s has memory and device pages from 0 to %#x only; --from and --length reach beyond".formatted(guest.name(), memory.byteSize()));
      long size = length.orElse(room);
      try (FileChannel out = FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW)) {
        for (long at = 0; at < size; ) {
          var piece = memory.asSlice(from + at, Math.min(PIECE, size - at)).asByteBuffer();
          while (piece.hasRemaining()) at += out.write(piece);
        }
      }
    } finally {
      if (running) guest.resume();
    }
  }
}
