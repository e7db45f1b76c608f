package lguest.launcher.slot;

import java.nio.ByteBuffer;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import lguest.device.Attachable;

/** A party attached to a slot: it follows the slot's devices as they come and go, and sees one stream. Input waits while there is none. */
final class SlotAttachment implements Attachable.Attachment {
  private final Consumer<SlotAttachment> onClose;
  private final Attachable.Output output;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private boolean replay, inputEnded, closed;
  private Attachable source;
  private Attachable.Attachment inner;

  SlotAttachment(Consumer<SlotAttachment> onClose, Attachable.Output output, boolean replay) {
    this.onClose = onClose;
    this.output = output;
    this.replay = replay;
  }

  /** Attaches to {@code next}, which takes over from what was there. Null: there is none for now. */
  void follow(Attachable next) throws InterruptedException {
    Attachable.Attachment left;
    lock.lockInterruptibly();
    try {
      if (closed || next == source) return;
      left = inner;
      inner = null;
      source = next;
    } finally {
      lock.unlock();
    }
    // Outside of the lock: it may wait for the output, and input must not wait for that.
    if (left != null) left.close();
    if (next == null) return;
    Attachable.Attachment attached = next.attach(output, replay);
    lock.lock();
    try {
      replay = false;
      if (!closed && source == next) {
        inner = attached;
        if (inputEnded) attached.endOfInput();
        changed.signalAll();
        return;
      }
    } finally {
      lock.unlock();
    }
    attached.close();
  }

  /** There will be no device any more. */
  void gone() {
    lock.lock();
    try {
      closed = true;
      inner = null;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override public void input(ByteBuffer data) throws InterruptedException {
    while (data.hasRemaining()) {
      Attachable.Attachment to;
      lock.lockInterruptibly();
      try {
        while (inner == null && !closed) changed.await();
        if (closed) return;
        to = inner;
      } finally {
        lock.unlock();
      }
      try {
        to.input(data);
        if (isCurrent(to)) return;
      } catch (RuntimeException e) {
        if (isCurrent(to)) throw e;
      }
    }
  }

  private boolean isCurrent(Attachable.Attachment attachment) {
    lock.lock();
    try {
      return inner == attachment;
    } finally {
      lock.unlock();
    }
  }

  @Override public void endOfInput() {
    lock.lock();
    try {
      inputEnded = true;
      if (inner != null) inner.endOfInput();
    } finally {
      lock.unlock();
    }
  }

  @Override public void close() throws InterruptedException {
    Attachable.Attachment left;
    lock.lock();
    try {
      left = inner;
      gone();
    } finally {
      lock.unlock();
    }
    onClose.accept(this);
    if (left != null) left.close();
  }
}
