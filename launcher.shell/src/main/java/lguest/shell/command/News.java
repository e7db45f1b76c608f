package lguest.shell.command;

import java.util.function.Consumer;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/**
 * Lines for the user that no command has asked for: a guest has ended, a file cannot be used. Any thread. Other bundles find it
 * as a {@code Consumer} with the property {@code lguest.news}.
 */
@Component(service = {News.class, Consumer.class}, property = "lguest.news:Boolean=true")
public final class News implements Consumer<String> {
  private volatile Consumer<String> sink = System.err::println;

  @Activate
  public News() {}

  /** One line, or a few that belong together. */
  public void tell(String line) { sink.accept(line); }

  @Override public void accept(String line) { tell(line); }

  /** Where it goes from now on. */
  public void to(Consumer<String> sink) { this.sink = sink; }
}
