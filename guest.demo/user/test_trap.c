/* Ring 3: traps with their error codes, what a process may not do, and what survives a trip through the kernel. */
#include "test.h"
#include "bench/bench.h"

static const char *registers(void) {
  static u32 r[6];
  static u32 flags;
  __asm__ volatile("pusha\n\tmovl $2, %eax\n\tmovl $0x11, %ebx\n\tmovl $0x22, %ecx\n\tmovl $0x33, %edx\n\tmovl $0x44, %esi\n\tmovl $0x55, %edi\n\t"
                   "movl $0x66, %ebp\n\tstd\n\tstc\n\tint $0x80\n\tpushf\n\tcld\n\tmovl %ebx, r_seen\n\tmovl %ecx, r_seen+4\n\tmovl %edx, r_seen+8\n\tmovl %esi, r_seen+12\n\t"
                   "movl %edi, r_seen+16\n\tmovl %ebp, r_seen+20\n\tpopl r_seen+24\n\tpopa\n\t.pushsection .data\nr_seen: .fill 7, 4, 0\n\t.popsection");
  __asm__ volatile("movl $r_seen, %%esi\n\trep movsl\n\tmovl (%%esi), %0" : "=r"(flags) : "D"(r), "c"(6) : "esi", "memory");
  for (u32 i = 0; i < 6; i++)
    if (r[i] != 0x11 * (i + 1)) return fail("register %u came back as %x", i, r[i]);
  return (flags & 0x401) == 0x401 ? NULL : fail("flags came back as %x", flags);
}

static const char *hypercall(void) {
  TRAP("movl $2, %%eax\n\tint $0x1f");
  return expect_trap(13, 0x1F * 8 + 2);
}

static const char *divide(void) {
  TRAP("xorl %%edx, %%edx\n\txorl %%ecx, %%ecx\n\tdivl %%ecx");
  return expect_trap(0, 0);
}

static const char *breakpoint(void) {
  TRAP("int3");
  const char *r = expect_trap(3, 0);
  if (r) return r;
  return *(u8 *)(seen.eip - 1) == 0xCC ? NULL : fail("eip %x is not behind the int3", seen.eip);
}

static const char *overflow(void) {
  TRAP("movb $127, %%al\n\taddb $1, %%al\n\tinto");
  return expect_trap(4, 0);
}

static const char *bound(void) {
  TRAP("movl $3, %%eax\n\tboundl %%eax, limits_of_test\n\t.pushsection .data\nlimits_of_test: .long 1, 2\n\t.popsection");
  return expect_trap(5, 0);
}

static const char *undefined(void) {
  TRAP("ud2");
  return expect_trap(6, 0);
}

static const char *soft_interrupts(void) {
  TRAP("int $14");
  if (expect_trap(13, 14 * 8 + 2)) return expect_trap(13, 14 * 8 + 2);
  TRAP("int $0x20");
  if (expect_trap(13, 0x20 * 8 + 2)) return expect_trap(13, 0x20 * 8 + 2);
  TRAP("int $1");
  if (expect_trap(13, 1 * 8 + 2)) return expect_trap(13, 1 * 8 + 2);
  TRAP("int $0xff");
  return expect_trap(13, 0xFF * 8 + 2);
}

#define FORBIDDEN(code) do { \
    TRAP(code); \
    if (expect_trap(13, 0)) return code " passed, or with another trap"; \
  } while (0)

static const char *privileged(void) {
  FORBIDDEN("hlt");
  FORBIDDEN("cli");
  FORBIDDEN("sti");
  FORBIDDEN("inb $0x80, %%al");
  FORBIDDEN("outb %%al, $0x80");
  FORBIDDEN("inl %%dx, %%eax");
  FORBIDDEN("movl %%cr0, %%eax");
  FORBIDDEN("clts");
  FORBIDDEN("invlpg (%%esp)");
  FORBIDDEN("wbinvd");
  FORBIDDEN("rdmsr");
  FORBIDDEN("lgdt (%%esp)");
  FORBIDDEN("ltr %%ax");
  return NULL;
}

static const char *flags_fixed(void) {
  u32 flags;
  __asm__ volatile("pushf\n\tandl $0xfffffdff, (%%esp)\n\torl $0x3000, (%%esp)\n\tpopf\n\tpushf\n\tpopl %0" : "=r"(flags) : : "cc");
  return (flags & 0x3200) == 0x200 ? NULL : fail("flags %x", flags);
}

static const char *segments(void) {
  TRAP("movl $0x69, %%eax\n\tmovl %%eax, %%ds");
  if (expect_trap(13, 0x68)) return "the kernel's data segment loaded";
  TRAP("xorl %%eax, %%eax\n\tmovl %%eax, %%ss");
  if (expect_trap(13, 0)) return "a null stack segment loaded";
  TRAP("movl $0x73, %%eax\n\tmovl %%eax, %%ss");
  if (expect_trap(13, 0x70)) return "a code segment loaded as stack";
  TRAP("movl $7, %%eax\n\tmovl %%eax, %%es");
  if (expect_trap(13, 4)) return "an LDT selector loaded";
  TRAP("ljmp $0x61, $0");
  return expect_trap(13, 0x60) ? "a far jump into the kernel's segment did not fault" : NULL;
}

static void set_tls(u32 i, u32 base, u32 limit, u32 access, u32 flags) {
  sys3(SYS_SET_TLS, i, (limit & 0xFFFF) | base << 16,
       (base >> 16 & 0xFF) | access << 8 | (limit & 0xF0000) | flags << 20 | (base & 0xFF000000));
}

static const char *not_present_segment(void) {
  set_tls(1, 0, 0xFFFFF, 0x72, 0xC);
  TRAP("movl $0x3b, %%eax\n\tmovl %%eax, %%es");
  if (expect_trap(11, 0x38)) return expect_trap(11, 0x38);
  TRAP("movl $0x3b, %%eax\n\tmovl %%ss, %%ecx\n\tmovl %%eax, %%ss");
  return expect_trap(12, 0x38);
}

static const char *stack_limit(void) {
  set_tls(1, 0, 0, 0xF2, 0x4); /* one byte long */
  TRAP("movl $0x3b, %%eax\n\tmovl %%eax, %%ss\n\tmovl %%eax, -4(%%esp)");
  const char *r = expect_trap(12, 0);
  __asm__ volatile("movl %0, %%ss" : : "r"(0x7B));
  return r;
}

static u32 tls_word[2];

/* A selector in GS outlives system calls and page faults; one whose descriptor is taken away becomes null. */
static const char *segment_kept(void) {
  u32 got = 0, selector = 0;
  tls_word[0] = 0xCAFE;
  set_tls(0, (u32)tls_word, 7, 0xF2, 0x4);
  __asm__ volatile("movl %0, %%gs" : : "r"(0x33));
  volatile u8 *fresh = grow(4096);
  *fresh = 1;
  sys0(SYS_YIELD);
  __asm__ volatile("movl %%gs:0, %0\n\tmovl %%gs, %1" : "=r"(got), "=r"(selector));
  if (got != 0xCAFE || (selector & 0xFFFF) != 0x33) return fail("gs %x reads %x", selector & 0xFFFF, got);
  set_tls(0, 0, 0, 0x72, 0x4);
  __asm__ volatile("movl %%gs, %0" : "=r"(selector));
  return selector & 0xFFFF ? fail("gs still %x without its descriptor", selector & 0xFFFF) : NULL;
}

/* The kernel must not depend on what a process leaves in its segment registers. */
static const char *odd_segments(void) {
  static u8 byte;
  u32 pid = sys0(SYS_GETPID), got, zero = 0;
  set_tls(0, (u32)&byte, 0, 0xF2, 0x4);
  __asm__ volatile("pushl %%ds\n\tpushl %%es\n\tmovl %3, %%es\n\tmovl %3, %%ds\n\tint $0x80\n\tpopl %%es\n\tpopl %%ds"
                   : "=a"(got) : "0"(2), "b"(0), "r"(0x33), "c"(0), "d"(zero) : "memory");
  return got == pid ? NULL : "a system call with strange DS and ES failed";
}

static const char *page_faults(void) {
  u8 *page = grow(4096);
  *page = 1;
  TRAP("movl 0, %%eax");
  if (expect_page_fault(0, 4)) return expect_page_fault(0, 4);
  TRAP("movb $0, 0x123");
  if (expect_page_fault(0x123, 6)) return expect_page_fault(0x123, 6);
  sys3(SYS_PROTECT, page, 4096, 1);
  if (*(volatile u8 *)page != 1) return "a read-only page cannot be read";
  __asm__ volatile("movl $779f, resume\n\tmovb $5, 8(%0)\n779:\n\tmovl $0, resume" : : "r"(page) : "memory");
  if (expect_page_fault((u32)page + 8, 7)) return expect_page_fault((u32)page + 8, 7);
  sys3(SYS_PROTECT, page, 4096, 0);
  page[8] = 6;
  return page[8] == 6 ? NULL : "still read-only after it was allowed again";
}

static const char *kernel_pages(void) {
  TRAP("movl 0xc0100000, %%eax");
  if (expect_page_fault(0xC0100000, 5)) return expect_page_fault(0xC0100000, 5);
  TRAP("movl $0, 0xc0100000");
  return expect_page_fault(0xC0100000, 7);
}

static const char *fetches(void) {
  resume = 0;
  seen.vector = ~0u;
  __asm__ volatile("movl $779f, resume\n\tjmp *%0\n779:\n\tmovl $0, resume" : : "r"(0x10) : "memory");
  if (expect_page_fault(0x10, 4)) return expect_page_fault(0x10, 4);
  if (seen.eip != 0x10) return fail("eip %x for a jump to 10", seen.eip);
  seen.vector = ~0u;
  __asm__ volatile("movl $779f, resume\n\tjmp *%0\n779:\n\tmovl $0, resume" : : "r"(0xC0100000) : "memory");
  return seen.vector == 14 && seen.cr2 == 0xC0100000 && (seen.error & 4) ? NULL : "executed the kernel's code";
}

static const char *fpu_error(void) {
  static u16 control = 0x37B; /* division by zero unmasked */
  u16 status = 0, normal = 0x37F;
  __asm__ volatile("fninit\n\tfldcw %0" : : "m"(control));
  TRAP("fld1\n\tfldz\n\tfdivrp\n\tfwait");
  __asm__ volatile("fnstsw %0\n\tfnclex\n\tfninit\n\tfldcw %1" : "=m"(status) : "m"(normal));
  const char *r = expect_trap(16, 0);
  if (r) return r;
  return status & 4 ? NULL : fail("status word %x without the zero-divide bit", status);
}

/* SSE reports at once, and the result is not written. */
static const char *sse_error(void) {
  if (!have_sse2()) return NULL;
  static const u32 control = 0x1F80 & ~0x200, normal = 0x1F80; /* division by zero unmasked */
  static const u32 one = 0x3F800000;
  u32 status = 0, left = 0;
  __asm__ volatile("ldmxcsr %0\n\tmovss %1, %%xmm0\n\tpxor %%xmm1, %%xmm1" : : "m"(control), "m"(one));
  TRAP("divss %%xmm1, %%xmm0");
  __asm__ volatile("stmxcsr %0\n\tmovss %%xmm0, %1\n\tldmxcsr %2" : "=m"(status), "=m"(left) : "m"(normal));
  const char *r = expect_trap(19, 0);
  if (r) return r;
  TRAP("movaps 4(%%esp), %%xmm1\n\tmovaps 8(%%esp), %%xmm1\n\tmovaps 12(%%esp), %%xmm1"); /* one of them is not aligned */
  r = expect_trap(13, 0);
  if (r) return r;
  return status == (control | 4) && left == one ? NULL : fail("MXCSR %x, destination %x", status, left);
}

static volatile u32 steps;

static void on_step(struct trap_frame *frame) {
  if (frame->vector == 1) steps++;
  else seen = *frame;
  sys1(SYS_TRAP_RETURN, frame);
}

/* The handler keeps TF in the flags it returns with, so every instruction traps until popf clears it. The original dies of it. */
static const char *single_step(void) {
  if (original_host) return "not tried";
  steps = 0;
  sys1(SYS_ON_TRAP, on_step);
  u32 x = 0;
  __asm__ volatile("pushf\n\torl $0x100, (%%esp)\n\tpopf\n\tincl %0\n\tincl %0\n\tincl %0\n\tpushf\n\tandl $0xfffffeff, (%%esp)\n\tpopf\n\tnop" : "+r"(x) : : "memory", "cc");
  u32 n = steps;
  restore_handler();
  if (x != 3) return fail("three increments made %u", x);
  return n == 6 ? NULL : fail("%u steps, not 6", n);
}

static const char *machine(void) {
  u32 cs, low, high, low2, high2, max;
  __asm__ volatile("movl %%cs, %0" : "=r"(cs));
  if ((cs & 0xFFFF) != 0x73) return fail("cs %x", cs);
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  __asm__ volatile("rdtsc" : "=a"(low2), "=d"(high2));
  if (high2 < high || (high2 == high && low2 < low)) return "the time-stamp counter went backwards";
  __asm__ volatile("cpuid" : "=a"(max) : "0"(0) : "ebx", "ecx", "edx");
  return max ? NULL : "no cpuid";
}

const struct test tests_trap[] = {
  {"user-registers", registers, 0},
  {"user-machine", machine, 0},
  {"user-hypercall", hypercall, 0},
  {"user-divide", divide, 0},
  {"user-breakpoint", breakpoint, 3},
  {"user-overflow", overflow, 0},
  {"user-bound", bound, 0},
  {"user-invalid", undefined, 0},
  {"user-soft-interrupts", soft_interrupts, 0},
  {"user-privileged", privileged, 0},
  {"user-flags-fixed", flags_fixed, 0},
  {"user-segments", segments, 0},
  {"user-segment-not-present", not_present_segment, 0},
  {"user-stack-limit", stack_limit, 0},
  {"user-segment-kept", segment_kept, 0},
  {"user-segment-odd", odd_segments, 0},
  {"user-page-faults", page_faults, 0},
  {"user-kernel-pages", kernel_pages, 14},
  {"user-fetch", fetches, 0},
  {"user-fpu-error", fpu_error, 0},
  {"user-sse-error", sse_error, 0},
  {"user-single-step", single_step, 4},
  {0},
};
