package lguest.dev.starter;

import java.util.Set;
import java.util.regex.Pattern;
import javax.lang.model.SourceVersion;
import lguest.dev.UserError;

/**
 * A device somebody wants to write, its names checked.
 *
 * @param name the device type, and the folder
 * @param packageName the Java package, and the bundle's symbolic name
 */
public record Wish(String name, String packageName) {
  private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9]*(-[a-z0-9]+)*");
  private static final int LONGEST = 40;
  /** Types that are there already. One may be replaced, but not by a beginner's accident. */
  private static final Set<String> TAKEN = Set.of("console", "block", "net", "tun");
  private static final int FIRST_NUMBER = 1000, LAST_NUMBER = 65000;

  public static Wish of(String name, String packageName) throws UserError {
    if (!NAME.matcher(name).matches() || name.length() > LONGEST)
      throw new UserError("'" + printable(name) + "' cannot be a device's name: it takes lower-case letters and digits, with single dashes between, at most " + LONGEST + ", such as lamp");
    if (TAKEN.contains(name)) throw new UserError("there is a device type '" + name + "' already: choose another name");
    if (!SourceVersion.isName(packageName))
      throw new UserError("'" + printable(packageName) + "' cannot be a Java package: it takes words with dots between, none of them a word of the language, such as org.example." + name.replace("-", ""));
    if (!packageName.contains(".")) throw new UserError("the package '" + packageName + "' is a single word: put something of your own before it, such as org.example." + packageName);
    if (packageName.matches("(java|javax|lguest)\\..*")) throw new UserError("packages below '" + packageName.substring(0, packageName.indexOf('.')) + "' belong to others: choose one of your own, such as org.example." + name.replace("-", ""));
    return new Wish(name, packageName);
  }

  private static String printable(String text) { return text.replaceAll("\\p{Cntrl}", "?"); }

  /** What the classes' names begin with. */
  String className() {
    StringBuilder className = new StringBuilder();
    for (String word : name.split("-")) className.append(Character.toUpperCase(word.charAt(0))).append(word.substring(1));
    return className.toString();
  }

  /** By which guests know the type: some number by the name, so that two people's devices are seldom the same to a guest. */
  int number() { return FIRST_NUMBER + Math.floorMod(name.hashCode(), LAST_NUMBER - FIRST_NUMBER); }

  String group() { return packageName.substring(0, packageName.lastIndexOf('.')); }
}
