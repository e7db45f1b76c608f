package lguest.it.misfit;

/** A device provider that cannot even be made. */
public class Explosive extends Gadget {
  public Explosive() { throw new IllegalStateException("the fuse was lit"); }
}
