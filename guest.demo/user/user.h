/* What user programs share: types, system calls, a little library. */
#ifndef USER_H
#define USER_H
#include "abi.h"

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed int s32;
typedef enum { false, true } bool;
#define NULL ((void *)0)
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define barrier() __asm__ volatile("" : : : "memory")

int syscall3(int number, u32 a, u32 b, u32 c);
#define sys0(n) syscall3(n, 0, 0, 0)
#define sys1(n, a) syscall3(n, (u32)(a), 0, 0)
#define sys2(n, a, b) syscall3(n, (u32)(a), (u32)(b), 0)
#define sys3(n, a, b, c) syscall3(n, (u32)(a), (u32)(b), (u32)(c))

void *memcpy(void *to, const void *from, u32 n);
void *memset(void *to, int byte, u32 n);
int memcmp(const void *a, const void *b, u32 n);
u32 strlen(const char *s);
int strcmp(const char *a, const char *b);
void exit(int status) __attribute__((noreturn));
int fork(void);
int exec(const char *command); /* becomes the program the first word names; returns only if that failed */
int wait_for(int pid);
void *grow(u32 bytes); /* fresh pages, zero until written */
u64 now_ns(void);
u32 div64(u64 n, u32 d, u32 *remainder);
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void format_args(char *to, u32 size, const char *format, __builtin_va_list args);
void format(char *to, u32 size, const char *format, ...) __attribute__((format(printf, 3, 4)));
u32 number(const char *s, u32 otherwise);

typedef int program(int argc, char **argv);
program bench_main, test_main, hog_main, exit_main;
#endif
