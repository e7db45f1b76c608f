/* The integers by their widths. */
#ifndef TYPES_H
#define TYPES_H
#ifndef __ASSEMBLER__
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed int s32;
typedef signed long long s64;
typedef enum { false, true } bool;
#define NULL ((void *)0)
#endif
#endif
