package lguest.shell.command;

import java.util.function.Consumer;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/** Lines for the user that no command has asked for: a guest has ended, a file cannot be used. Any thread. */
@Component(service = News.class)
public final class News {
  private volatile Consumer<String> sink = System.err::println;

  @Activate
  public News() {}

  /** One line, or a few that belong together. */
  public void tell(String line) { sink.accept(line); }

  /** Where it goes from now on. */
  public void to(Consumer<String> sink) { this.sink = sink; }
}
