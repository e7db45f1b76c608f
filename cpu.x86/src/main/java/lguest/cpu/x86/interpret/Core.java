package lguest.cpu.x86.interpret;

import lguest.cpu.x86.CpuConfig;
import lguest.cpu.x86.CpuStatistics;
import lguest.cpu.x86.Exit;
import lguest.cpu.x86.state.GuestFault;

public final class Core {
  public final long state = 0;
  public final GuestFault fault = new GuestFault();

  public Core(long memory, long size, CpuConfig config) {
    throw new UnsupportedOperationException("the interpreter arrives with the next commit");
  }

  public Exit run(long max) { throw new UnsupportedOperationException(); }
  public void requestExit() { throw new UnsupportedOperationException(); }
  public long instructions() { throw new UnsupportedOperationException(); }
  public CpuStatistics statistics() { throw new UnsupportedOperationException(); }
  public int eflags() { throw new UnsupportedOperationException(); }
  public void setEflags(int value) { throw new UnsupportedOperationException(); }
  public void setCr0(int value) { throw new UnsupportedOperationException(); }
  public void setCr3(int value) { throw new UnsupportedOperationException(); }
  public void setCr4(int value) { throw new UnsupportedOperationException(); }
  public boolean loadSegment(int register, int selector) { throw new UnsupportedOperationException(); }
  public void setSegment(int register, int selector, long descriptor) { throw new UnsupportedOperationException(); }
  public void setInnerStack(int ss, int esp) { throw new UnsupportedOperationException(); }
  public boolean deliver(int selector, int offset, int eflags, boolean push, int code) { throw new UnsupportedOperationException(); }
  public void flushTlb() { throw new UnsupportedOperationException(); }
  public void flushTlbPage(int linear) { throw new UnsupportedOperationException(); }
  public void flushTlbRange(int linear, long length) { throw new UnsupportedOperationException(); }
  public void memoryWritten(long physical, long length) { throw new UnsupportedOperationException(); }
  public int peek(int linear) { throw new UnsupportedOperationException(); }
  public long physicalAddress(int linear) { throw new UnsupportedOperationException(); }
  public void close() {}
}
