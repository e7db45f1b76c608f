package lguest.cpu.x86;

/** How a processor executes instructions. */
public enum Engine {
  /** One instruction after another. Runs everywhere. */
  INTERPRET,
  /** As x86-64 machine code emitted for this guest; INTERPRET where that is impossible: another host processor, or no executable memory. */
  TRANSLATE,
  /** Both, block by block on the same state, which must end equal; a difference ends the run with an {@link IllegalStateException} that shows it. A block that was right
   * a few times is then compared only now and then, so that a guest's timers are not all it has time for. */
  CHECK;

  /**
   * What the system property {@code lguest.cpu} says, {@link #TRANSLATE} when it says nothing.
   *
   * @throws IllegalArgumentException it names no engine; the message is for the user
   */
  public static Engine chosen() {
    String name = System.getProperty("lguest.cpu", "translate");
    for (Engine engine : values()) if (engine.name().equalsIgnoreCase(name)) return engine;
    throw new IllegalArgumentException("there is no processor engine '" + name + "': -Dlguest.cpu can be interpret, translate or check");
  }
}
