package lguest.cpu.x86.decode;

import static java.util.stream.Collectors.toCollection;
import static org.junit.jupiter.api.Assertions.*;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Lengths and names against binutils' disassembler, over whole 32-bit programs: libraries of the machine, and whatever
 * -Dlguest.decoder.elf (a path list) or
 * LGUEST_KERNEL names.
 */
class DecoderObjdumpTest {
  private static final Set<String> PREFIXES = Set.of("rep", "repz", "repnz", "lock", "data16", "addr16", "cs", "ds", "es", "ss",
      "fs", "gs", "notrack", "bnd", "xacquire", "xrelease");

  /** C and mathematics; vectors; C++ with its exceptions. */
  private static final List<String> LIBRARIES = List.of("libc.so.6", "libm.so.6", "libquadmath.so.0", "libgomp.so.1", "libstdc++.so.6");

  @Test
  void agreesWithObjdump() throws Exception {
    assumeTrue(runs("objdump", "--version"), "SKIPPED: no objdump on this machine");
    String extra = System.getProperty("lguest.decoder.elf", System.getenv().getOrDefault("LGUEST_KERNEL", ""));
    List<Path> files = Stream.of(extra.split(":")).filter(s -> !s.isEmpty()).map(Path::of).filter(Files::isReadable).collect(toCollection(ArrayList::new));
    for (String name : LIBRARIES) {
      Stream.of("/lib/i386-linux-gnu/", "/usr/lib/i386-linux-gnu/", "/usr/lib32/").map(directory -> Path.of(directory + name)).filter(Files::isReadable)
          .findFirst().ifPresentOrElse(files::add, () -> System.out.println("decoder: no 32-bit " + name + " here, not compared"));
    }
    assumeTrue(!files.isEmpty(), "SKIPPED: no 32-bit program to disassemble; name one with -Dlguest.decoder.elf");
    for (Path file : files) compare(file);
  }

  private static boolean runs(String... command) throws InterruptedException {
    try {
      return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor() == 0;
    } catch (IOException e) {
      return false;
    }
  }

  private static void compare(Path file) throws Exception {
    Process process = new ProcessBuilder("objdump", "-d", "-w", "-M", "intel,i386",
        file.toString()).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    Decoder decoder = new Decoder();
    List<String> wrong = new ArrayList<>();
    int compared = 0;
    try (BufferedReader lines = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line; (line = lines.readLine()) != null;) {
        String[] column = line.split("\t");
        if (column.length < 3 || !column[0].endsWith(":")) continue;
        compared++;
        String problem = check(decoder, HexFormat.of().parseHex(column[1].replace(" ", "")), column[2].strip());
        if (problem != null) wrong.add(line + "   ours: " + problem);
      }
    }
    System.out.println("decoder: " + compared + " instructions of " + file + " compared with objdump, " + wrong.size() + " differ");
    assertTrue(compared > 1000, "objdump showed too little of " + file);
    assertEquals(List.of(), wrong.subList(0, Math.min(20, wrong.size())), wrong.size() + " differences");
  }

  /** Null when equal. */
  private static String check(Decoder decoder, byte[] bytes, String text) {
    String[] words = text.split("\\s+");
    int word = 0;
    while (word < words.length - 1 && PREFIXES.contains(words[word])) word++;
    String name = words[word].replaceFirst(",p[nt]$", "");
    if (PREFIXES.contains(name)) return null; // a prefix objdump shows on a line of its own
    byte[] padded = java.util.Arrays.copyOf(bytes, 16);
    int from = 0;
    Instruction i = decoder.decode(padded, 0, 16, 0, true);
    boolean waits = i.mnemonic() == Mnemonic.WAIT && bytes.length > 1;
    if (waits) {
      // objdump takes the WAIT and the instruction behind it for one.
      from = 1;
      i = decoder.decode(padded, 1, 16, 0, true);
    }
    boolean bad = i.encoding == Encodings.INVALID;
    if (name.equals("(bad)")) return bad ? null : i.toString();
    if (newer(name, bytes)) return null;
    if (i.length + from != bytes.length) return i + " of length " + (i.length + from);
    String ours = name(i);
    String theirs = waits ? "fn" + name.substring(1) : name;
    return ours.equals(theirs) || ours.equals(name) ? null : i + " named " + ours;
  }

  /** What came after SSE2, or never into Intel's processors. */
  private static boolean newer(String name) {
    return name.matches("v.+|xsave.*|xrstor.*|xgetbv|xbegin|xend|xabort|xtest|femms|clflushopt|clwb|clac|stac|tzcnt|lzcnt|popcnt|endbr32"
        + "|rdfsbase|rdgsbase|rdpid|wrpkru|rdpkru|monitor|mwait|movbe|bzhi|andn|blsr|blsmsk|blsi|shlx|shrx|sarx|rorx|pext|pdep|mulx|rdrand|rdseed"
        + "|rdtscp|fisttp|enqcmd|cldemote|crc32|adcx|adox|bextr|prefetchw|lddqu|addsubp[sd]|hadd.*|hsub.*|movddup|movs[lh]dup|rdssp.|incssp."
        + "|ps(hufb|ign[bwd])|pabs[bwd]|palignr|ph(add|sub).*|pmaddubsw|pmulhrsw|p?blend.*|dpp[sd]|extractps|insertps|movntdqa|mpsadbw|packusdw"
        + "|pcmp(eqq|gtq|[ei]str[im])|pextr[bdq]|phminposuw|pinsr[bdq]|pm(ax|in)(sb|sd|ud|uw)|pmov[sz]x.*|pmuldq|pmulld|ptest|round[ps][sd]"
        + "|aes.*|pclmul.*|sha(1|256).*|gf2p8.*") && !Set.of("verr", "verw").contains(name);
  }

  /** PEXTRW to memory has an encoding of its own, from SSE4. */
  private static boolean newer(String name, byte[] bytes) {
    return newer(name) || name.equals("pextrw") && HexFormat.of().formatHex(bytes).contains("660f3a15");
  }

  private static final String[] CONDITION = {"o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le",
      "g"};

  private static final String[] PREDICATE = {"eq", "lt", "le", "unord", "neq", "nlt", "nle", "ord"};

  private static String name(Instruction i) {
    boolean wide = i.operandSize == 4;
    return switch (i.mnemonic()) {
      case J -> "j" + CONDITION[i.encoding.condition()];
      case SET -> "set" + CONDITION[i.encoding.condition()];
      case CMOV -> "cmov" + CONDITION[i.encoding.condition()];
      case CBW -> wide ? "cwde" : "cbw";
      case CWD -> wide ? "cdq" : "cwd";
      case CALLF -> "call";
      case JMPF -> "jmp";
      case WAIT -> "fwait";
      case JCXZ -> i.addressSize == 4 ? "jecxz" : "jcxz";
      case PUSHA, POPA, PUSHF, POPF, IRET, RET, RETF, ENTER, LEAVE -> i.mnemonic().name().toLowerCase() + (wide ? "" : "w");
      case LGDT, LIDT, SGDT, SIDT -> i.mnemonic().name().toLowerCase() + (wide ? "d" : "w");
      case FNOP -> i.modrm == 0xE4 ? "fnsetpm(287" : i.modrm == 0xE0 ? "fneni(8087" : i.modrm == 0xE1 ? "fndisi(8087" : "fnop";
      case CMPPS, CMPPD, CMPSS, CMPSD -> i.immediate > 7 ? i.mnemonic().name().toLowerCase()
          : "cmp" + PREDICATE[i.immediate] + i.mnemonic().name().substring(3).toLowerCase();
      case NOP -> i.opcode == 0x90 && (!wide || i.rep == 0xF2) ? "xchg" : "nop";
      default -> i.mnemonic().name().toLowerCase();
    };
  }
}
