/* The processor's own x87 unit as a filter: one case in, one outcome out, until end of input.
 *
 * A case is a register file in FXSAVE order, an instruction of at most six bytes and 112 bytes of memory that the instruction may
 * name as (%rsi); the outcome is the same things afterwards.  Nothing here interprets anything: the image is loaded with fxrstor,
 * the bytes are called, the image is taken with fxsave (which, unlike fnsave, neither waits nor disturbs).
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct record {
	uint16_t fcw, fsw;
	uint8_t ftw, length, code[6];
	uint32_t eflags;
	uint8_t st[8][10];
	uint8_t memory[112];
} __attribute__((packed));

static uint8_t image[512] __attribute__((aligned(16)));
static uint8_t operand[112] __attribute__((aligned(16)));

int main(void)
{
	static char in[1 << 16], out[1 << 16];
	struct record r;
	uint8_t *code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (code == MAP_FAILED)
		return perror("x87-oracle: executable page"), 1;
	setvbuf(stdin, in, _IOFBF, sizeof in);
	setvbuf(stdout, out, _IOFBF, sizeof out);
	while (fread(&r, sizeof r, 1, stdin) == 1) {
		unsigned long flags = r.eflags | 2, ax = 0xa5a5;
		int i;

		memset(image, 0, sizeof image);
		memcpy(image, &r.fcw, 2);
		memcpy(image + 2, &r.fsw, 2);
		image[4] = r.ftw;
		image[24] = 0x80, image[25] = 0x1f;
		for (i = 0; i < 8; i++)
			memcpy(image + 32 + 16 * i, r.st[i], 10);
		memcpy(operand, r.memory, sizeof operand);
		memcpy(code, r.code, r.length);
		code[r.length] = 0xc3;
		__asm__ volatile("sub $256, %%rsp\n\t"
				 "fxrstor %[image]\n\t"
				 "push %[flags]; popfq\n\t"
				 "call *%[code]\n\t"
				 "pushfq; pop %[flags]\n\t"
				 "fxsave %[image]\n\t"
				 "fninit\n\t"
				 "add $256, %%rsp"
				 : [flags] "+r"(flags), "+a"(ax), [image] "+m"(image), "+m"(operand)
				 : [code] "r"(code), "S"(operand)
				 : "cc", "memory");
		memcpy(&r.fcw, image, 2);
		memcpy(&r.fsw, image + 2, 2);
		r.ftw = image[4];
		memcpy(r.code, &ax, 2);
		r.eflags = flags;
		for (i = 0; i < 8; i++)
			memcpy(r.st[i], image + 32 + 16 * i, 10);
		memcpy(r.memory, operand, sizeof operand);
		fwrite(&r, sizeof r, 1, stdout);
	}
	return fflush(stdout) ? 1 : 0;
}
