package lguest.shell.command;

import java.util.List;
import lguest.shell.words.DeviceOption;

/** A command of the prompt. It keeps nothing from one call to the next and may run in several threads. */
public abstract class Command {
  private final Words words;

  protected Command(Words words) { this.words = words; }

  public final Words words() { return words; }

  /** Text for its help that depends on which devices there are; may be empty. */
  public String moreHelp(List<DeviceOption> options) { return ""; }

  /**
   * Does it.
   *
   * @throws Exception what cannot be done: {@link lguest.shell.words.UserError} and {@link lguest.launcher.LaunchException} are told
   *     as they are; {@link Failure} has told already
   */
  public abstract void run(Call call) throws Exception;
}
