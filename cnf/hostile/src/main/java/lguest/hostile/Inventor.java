package lguest.hostile;

import static lguest.hostile.Script.BLOCK_PAGE;
import static lguest.hostile.Script.BUFFERS;
import static lguest.hostile.Script.BUFFERS_END;
import static lguest.hostile.Script.CODE;
import static lguest.hostile.Script.DATA;
import static lguest.hostile.Script.GDT;
import static lguest.hostile.Script.LISTS;
import static lguest.hostile.Script.NET_PAGE;
import static lguest.hostile.Script.NOISE;
import static lguest.hostile.Script.OFFSET;
import static lguest.hostile.Script.PAGE;
import static lguest.hostile.Script.STACK_TOP;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Thinks of what a guest with a {@link Script} might do. Most of it is nearly right, for a guest that does what is plainly wrong dies of it before it has come anywhere.
 *
 * @param ram bytes of RAM, on top of which lie page directory and page table
 */
record Inventor(Random random, int ram) {
  /** What the guest is mostly up to. */
  enum Bent { CALLS, TABLES, DEVICES }

  List<Step> life(Bent bent) {
    List<Step> steps = new ArrayList<>();
    if (bent == Bent.DEVICES) {
      // As drivers begin.
      steps.add(list(LISTS));
      steps.add(bind(blockKey(), LISTS, 1, 1));
      steps.add(bind(0, LISTS + 400, 4, 3));
      steps.add(bind(netKey(random.nextInt(4)), LISTS + 1000, 8, 2));
    }
    for (int left = 1 + random.nextInt(bent == Bent.DEVICES ? 300 : 120); left > 0; left--) {
      int which = random.nextInt(100);
      switch (bent) {
        case CALLS -> { if (which < 50) call(steps); else if (which < 90) dma(steps); else tables(steps); }
        case TABLES -> { if (which < 25) call(steps); else if (which < 30) dma(steps); else tables(steps); }
        case DEVICES -> { if (which < 6) call(steps); else if (which < 98) dma(steps); else tables(steps); }
      }
    }
    return steps;
  }

  private boolean oneIn(int n) { return random.nextInt(n) == 0; }

  private int blockKey() { return ram + BLOCK_PAGE * PAGE; }

  private int netKey(int line) { return ram + NET_PAGE * PAGE + 4 * line; }

  /** Any number, with a liking for edges. */
  private int wild() {
    return switch (random.nextInt(9)) {
      case 0 -> random.nextInt();
      case 1 -> ram - random.nextInt(200);
      case 2 -> ram + random.nextInt(4 * PAGE);
      case 3 -> LISTS + random.nextInt(64) * 4;
      case 4 -> random.nextInt(ram) & ~3;
      case 5 -> OFFSET + random.nextInt(ram);
      case 6 -> -random.nextInt(0x50_0000);
      case 7 -> 1 << random.nextInt(32);
      default -> random.nextInt(300);
    };
  }

  /** Mostly this, sometimes anything. */
  private int nearly(int right) { return oneIn(25) ? wild() : right; }

  private static Step step(String act, int... numbers) { return new Step(act, numbers); }

  // Hypercalls.

  private void call(List<Step> steps) {
    switch (random.nextInt(15)) {
      case 0 -> steps.add(step("call", oneIn(20) ? wild() : 0, wild(), wild(), wild()));
      case 1 -> steps.add(step("call", 3, nearly(GDT), nearly(random.nextInt(33))));
      case 2 -> steps.add(step("call", 4, nearly(ram - PAGE)));
      case 3 -> steps.add(step("call", 5, wild()));
      case 4, 5 -> steps.add(step("call", 6, oneIn(4) ? wild() : random.nextInt(0x90), oneIn(3) ? wild() : 0x60_0000 | CODE & 0xFFFF,
        oneIn(60) ? wild() : oneIn(5) ? wild() & ~0x8000 : wild() & 0xFFFF_E000 | 0x8E00 | random.nextInt(2) << 8));
      case 6 -> steps.add(step("call", 7, oneIn(40) ? wild() : 0x69, nearly(OFFSET + STACK_TOP), oneIn(40) ? wild() : random.nextInt(3)));
      case 7 -> steps.add(step("call", 8, random.nextInt(3)));
      case 8 -> steps.add(step("call", 9, oneIn(2) ? wild() : random.nextInt(100_000)));
      case 9 -> steps.add(oneIn(30) ? step("call", 10) : step("sleep", 1 + random.nextInt(20_000)));
      case 10 -> steps.add(step("call", 14, oneIn(2) ? ram - PAGE : wild(), oneIn(60) ? wild() : wild() & 0xBFFF_FFFF, wild()));
      case 11 -> steps.add(step("call", 15, oneIn(2) ? ram - PAGE : wild(), oneIn(2) ? random.nextInt(1024) : wild()));
      case 12 -> steps.add(step("call", 16, nearly(random.nextInt(ram - 24))));
      case 13 -> steps.add(step("ring", random.nextInt(64), new int[] {0, 5, 7, 8, 9, 14, 15, 16}[random.nextInt(8)], oneIn(2) ? 0x69 : nearly(LISTS), OFFSET + STACK_TOP, random.nextInt(3)));
      default -> steps.add(oneIn(30) ? step("call", 2, nearly(LISTS)) : step("store", OFFSET + DATA + random.nextInt(1128 / 4) * 4, oneIn(2) ? 0 : wild()));
    }
  }

  // DMA.

  private void dma(List<Step> steps) {
    switch (random.nextInt(14)) {
      case 0, 1, 2 -> steps.add(list(LISTS + random.nextInt(20) * 100));
      case 3 -> steps.add(list(nearly(LISTS + random.nextInt(2000))));
      case 4, 5 -> steps.add(bind(key(), LISTS + random.nextInt(20) * 100, random.nextInt(oneIn(20) ? 0x10000 : 9), random.nextInt(oneIn(20) ? 40 : 4)));
      case 6 -> {
        steps.add(step("list", LISTS, 0, buffer(), random.nextInt(2000), buffer(), random.nextInt(100)));
        steps.add(step("list", LISTS + 200, 0, buffer(), random.nextInt(2000)));
        steps.add(step("block", oneIn(8) ? wild() : random.nextInt(2), oneIn(50) ? wild() : random.nextInt(100), oneIn(3) ? wild() : random.nextInt(4096)));
        steps.add(step("call", 13, blockKey(), LISTS + 200));
        if (!oneIn(4)) steps.add(step("sleep", 50_000));
      }
      case 7 -> steps.add(step("ring", random.nextInt(64), oneIn(2) ? 12 : 13, key(), LISTS + random.nextInt(20) * 100, random.nextInt(9) << 8 | random.nextInt(4)));
      case 8 -> steps.add(step("store", OFFSET + ram + random.nextInt(4 * PAGE), wild()));
      case 9 -> steps.add(step("store", OFFSET + LISTS + random.nextInt(2000), oneIn(2) ? 0 : nearly(buffer())));
      default -> steps.add(step("call", 13, key(), oneIn(60) ? wild() : LISTS + random.nextInt(20) * 100));
    }
  }

  /** The disk's is rare: without all that goes with it, its guest dies. */
  private int key() {
    return switch (random.nextInt(oneIn(40) ? 7 : 6)) {
      case 0, 1 -> oneIn(15) ? blockKey() : 0;
      case 2, 3, 4 -> netKey(oneIn(10) ? random.nextInt(1024) : random.nextInt(4));
      case 5 -> random.nextInt(ram + 3 * PAGE) & ~3;
      default -> wild();
    };
  }

  private int buffer() { return BUFFERS + random.nextInt(BUFFERS_END - BUFFERS - PAGE); }

  private Step bind(int key, int array, int count, int irq) { return step("call", 12, key, nearly(array), count << 8 | irq); }

  private Step list(int at) {
    int sections = oneIn(3) ? random.nextInt(17) : 1 + random.nextInt(3);
    int[] numbers = new int[2 + 2 * sections];
    numbers[0] = at;
    numbers[1] = oneIn(10) ? wild() : 0;
    for (int i = 0; i < sections; i++) {
      int address = oneIn(150) ? wild() : oneIn(30) ? ram + random.nextInt(4) * PAGE - random.nextInt(64) : buffer();
      int room = PAGE - (address & PAGE - 1);
      numbers[2 + 2 * i] = address;
      // Between guests a section lies within a page, or its owner dies.
      numbers[3 + 2 * i] = oneIn(40) ? random.nextInt(0x10000) : oneIn(40) ? 0 : 1 + random.nextInt(oneIn(3) ? room : Math.min(room, 100));
    }
    return step("list", numbers);
  }

  // Page tables, descriptors, and code.

  private void tables(List<Step> steps) {
    switch (random.nextInt(12)) {
      case 0, 1 -> {
        // A page of its choice, looked at through an entry of its choice.
        int page = random.nextInt(ram / PAGE), linear = OFFSET + page * PAGE;
        steps.add(step("store", OFFSET + ram - 2 * PAGE + page * 4, entry()));
        if (oneIn(2)) steps.add(oneIn(2) ? step("call", 14, ram - PAGE, linear) : step("call", 5, 1));
        steps.add(step("store", linear + random.nextInt(PAGE), wild()));
      }
      case 2 -> {
        int index = random.nextInt(1024);
        steps.add(step("store", OFFSET + ram - PAGE + index * 4, oneIn(3) ? ram - 2 * PAGE | 7 : oneIn(4) ? ram - PAGE | 7 : entry()));
        if (oneIn(2)) steps.add(step("call", 15, ram - PAGE, index));
        steps.add(step("store", (index << 22) + random.nextInt(1 << 22), wild()));
      }
      case 3, 4 -> {
        steps.add(step("descriptor", random.nextInt(32), wild(), oneIn(2) ? wild() : 0x00CF_8000 | random.nextInt(0x80) << 8));
        if (oneIn(2)) steps.add(step("call", 3, GDT, 32));
      }
      case 5 -> steps.add(step("call", 16, GDT + random.nextInt(30) * 8));
      case 6, 7 -> steps.add(step("noise", NOISE + random.nextInt(0x7F00), 1 + random.nextInt(255), random.nextInt()));
      case 8, 9 -> {
        int at = NOISE + random.nextInt(0x7F00);
        steps.add(step("noise", at, 100 + random.nextInt(150), random.nextInt()));
        steps.add(step(oneIn(2) ? "jump" : "user", OFFSET + at));
      }
      case 10 -> steps.add(step(oneIn(2) ? "jump" : "user", oneIn(20) ? wild() : OFFSET + NOISE + random.nextInt(0x8000)));
      default -> steps.add(step("store", oneIn(8) ? wild() : OFFSET + random.nextInt(ram), wild()));
    }
  }

  /** An entry of a page table: often right, with any flags. */
  private int entry() {
    int flags = oneIn(4) ? random.nextInt(4096) : oneIn(2) ? 7 : random.nextInt(8) | random.nextInt(2) << 8 | random.nextInt(8) << 9;
    return (oneIn(40) ? wild() & -PAGE : random.nextInt(ram / PAGE + 3) * PAGE) | (oneIn(10) ? flags : flags & ~0x88);
  }
}
