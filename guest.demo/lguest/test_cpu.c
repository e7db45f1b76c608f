/* The processor in ring 1: what it may do, what it may not, and which trap says so. */
#include "kernel.h"

static const char *selectors(void) {
  u32 cs, ss;
  __asm__("movl %%cs, %0\n\tmovl %%ss, %1" : "=r"(cs), "=r"(ss));
  return cs == KERNEL_CS && ss == KERNEL_DS ? NULL : fail("cs %#x ss %#x", cs, ss);
}

static u32 flags_after(u32 set, u32 clear) {
  u32 result;
  __asm__ volatile("pushf\n\tpushf\n\tmovl (%%esp), %0\n\torl %1, %0\n\tandl %2, %0\n\t"
                   "movl %0, (%%esp)\n\tpopf\n\tpushf\n\tpopl %0\n\tpopf"
                   : "=&r"(result) : "r"(set), "r"(~clear) : "cc", "memory");
  return result;
}

static const char *flags_fixed(void) {
  u32 off, saved = irq_save();
  off = flags_after(0, 0);
  irq_restore(saved);
  u32 cleared = flags_after(0, 0x200), raised = flags_after(0x3000, 0);
  if (!(off & 0x200)) return "pushf shows IF = 0 with virtual interrupts off";
  if (!(cleared & 0x200)) return "popf cleared IF";
  return (raised & 0x3000) ? "popf raised IOPL" : NULL;
}

static const char *flags_free(void) {
  u32 on = flags_after(0x240CD5, 0), off = flags_after(0, 0x240CD5);
  if ((on & 0x240CD5) != 0x240CD5) return fail("flags %#x could not be set", 0x240CD5 & ~on);
  return off & 0x240CD5 ? fail("flags %#x could not be cleared", 0x240CD5 & off) : NULL;
}

static const char *cpuid_leaves(void) {
  u32 eax = 0, ebx, ecx, edx;
  __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
  if (!eax || eax > 0xFF) return fail("highest leaf %#x", eax);
  eax = 1;
  __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
  u32 family = eax >> 8 & 15, need = 1 | 1 << 4 | 1 << 8 | 1 << 15; /* FPU, TSC, CX8, CMOV */
  if (family < 6) return fail("family %u; an i686 is 6", family);
  return (edx & need) == need ? NULL : fail("features %#x lack %#x", edx, need & ~edx);
}

static const char *tsc_monotonic(void) {
  u64 last = rdtsc(), start = last;
  for (u32 i = 0; i < 10000; i++) {
    u64 t = rdtsc();
    if (t < last) return "went backwards";
    last = t;
  }
  return last > start ? NULL : "stood still";
}

/* One instruction that ring 1 must not execute. */
#define FORBIDDEN_AS(name, code) do { \
    PROBE(code); \
    const char *w_ = expect_fault(13, 0); \
    if (w_) { \
      char t_[120]; \
      copy_string(t_, w_, sizeof t_); \
      return fail(name ": %s", t_); \
    } \
  } while (0)
#define FORBIDDEN(code) FORBIDDEN_AS(code, code)

static const char *privileged(void) {
  FORBIDDEN("hlt");
  FORBIDDEN("cli");
  FORBIDDEN("sti");
  FORBIDDEN("lgdt (%%esp)");
  FORBIDDEN("lidt (%%esp)");
  FORBIDDEN("lldt %%ax");
  FORBIDDEN("ltr %%ax");
  FORBIDDEN("lmsw %%ax");
  FORBIDDEN("clts");
  FORBIDDEN("invlpg (%%esp)");
  FORBIDDEN("wbinvd");
  FORBIDDEN("invd");
  FORBIDDEN("movl %%cr0, %%eax");
  FORBIDDEN("movl %%eax, %%cr0");
  FORBIDDEN("movl %%cr2, %%eax");
  FORBIDDEN("movl %%cr3, %%eax");
  FORBIDDEN("movl %%eax, %%cr3");
  FORBIDDEN("movl %%cr4, %%eax");
  FORBIDDEN("movl %%eax, %%cr4");
  FORBIDDEN("movl %%dr7, %%eax");
  FORBIDDEN("movl %%eax, %%dr0");
  return NULL;
}

static const char *msr(void) {
  FORBIDDEN_AS("rdmsr", "movl $0x10, %%ecx\n\t773: rdmsr\n" EX_TABLE(773b, 772f));
  FORBIDDEN_AS("wrmsr", "movl $0x8b, %%ecx\n\t774: wrmsr\n" EX_TABLE(774b, 772f));
  return NULL;
}

static const char *sysenter(void) {
  FORBIDDEN("sysenter");
  return NULL;
}

static const char *unprivileged(void) {
  PROBE("subl $8, %%esp\n\tsgdt (%%esp)\n\tsidt (%%esp)\n\tsldt %%ax\n\tstr %%ax\n\tsmsw %%ax\n\taddl $8, %%esp");
  return last_fault.vector == ~0u ? NULL : "store of a system register trapped";
}

static u32 port_in(u32 width, u32 eax) {
  if (width == 1) __asm__ volatile("inb %%dx, %%al" : "+a"(eax) : "d"(0x60));
  else if (width == 2) __asm__ volatile("inw %%dx, %%ax" : "+a"(eax) : "d"(0x60));
  else if (width == 4) __asm__ volatile("inl %%dx, %%eax" : "+a"(eax) : "d"(0x60));
  else if (width == 11) __asm__ volatile("inb $0x61, %%al" : "+a"(eax));
  else if (width == 12) __asm__ volatile("inw $0x61, %%ax" : "+a"(eax));
  else __asm__ volatile("inl $0x61, %%eax" : "+a"(eax));
  return eax;
}

static const char *ports(void) {
  static const u32 widths[] = {1, 2, 4, 11, 12, 14}, masks[] = {0xFF, 0xFFFF, ~0u, 0xFF, 0xFFFF, ~0u};
  for (u32 i = 0; i < ARRAY_LEN(widths); i++) {
    u32 got = port_in(widths[i], 0);
    if ((got & masks[i]) != masks[i]) return fail("IN variant %u read %#x", widths[i], got);
  }
  __asm__ volatile("outb %%al, %%dx\n\toutw %%ax, %%dx\n\toutl %%eax, %%dx\n\t"
                   "outb %%al, $0x80\n\toutw %%ax, $0x80\n\toutl %%eax, $0x80"
                   : : "a"(0), "d"(0x80));
  return NULL;
}

static const char *port_width(void) {
  u32 byte = port_in(1, 0x12345600), word = port_in(2, 0x12340000);
  if (byte != 0x123456FF) return fail("a byte IN made EAX %#x", byte);
  return word == 0x1234FFFF ? NULL : fail("a word IN made EAX %#x", word);
}

static const char *port_string(void) {
  FORBIDDEN_AS("insb", "pushl %%edi\n\tleal -64(%%esp), %%edi\n\t775: insb\n\t776: popl %%edi\n" EX_TABLE(775b, 776b));
  return NULL;
}

static const char *divide(void) {
  PROBE("xorl %%ecx, %%ecx\n\txorl %%edx, %%edx\n\t773: divl %%ecx\n" EX_TABLE(773b, 772f));
  if (expect_fault(0, 0)) return expect_fault(0, 0);
  PROBE("movl $0x80000000, %%eax\n\tcltd\n\tmovl $-1, %%ecx\n\t773: idivl %%ecx\n" EX_TABLE(773b, 772f));
  if (expect_fault(0, 0)) return "INT_MIN / -1 did not trap";
  PROBE("movl $0x200, %%eax\n\tmovb $2, %%cl\n\t773: divb %%cl\n" EX_TABLE(773b, 772f));
  return expect_fault(0, 0);
}

static const char *breakpoint(void) {
  PROBE("int3");
  return expect_fault(3, 0);
}

static const char *overflow(void) {
  PROBE("movb $127, %%al\n\taddb $1, %%al\n\tinto");
  if (expect_fault(4, 0)) return expect_fault(4, 0);
  PROBE("xorl %%eax, %%eax\n\tinto");
  return last_fault.vector == ~0u ? NULL : "INTO trapped without OF";
}

static const char *bound(void) {
  static const s32 limits[2] __attribute__((used)) = {-5, 5};
  u32 vector[3];
  s32 index[3] = {-6, 6, 5};
  for (u32 i = 0; i < 3; i++) {
    last_fault.vector = ~0u;
    __asm__ volatile("1: boundl %0, %1\n2:\n" EX_TABLE(1b, 2b) : : "r"(index[i]), "m"(limits) : "memory");
    vector[i] = last_fault.vector;
  }
  if (vector[0] != 5 || vector[1] != 5) return "no trap outside the bounds";
  return vector[2] == ~0u ? NULL : "a trap within the bounds";
}

static const char *undefined(void) {
  PROBE("ud2");
  if (expect_fault(6, 0)) return expect_fault(6, 0);
  PROBE(".byte 0xF0, 0x90"); /* LOCK NOP */
  if (expect_fault(6, 0)) return "LOCK before NOP did not trap";
  PROBE(".byte 0x8E, 0xC8"); /* MOV CS, AX */
  return expect_fault(6, 0) ? "MOV to CS did not trap" : NULL;
}

static const char *soft_interrupts(void) {
  PROBE("int $0x20");
  if (expect_fault(13, 0x20 * 8 + 2)) return expect_fault(13, 0x20 * 8 + 2);
  PROBE("int $14");
  if (expect_fault(13, 14 * 8 + 2)) return expect_fault(13, 14 * 8 + 2);
  u32 eax = 2; /* getpid: the system call gate is open to us as well */
  __asm__ volatile("int $0x80" : "+a"(eax) : "b"(0), "c"(0), "d"(0) : "memory");
  return eax == (u32)current->pid ? NULL : fail("int $0x80 in ring 1 answered %u", eax);
}

static const char *fpu_trap_test(void) {
  u32 before = current->nm_traps, flags = irq_save();
  u16 control = 0;
  fpu_leave(current);
  __asm__ volatile("fwait");
  u32 after = current->nm_traps;
  __asm__ volatile("fninit\n\tfnstcw %0" : "=m"(control));
  u32 last = current->nm_traps;
  irq_restore(flags);
  if (after != before + 1) return fail("FWAIT with TS set trapped %u times", after - before);
  if (last != after) return "trapped again after TS was cleared";
  return control == 0x37F ? NULL : fail("control word %#x after FNINIT", control);
}

static u32 lar(u32 selector) {
  u32 rights = 0;
  __asm__ volatile("larl %1, %0\n\tjz 1f\n\txorl %0, %0\n1:" : "+r"(rights) : "r"(selector) : "cc");
  return rights;
}

static u32 load_es(u32 selector) {
  last_fault.vector = ~0u;
  __asm__ volatile("pushl %%es\n1: movl %0, %%es\n2: popl %%es\n" EX_TABLE(1b, 2b) : : "r"(selector) : "memory");
  return last_fault.vector;
}

static const char *gdt_fixup(void) {
  u32 code = lar(KERNEL_CS), data = lar(KERNEL_DS), user = lar(USER_DS);
  if ((code & 0xFF00) != 0xBB00) return fail("kernel code has rights %#x", code);
  if ((data & 0xFF00) != 0xB300) return fail("kernel data has rights %#x", data);
  return (user & 0xFF00) == 0xF300 ? NULL : fail("user data has rights %#x", user);
}

static const char *gdt_copy(void) {
  gdt[9] = make_descriptor(0, 0xFFFFF, 0xF2, 0xC);
  u32 early = lar(9 << 3) & 0x8000; /* an empty entry passes for a TSS once its accessed bit is set */
  hypercall(LHCALL_LOAD_GDT, phys(gdt), GDT_ENTRIES, 0);
  u32 late = lar(9 << 3) & 0x8000;
  gdt[9] = (struct descriptor){0, 0};
  u32 still = lar(9 << 3) & 0x8000;
  hypercall(LHCALL_LOAD_GDT, phys(gdt), GDT_ENTRIES, 0);
  if (early) return "a change counted before LOAD_GDT";
  if (!late) return "LOAD_GDT changed nothing";
  return still ? NULL : "a change counted before the second LOAD_GDT";
}

/* Entries 10, 11, 16 and 31 belong to the Host, whatever we write there. */
static const char *gdt_ignored(void) {
  static const u32 ignored[] = {10, 11, 16, 31};
  for (u32 i = 0; i < ARRAY_LEN(ignored); i++) gdt[ignored[i]] = make_descriptor(0, 0xFFFFF, 0xF2, 0xC);
  hypercall(LHCALL_LOAD_GDT, phys(gdt), GDT_ENTRIES, 0);
  const char *result = NULL;
  for (u32 i = 0; i < ARRAY_LEN(ignored); i++) {
    gdt[ignored[i]] = (struct descriptor){0, 0};
    u32 vector = load_es(ignored[i] << 3 | 3);
    if (vector != 13 && vector != 11) result = fail("entry %u was taken over", ignored[i]);
  }
  hypercall(LHCALL_LOAD_GDT, phys(gdt), GDT_ENTRIES, 0);
  return result;
}

static void set_tls(u32 base, u32 limit, u32 access, u32 flags) {
  static struct descriptor tls[TLS_ENTRIES];
  tls[0] = make_descriptor(base, limit, access, flags);
  hypercall(LHCALL_LOAD_TLS, phys(tls), 0, 0);
}

static const char *segment_loads(void) {
  load_es(0x100);
  if (expect_fault(13, 0x100)) return "a selector beyond the table loaded";
  load_es(0x0C);
  if (expect_fault(13, 0x0C)) return "an LDT selector loaded";
  load_es(0x58);
  if (last_fault.vector == ~0u) return "a ring 0 segment loaded in ring 1";
  set_tls(0, 0xFFFFF, 0x72, 0xC); /* not present */
  load_es(GDT_TLS << 3 | 3);
  if (expect_fault(11, GDT_TLS << 3)) return expect_fault(11, GDT_TLS << 3);
  set_tls(0, 0xFFFFF, 0xF8, 0xC); /* execute only */
  load_es(GDT_TLS << 3 | 3);
  if (expect_fault(13, GDT_TLS << 3)) return "an execute-only segment loaded into ES";
  load_es(3);
  return last_fault.vector == ~0u ? NULL : "a null selector did not load";
}

static const char *stack_segment(void) {
  PROBE("xorl %%eax, %%eax\n\t773: movl %%eax, %%ss\n" EX_TABLE(773b, 772f));
  if (expect_fault(13, 0)) return "a null stack segment loaded";
  set_tls(0, 0xFFFFF, 0x32, 0xC); /* ring 1, not present */
  PROBE("movl $0x31, %%eax\n\t773: movl %%eax, %%ss\n" EX_TABLE(773b, 772f));
  if (expect_fault(12, 0x30)) return expect_fault(12, 0x30);
  PROBE("movl $0x7b, %%eax\n\t773: movl %%eax, %%ss\n" EX_TABLE(773b, 772f));
  return expect_fault(13, 0x78) ? "a ring 3 stack segment loaded in ring 1" : NULL;
}

static u32 words[4] = {1, 2, 3, 4};

static void load_gs(u32 selector) { __asm__ volatile("movl %0, %%gs" : : "r"(selector)); }

static const char *with_gs_cleared(const char *result) {
  load_gs(0);
  return result;
}

static const char *segment_base(void) {
  u32 got;
  set_tls((u32)words, 15, 0xF2, 0x4);
  load_gs(GDT_TLS << 3 | 3);
  __asm__ volatile("movl %%gs:4, %0" : "=r"(got));
  if (got != 2) return with_gs_cleared(fail("read %u through a based segment", got));
  __asm__ volatile("movl $7, %gs:8");
  got = words[2];
  words[2] = 3;
  return with_gs_cleared(got == 7 ? NULL : fail("wrote %u through a based segment", got));
}

static const char *segment_limit(void) {
  u32 got;
  set_tls((u32)words, 7, 0xF2, 0x4); /* eight bytes */
  load_gs(GDT_TLS << 3 | 3);
  __asm__ volatile("movl %%gs:4, %0" : "=r"(got));
  if (got != 2) return with_gs_cleared(fail("read %u at the limit", got));
  PROBE("movl %%gs:5, %%eax");
  if (expect_fault(13, 0)) return with_gs_cleared("an access across the limit passed");
  load_gs(0);
  set_tls((u32)words - 0x10000 + 8, 0xFFFF - 8, 0xF6, 0x0); /* expand down: offsets above the limit, to 64K */
  load_gs(GDT_TLS << 3 | 3);
  __asm__ volatile("movl %%gs:0xFFF8, %0" : "=r"(got));
  if (got != 1) return with_gs_cleared(fail("read %u through an expand-down segment", got));
  PROBE("movl %%gs:0xFFF6, %%eax");
  return with_gs_cleared(expect_fault(13, 0) ? "an access below an expand-down limit passed" : NULL);
}

static const char *segment_rights(void) {
  set_tls((u32)words, 15, 0xF0, 0x4); /* read only */
  load_gs(GDT_TLS << 3 | 3);
  PROBE("movl $0, %%gs:12");
  words[3] = 4;
  if (expect_fault(13, 0)) return with_gs_cleared("a read-only segment was written");
  load_gs(0);
  PROBE("movl %%gs:(%%esp), %%eax");
  if (expect_fault(13, 0)) return "a null segment was read";
  PROBE("movl (%%esp), %%eax\n\t773: movl %%eax, %%cs:(%%esp)\n" EX_TABLE(773b, 772f));
  return expect_fault(13, 0) ? "the code segment was written" : NULL;
}

/* Code written at run time, then written again, also from right before itself, also through another address. */
static const char *code_changes(void) {
  u8 *code = pages_try_alloc(1);
  if (!code) return "no memory";
  const char *result = NULL;
  u32 (*function)(void) = (u32(*)(void))code;
  for (u32 i = 0; i < 300 && !result; i++) {
    code[0] = 0xB8; /* mov eax, i */
    *(u32 *)(code + 1) = i;
    code[5] = 0xC3;
    barrier();
    if (function() != i) result = fail("old code ran in round %u", i);
  }
  static const u8 ahead[] = {0xC6, 0x05, 0, 0, 0, 0, 0x2A, 0xB8, 0x01, 0, 0, 0, 0xC3}; /* movb $42, <the 1>; mov $1, %eax; ret */
  memcpy(code, ahead, sizeof ahead);
  *(u32 *)(code + 2) = (u32)code + 8;
  barrier();
  u32 got = function();
  if (!result && got != 42) result = fail("code changed just ahead of itself gave %u", got);
  kernel_map(VMAP_BASE, phys(code) | PTE_KERNEL);
  u8 *alias = (u8 *)VMAP_BASE;
  for (u32 i = 0; i < 100 && !result; i++) {
    code[0] = 0xB8;
    *(u32 *)(alias + 1) = i * 3;
    alias[5] = 0xC3;
    barrier();
    if (function() != i * 3) result = fail("a change through another address was missed in round %u", i);
    *(u32 *)(code + 1) = i * 5;
    barrier();
    if (((u32(*)(void))alias)() != i * 5) result = fail("code run through another address was old in round %u", i);
  }
  kernel_map(VMAP_BASE, 0);
  page_unref(phys(code));
  return result;
}

/* Port instructions of code that does not lie in the linear map (a module's, in Linux). The original dies of it. */
static const char *port_module(void) {
  if (original_host) return "not tried";
  u8 *code = pages_try_alloc(1);
  if (!code) return "no memory";
  static const u8 in[] = {0x31, 0xC0, 0xE4, 0x61, 0xC3}; /* xor eax, eax; in al, 0x61; ret */
  memcpy(code, in, sizeof in);
  kernel_map(VMAP_BASE, phys(code) | PTE_KERNEL);
  u32 got = ((u32(*)(void))VMAP_BASE)();
  kernel_map(VMAP_BASE, 0);
  page_unref(phys(code));
  return got == 0xFF ? NULL : fail("read %#x", got);
}

const struct test tests_cpu[] = {
  {"cpu-selectors", selectors, 0},
  {"cpu-flags-fixed", flags_fixed, 0},
  {"cpu-flags-free", flags_free, 0},
  {"cpu-cpuid", cpuid_leaves, 0},
  {"cpu-tsc", tsc_monotonic, 0},
  {"cpu-privileged", privileged, 0},
  {"cpu-msr", msr, 0},
  {"cpu-sysenter", sysenter, 0},
  {"cpu-unprivileged", unprivileged, 0},
  {"port-values", ports, 0},
  {"port-width", port_width, 10},
  {"port-string", port_string, 0},
  {"port-module", port_module, 9},
  {"trap-divide", divide, 0},
  {"trap-breakpoint", breakpoint, 3},
  {"trap-overflow", overflow, 0},
  {"trap-bound", bound, 0},
  {"trap-invalid", undefined, 0},
  {"trap-soft-interrupt", soft_interrupts, 0},
  {"trap-fpu", fpu_trap_test, 0},
  {"segment-fixup", gdt_fixup, 0},
  {"segment-copy", gdt_copy, 0},
  {"segment-ignored", gdt_ignored, 0},
  {"segment-loads", segment_loads, 0},
  {"segment-stack", stack_segment, 0},
  {"segment-base", segment_base, 0},
  {"segment-limit", segment_limit, 0},
  {"segment-rights", segment_rights, 0},
  {"code-changes", code_changes, 0},
  {0},
};
