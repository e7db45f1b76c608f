package lguest.hostile;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * A whole guest kernel of a hundred bytes, whose life is a table in its own memory: it takes record after record and makes the hypercall that stands there, or stores, copies or jumps; and
 * whatever trap it meets, it goes on with the next. The table lies in memory like everything else, and the guest may well write over it.
 *
 * <p>Steps, all numbers guest-physical addresses unless said otherwise:
 * <pre>
 * call number edx ebx ecx          a hypercall
 * ring slot number edx ebx ecx     the same through the asynchronous ring
 * store linear value               a word, wherever the page tables lead
 * list at used address length …    a struct lguest_dma
 * descriptor index low high        into the image that "call 3" loads
 * block type sector bytes          into the disk's page
 * sleep nanoseconds                a timer, and HALT
 * noise at bytes seed              random bytes
 * jump linear                      goes there in ring 1
 * user linear                      goes there in ring 3
 * </pre>
 */
final class Script {
  static final int OFFSET = 0xC000_0000, PAGE = 4096;
  /** Where things lie. Code has room for the guest to copy noise into; the script may have 384 KiB. */
  static final int CODE = 0x1_0000, DATA = 0x1_1000, GDT = 0x1_2000, STACK_TOP = 0x1_4000, POSITION = 0x1_4000, USER_STACK = 0x1_4F00, LISTS = 0x1_5000, NOISE = 0x1_8000, SCRIPT = 0x2_0000,
      BUFFERS = 0x8_0000, BUFFERS_END = 0xF_0000;
  static final int BLOCK_PAGE = 1, NET_PAGE = 2;
  private static final int LOWEST = CODE, HIGHEST = BUFFERS;
  private static final int STORE = -1, COPY = -2, JUMP = -3, USER = -4;
  private static final int LIST_BYTES = 100, RECORD = 16, STATUS = 20, RING = 84, GATES = 64, SYSTEM_CALL = 0x80;
  private static final byte[] MAGIC = "GenuineLguest".getBytes(StandardCharsets.US_ASCII);

  /** Everything of the guest from {@link #CODE} on. */
  final byte[] image;
  private final List<Integer> firstRecords = new ArrayList<>();
  private final long ram;
  private final List<int[]> records = new ArrayList<>();
  private final List<byte[]> blobs = new ArrayList<>();
  private int blobBytes;

  /**
   * A guest that switches itself off when it has done all steps.
   *
   * @param ram bytes of RAM; device pages lie above the page that follows it
   */
  Script(List<Step> steps, long ram) { this(steps, ram, false); }

  /** @param forever whether the last step, a single record, is repeated without end */
  Script(List<Step> steps, long ram, boolean forever) {
    this.ram = ram;
    ByteBuffer all = ByteBuffer.allocate(HIGHEST - LOWEST).order(ByteOrder.LITTLE_ENDIAN);
    int handler = code(all);
    all.putInt(DATA - CODE + 4, 0);
    Arrays.fill(all.array(), DATA - CODE + STATUS, DATA - CODE + STATUS + 64, (byte) 0xFF);
    long[] flat = {0x00CF_9A00_0000_FFFFL, 0x00CF_9200_0000_FFFFL, 0x00CF_FA00_0000_FFFFL, 0x00CF_F200_0000_FFFFL};
    for (int i = 0; i < flat.length; i++) all.putLong(GDT - CODE + (12 + i) * 8, flat[i]);
    all.putInt(POSITION - CODE, OFFSET + SCRIPT);

    record(1, DATA, 0, 0);
    record(3, GDT, 32, 0);
    record(7, 0x69, OFFSET + STACK_TOP, 1);
    for (int vector = 0; vector <= GATES; vector++)
      record(6, vector < GATES ? vector : SYSTEM_CALL, 0x60 << 16 | handler & 0xFFFF, handler & 0xFFFF_0000 | (vector < GATES ? 0x8E00 : 0xEF00));
    for (Step step : steps) {
      firstRecords.add(records.size());
      compile(step);
    }
    firstRecords.add(records.size());
    if (forever) record(STORE, OFFSET + POSITION, OFFSET + SCRIPT + (records.size() - 1) * RECORD, 0);
    else record(2, blob("Power down\0".getBytes(StandardCharsets.US_ASCII)), 0, 0);

    int at = SCRIPT - CODE, end = at + records.size() * RECORD;
    for (int[] record : records) {
      for (int i = 0; i < 4; i++) all.putInt(at + i * 4, resolve(record[i], end));
      at += RECORD;
    }
    for (byte[] blob : blobs) {
      all.put(end, blob);
      end += blob.length;
    }
    image = Arrays.copyOf(all.array(), end);
  }

  // What lies behind the records is not known before they are all there, so until then a blob is a number in a range of its own.
  private static final int BLOB = 0x7000_0000, BLOB_MASK = 0x000F_FFFF;

  private int resolve(int number, int end) {
    if ((number & ~BLOB_MASK) == BLOB) return CODE + end + (number & BLOB_MASK);
    if ((number & ~BLOB_MASK) == (BLOB | 0x0800_0000)) return OFFSET + CODE + end + (number & BLOB_MASK);
    return number;
  }

  private int blob(byte[] bytes) {
    blobs.add(bytes);
    blobBytes += bytes.length;
    return BLOB | blobBytes - bytes.length;
  }

  private void record(int what, int edx, int ebx, int ecx) { records.add(new int[] {what, edx, ebx, ecx}); }

  private void copy(int physical, byte[] bytes) { record(COPY, OFFSET + physical, blob(bytes) | 0x0800_0000, bytes.length); }

  private static ByteBuffer little(int bytes) { return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN); }

  private void compile(Step step) {
    switch (step.act()) {
      case "call" -> record(Math.max(step.number(0), 0), step.number(1), step.number(2), step.number(3));
      case "ring" -> {
        int slot = step.number(0) & 63;
        copy(DATA + RING + slot * RECORD, little(RECORD).putInt(step.number(1)).putInt(step.number(2)).putInt(step.number(3)).putInt(step.number(4)).array());
        copy(DATA + STATUS + slot, new byte[1]);
      }
      case "store" -> record(STORE, step.number(0), step.number(1), 0);
      case "list" -> {
        ByteBuffer list = little(LIST_BYTES).putInt(0, step.number(1));
        for (int i = 0; i < 16 && 2 + 2 * i < step.numbers().length; i++) list.putInt(4 + 4 * i, step.number(2 + 2 * i)).putShort(68 + 2 * i, (short) step.number(3 + 2 * i));
        copy(step.number(0), list.array());
      }
      case "descriptor" -> copy(GDT + (step.number(0) & 31) * 8, little(8).putInt(step.number(1)).putInt(step.number(2)).array());
      case "block" -> copy((int) ram + BLOCK_PAGE * PAGE, little(RECORD).putInt(step.number(0)).putInt(step.number(1)).putInt(step.number(2)).putInt(0).array());
      case "sleep" -> {
        record(9, Math.max(1, step.number(0)), 0, 0);
        record(10, 0, 0, 0);
      }
      case "noise" -> {
        byte[] bytes = new byte[step.count(1, 256)];
        Random random = new Random(step.number(2));
        random.nextBytes(bytes);
        // Otherwise it would hardly ever call.
        for (int i = 0; i + 1 < bytes.length; i++)
          if (random.nextInt(12) == 0) {
            bytes[i] = (byte) 0xCD;
            bytes[i + 1] = (byte) (random.nextBoolean() ? 0x1F : 0x80);
          }
        copy(step.number(0), bytes);
      }
      case "jump" -> record(JUMP, step.number(0), 0, 0);
      case "user" -> record(USER, step.number(0), 0, 0);
      default -> record(0, 0, 0, 0);
    }
  }

  /** How many steps a guest has begun whose place in its script is this. */
  int begun(int position) {
    int next = (position - OFFSET - SCRIPT) / RECORD, steps = firstRecords.size() - 1;
    int begun = 0;
    while (begun < steps && firstRecords.get(begun) < next) begun++;
    return begun;
  }

  /** Virtual address of the first instruction. */
  static int entry() { return OFFSET + CODE + MAGIC.length; }

  /** Writes the program; returns the virtual address of its trap handler. */
  private static int code(ByteBuffer to) {
    to.put(MAGIC);
    Assembler asm = new Assembler(to);
    int next = to.position();
    asm.bytes(0xBC).word(OFFSET + STACK_TOP)                  // next: mov esp, stack
      .bytes(0xC7, 0x05).word(OFFSET + DATA).word(0x200)      // mov [irq_enabled], on
      .bytes(0x8B, 0x35).word(OFFSET + POSITION)              // mov esi, [position]
      .bytes(0x83, 0x05).word(OFFSET + POSITION).bytes(RECORD) // add [position], 16
      .bytes(0x8B, 0x06, 0x8B, 0x56, 4, 0x8B, 0x5E, 8, 0x8B, 0x4E, 12) // mov eax, edx, ebx, ecx from [esi]
      .bytes(0x83, 0xF8, STORE, 0x74, 19)                     // cmp eax, STORE; je store
      .bytes(0x83, 0xF8, COPY, 0x74, 18)                      // cmp eax, COPY; je copy
      .bytes(0x83, 0xF8, JUMP, 0x74, 22)                      // cmp eax, JUMP; je jump
      .bytes(0x83, 0xF8, USER, 0x74, 19)                      // cmp eax, USER; je user
      .bytes(0xCD, 0x1F).jump(next)                           // int 0x1f; jmp next
      .bytes(0x89, 0x1A).jump(next)                           // store: mov [edx], ebx; jmp next
      .bytes(0x89, 0xD7, 0x89, 0xDE, 0xFC, 0xF3, 0xA4).jump(next) // copy: mov edi, edx; mov esi, ebx; cld; rep movsb; jmp next
      .bytes(0xFF, 0xE2)                                      // jump: jmp edx
      .bytes(0xB8).word(0x7B).bytes(0x8E, 0xD8, 0x8E, 0xC0, 0x50) // user: mov eax, user data; mov ds, ax; mov es, ax; push eax
      .bytes(0x68).word(OFFSET + USER_STACK).bytes(0x68).word(0x202) // push stack; push flags
      .bytes(0x6A, 0x73, 0x52, 0xCF);                         // push user code; push edx; iret
    int handler = to.position();
    asm.bytes(0xB8).word(0x69).bytes(0x8E, 0xD8, 0x8E, 0xC0).jump(next); // mov eax, kernel data; mov ds, ax; mov es, ax; jmp next
    return OFFSET + CODE + handler;
  }

  private record Assembler(ByteBuffer to) {
    Assembler bytes(int... bytes) {
      for (int b : bytes) to.put((byte) b);
      return this;
    }

    Assembler word(int value) {
      to.putInt(value);
      return this;
    }

    Assembler jump(int target) {
      to.put((byte) 0xEB).put((byte) (target - to.position() - 1));
      return this;
    }
  }
}
