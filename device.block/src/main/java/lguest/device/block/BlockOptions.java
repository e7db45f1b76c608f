package lguest.device.block;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lguest.device.DeviceException;

/** What the user wrote after {@code block=}: a file, then {@code ro} or {@code overlay=FILE}, with commas between; a comma in a name is written twice. */
record BlockOptions(Path file, boolean readOnly, Optional<Path> overlay) {
  static final String USAGE = "block=<filename>[,ro][,overlay=<file>]";
  private static final String OVERLAY = "overlay=";

  static BlockOptions parse(String argument) throws DeviceException {
    List<String> words = split(argument);
    if (words.getFirst().isEmpty()) throw new DeviceException("a block device needs a file: " + USAGE);
    boolean readOnly = false;
    Optional<Path> overlay = Optional.empty();
    for (String word : words.subList(1, words.size())) {
      if (word.equals("ro")) readOnly = true;
      else if (word.startsWith(OVERLAY) && word.length() > OVERLAY.length()) overlay = Optional.of(path(word.substring(OVERLAY.length())));
      else throw new DeviceException("'" + word + "' is no option of a block device: " + USAGE + " (a comma in a name is written twice)");
    }
    if (readOnly && overlay.isPresent())
      throw new DeviceException("a block device is either ro or has an overlay for what is written; leave one out of '" + argument + "'");
    return new BlockOptions(path(words.getFirst()), readOnly, overlay);
  }

  private static List<String> split(String argument) {
    List<String> words = new ArrayList<>();
    StringBuilder word = new StringBuilder();
    for (int i = 0; i < argument.length(); i++) {
      char c = argument.charAt(i);
      if (c != ',') word.append(c);
      else if (i + 1 < argument.length() && argument.charAt(i + 1) == ',') word.append(argument.charAt(i++));
      else {
        words.add(word.toString());
        word.setLength(0);
      }
    }
    words.add(word.toString());
    return words;
  }

  private static Path path(String name) throws DeviceException {
    try {
      return Path.of(name);
    } catch (InvalidPathException e) {
      throw new DeviceException("'" + name + "' cannot be a file's name: " + e.getReason(), e);
    }
  }
}
