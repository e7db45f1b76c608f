/* The host's own processor as an oracle for 32-bit programs: cases on standard input, outcomes on standard output.
 *
 * A 64-bit process may run 32-bit code: the segment with selector 0x23 is in every Linux kernel's descriptor table, and an iret into it
 * is all that is needed.  So no 32-bit C library is asked for; in fact none at all, because the code under test may load FS and
 * GS as it likes and a C library keeps its thread pointer there.  The program links as a static PIE, far above 4 GiB, and everything
 * below belongs to the code under test.
 *
 * Every case ends with a signal: its last instruction is INT3, whatever goes wrong raises another, and a timer ends what runs for too
 * long.  The signal frame is the outcome.
 *
 * Stream: struct layout, the initial contents of the writable, read-only and stack areas, then struct test until the end of input.
 * For each: struct outcome, then `changes' pairs of address and new value of the words that are not as they were.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

#define CODE_SIZE 4096

struct layout {
	u32 code;                       /* one page, writable */
	u32 data, writable, readonly;   /* bytes; the read-only part follows the writable one */
	u32 stack, stack_size;
	/* What set_thread_area takes, for the three free descriptors (selectors 0x63, 0x6b, 0x73); entry 0: leave them alone. */
	struct { u32 entry, base, limit, bits; } segment[3];
	u32 fs, gs;                     /* selectors every program starts with */
};

struct test {
	u32 offset, length;             /* of the code in its page; everything else there is INT3 */
	u32 eip, eflags;
	u32 regs[8];                    /* eax ecx edx ebx esp ebp esi edi */
	u8 code[128];
	u8 xmm[8][16];
	u32 mxcsr;
};

struct outcome {
	u32 vector, error, address;     /* vector 0x100: timeout, 0x101: system call */
	u32 eip, eflags;
	u32 regs[8];
	u16 cs, ss, ds, es, fs, gs;
	u16 fcw, fsw, ftw, fop;
	u32 changes;
	u8 st[8][10];
	u8 xmm[8][16];
	u32 mxcsr;
};

/* What the kernel pushes for a handler, as far as we look at it. */
struct frame {
	u64 flags, link, stack_sp, stack_flags, stack_size;
	u64 r8, r9, r10, r11, r12, r13, r14, r15, di, si, bp, bx, dx, ax, cx, sp, ip, eflags;
	u16 cs, gs, fs, ss;
	u64 error, trap, mask, cr2;
	u8 *fpu;
};

#define OUT_SIZE (1 << 16)
static struct layout layout;
static struct test test;
static struct outcome outcome;
static u8 image[1 << 17], in[1 << 16], out[OUT_SIZE];
static u8 signal_stack[1 << 16] __attribute__((aligned(64)));
static u32 in_at, in_end, out_end;
static volatile u32 number, ticked;
u64 saved_sp;

static long call(long n, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return result;
}

enum { READ = 0, WRITE = 1, MMAP = 9, MPROTECT = 10, SIGACTION = 13, SIGRETURN = 15, SETITIMER = 38, SIGALTSTACK = 131,
       PRCTL = 157, EXIT_GROUP = 231 };

static void die(int status)
{
	for (;;)
		call(EXIT_GROUP, status, 0, 0, 0, 0, 0);
}

static void copy(void *to, const void *from, u64 n)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

static void flush(void)
{
	u32 at = 0;

	while (at < out_end) {
		long n = call(WRITE, 1, (long)out + at, out_end - at, 0, 0, 0);
		if (n <= 0)
			die(90);
		at += n;
	}
	out_end = 0;
}

static void put(const void *p, u32 n)
{
	if (out_end + n > OUT_SIZE)
		flush();
	copy(out + out_end, p, n);
	out_end += n;
}

/* 0 at the end of input. */
static int get(void *p, u32 n)
{
	u8 *to = p;

	while (n) {
		u32 part = in_end - in_at;
		if (!part) {
			long got = call(READ, 0, (long)in, sizeof in, 0, 0, 0);
			if (got <= 0)
				return 0;
			in_at = 0;
			in_end = part = got;
		}
		if (part > n)
			part = n;
		copy(to, in + in_at, part);
		in_at += part;
		to += part;
		n -= part;
	}
	return 1;
}

/* Enters the code under test; "returns" when a handler says so. */
void enter(struct test *t, u32 fs, u32 gs);
void leave(void);
void restorer(void);
void start(void);
__asm__(
"	.globl start\n"
"start:	xor %ebp, %ebp\n"
"	and $-16, %rsp\n"
"	call run\n"
"enter:	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
"	mov %rsp, saved_sp(%rip)\n"
"	mov $0x2b, %eax\n"
"	mov %eax, %ds; mov %eax, %es\n"
"	mov %esi, %fs; mov %edx, %gs\n"
"	fninit\n"
"	movups 176(%rdi), %xmm0; movups 192(%rdi), %xmm1; movups 208(%rdi), %xmm2; movups 224(%rdi), %xmm3\n"
"	movups 240(%rdi), %xmm4; movups 256(%rdi), %xmm5; movups 272(%rdi), %xmm6; movups 288(%rdi), %xmm7\n"
"	ldmxcsr 304(%rdi)\n"
"	push %rax\n"
"	mov 32(%rdi), %eax; push %rax\n"       /* esp */
"	mov 12(%rdi), %eax; push %rax\n"       /* eflags */
"	push $0x23\n"
"	mov 8(%rdi), %eax; push %rax\n"        /* eip */
"	mov 16(%rdi), %eax; mov 20(%rdi), %ecx; mov 24(%rdi), %edx; mov 28(%rdi), %ebx\n"
"	mov 36(%rdi), %ebp; mov 40(%rdi), %esi; mov 44(%rdi), %edi\n"
"	iretq\n"
"leave:	mov saved_sp(%rip), %rsp\n"
"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
"	ret\n"
"restorer: mov $15, %eax\n"
"	syscall\n");

static void handler(int signal, void *info, struct frame *f)
{
	u32 i;

	(void)info;
	/* The program's AC and NT would trip us up. */
	__asm__ volatile("push $0x202; popfq" : : : "cc", "memory");
	if (f->ip >> 32 && signal != 31) {      /* a system call instruction may report from the kernel's own page */
		if (signal == 27)
			return;         /* the timer of our processor time, while we were busy ourselves */
		die(91);
	}
	if (signal == 27 && ticked != number) {
		ticked = number;
		return;                 /* give it a whole period */
	}
	outcome.vector = signal == 27 ? 0x100 : signal == 31 ? 0x101 : f->trap;
	outcome.error = f->error;
	outcome.address = f->cr2;
	outcome.eip = f->ip;
	outcome.eflags = f->eflags;
	outcome.regs[0] = f->ax, outcome.regs[1] = f->cx, outcome.regs[2] = f->dx, outcome.regs[3] = f->bx;
	outcome.regs[4] = f->sp, outcome.regs[5] = f->bp, outcome.regs[6] = f->si, outcome.regs[7] = f->di;
	outcome.cs = f->cs;
	outcome.ss = f->ss;
	__asm__("mov %%ds, %0" : "=r"(i)); outcome.ds = i;
	__asm__("mov %%es, %0" : "=r"(i)); outcome.es = i;
	__asm__("mov %%fs, %0" : "=r"(i)); outcome.fs = i;
	__asm__("mov %%gs, %0" : "=r"(i)); outcome.gs = i;
	if (f->fpu) {
		copy(&outcome.fcw, f->fpu, 2);
		copy(&outcome.fsw, f->fpu + 2, 2);
		outcome.ftw = f->fpu[4];
		copy(&outcome.fop, f->fpu + 6, 2);
		for (i = 0; i < 8; i++)
			copy(outcome.st[i], f->fpu + 32 + 16 * i, 10);
		copy(outcome.xmm, f->fpu + 160, sizeof outcome.xmm);
		copy(&outcome.mxcsr, f->fpu + 24, 4);
	}
	leave();
}

/* The code under test may hold any bytes, also those of a system call: none but our own few gets through. */
static void forbid_calls(void)
{
	static struct filter { u16 code; u8 yes, no; u32 k; } filter[] = {
		{ 0x20, 0, 0, 4 },                      /* architecture */
		{ 0x15, 0, 7, 0xc000003e },             /* x86-64, or trap */
		{ 0x20, 0, 0, 0 },                      /* number */
		{ 0x15, 4, 0, READ }, { 0x15, 3, 0, WRITE }, { 0x15, 2, 0, SIGRETURN }, { 0x15, 1, 0, EXIT_GROUP },
		{ 0x05, 0, 0, 1 },
		{ 0x06, 0, 0, 0x7fff0000 },             /* allow */
		{ 0x06, 0, 0, 0x00030000 },             /* trap */
	};
	struct { u16 length; struct filter *filter; } program = { sizeof filter / sizeof *filter, filter };

	if (call(PRCTL, 38, 1, 0, 0, 0, 0) || call(PRCTL, 22, 2, (long)&program, 0, 0, 0))
		die(92);
}

static void map(u32 at, u32 size)
{
	/* readable, writable, executable; private, anonymous, fixed but never over something else */
	if (call(MMAP, at, size, 7, 0x100022, -1, 0) != at)
		die(93);
}

static void compare(u32 at, u32 size, const u8 *before, int send)
{
	u32 i;

	for (i = 0; i < size; i += 4) {
		u32 *now = (u32 *)(u64)(at + i);
		if (*now == *(u32 *)(before + i))
			continue;
		if (send) {
			u32 change[2] = { at + i, *now };
			put(change, sizeof change);
		} else {
			outcome.changes++;
		}
	}
}

__attribute__((used)) void run(void)
{
	static const u8 signals[] = { 4, 5, 7, 8, 11, 27, 31 };
	static u8 code[CODE_SIZE];
	struct { void *handler; u64 flags; void *restorer; u64 mask; } action = { handler, 0x4c000004, restorer, 0 };
	struct { void *sp; u64 flags, size; } stack = { signal_stack, 0, sizeof signal_stack };
	long period[4] = { 0, 20000, 0, 20000 };
	u32 i;

	if (!get(&layout, sizeof layout) || layout.writable + layout.readonly + layout.stack_size > sizeof image)
		die(94);
	if (!get(image, layout.writable + layout.readonly + layout.stack_size))
		die(94);
	map(layout.code, CODE_SIZE);
	map(layout.data, layout.writable + layout.readonly);
	map(layout.stack, layout.stack_size);
	copy((void *)(u64)layout.data, image, layout.writable + layout.readonly);
	if (call(MPROTECT, layout.data + layout.writable, layout.readonly, 5, 0, 0, 0))
		die(95);
	call(SIGALTSTACK, (long)&stack, 0, 0, 0, 0, 0);
	for (i = 0; i < 3 && layout.segment[0].entry; i++) {
		/* A call that 64-bit processes do not have: by the 32-bit door, with its argument where 32 bits reach. */
		long result = 243;
		copy((void *)(u64)layout.stack, &layout.segment[i], 16);
		__asm__ volatile("int $0x80" : "+a"(result) : "b"(layout.stack) : "memory", "r8", "r9", "r10", "r11");
		if ((int)result)
			die(97);
	}
	for (i = 0; i < sizeof signals; i++)
		call(SIGACTION, signals[i], (long)&action, 0, 8, 0, 0);
	call(SETITIMER, 2, (long)period, 0, 0, 0, 0);
	forbid_calls();
	while (get(&test, sizeof test)) {
		u8 *stack_image = image + layout.writable + layout.readonly;
		if (test.offset + test.length > CODE_SIZE || test.length > sizeof test.code)
			die(96);
		for (i = 0; i < CODE_SIZE; i++)
			code[i] = 0xcc;
		copy(code + test.offset, test.code, test.length);
		copy((void *)(u64)layout.code, code, CODE_SIZE);
		copy((void *)(u64)layout.data, image, layout.writable);
		copy((void *)(u64)layout.stack, stack_image, layout.stack_size);
		number++;
		outcome.changes = 0;
		enter(&test, layout.fs, layout.gs);
		compare(layout.code, CODE_SIZE, code, 0);
		compare(layout.data, layout.writable, image, 0);
		compare(layout.stack, layout.stack_size, stack_image, 0);
		put(&outcome, sizeof outcome);
		compare(layout.code, CODE_SIZE, code, 1);
		compare(layout.data, layout.writable, image, 1);
		compare(layout.stack, layout.stack_size, stack_image, 1);
	}
	flush();
	die(0);
}
