/*
 * Tour 2.13: The console
 *
 * Output gathers in a ring and leaves in one or two pieces when somebody could be waiting for it: when it is full, at a tick,
 * before we halt, before we read. Input comes the other way round, as far as our own ring has room; the machine keeps the rest.
 */
#include "kernel.h"

#define OUT_SIZE 16384
#define IN_SIZE 4096

volatile bool console_interrupted;
u32 console_bytes_out, console_bytes_in, console_sends; /* the machine counts what leaves */

static u8 out[OUT_SIZE] __attribute__((aligned(PAGE_SIZE)));
static u32 out_head, out_tail; /* free running; tail chases head */
static char in[IN_SIZE];
static u32 in_head, in_tail;

void console_flush(void) {
  u32 flags = irq_save();
  if (out_head != out_tail) {
    u32 start = out_tail % OUT_SIZE, bytes = out_head - out_tail, first = bytes < OUT_SIZE - start ? bytes : OUT_SIZE - start;
    console_send(out + start, first);
    if (first < bytes) console_send(out, bytes - first);
    out_tail = out_head;
  }
  irq_restore(flags);
}

static void put_raw(char c) {
  u32 flags = irq_save();
  if (out_head - out_tail == OUT_SIZE) console_flush();
  out[out_head++ % OUT_SIZE] = c;
  irq_restore(flags);
}

/* The Launcher's terminal is raw: the carriage return is ours to add. */
void console_putc(char c) {
  if (c == '\n') put_raw('\r');
  put_raw(c);
}

void console_write(const char *text, u32 n) {
  while (n--) console_putc(*text++);
}

/* From the machine into our ring. ^C acts at once and drops what was typed before. */
static void take_input(void) {
  u32 flags = irq_save();
  char c;
  while (in_head - in_tail < IN_SIZE && console_take(&c)) {
    console_bytes_in++;
    if (c == 3) {
      in_tail = in_head;
      console_interrupted = true;
      task_kill_users();
      wake(&console_interrupted);
    }
    in[in_head++ % IN_SIZE] = c;
  }
  irq_restore(flags);
}

void console_typed(void) {
  take_input();
  wake(in);
}

bool console_poll(char *c) {
  u32 flags = irq_save();
  take_input();
  bool got = in_head != in_tail;
  if (got) *c = in[in_tail++ % IN_SIZE];
  irq_restore(flags);
  return got;
}

int console_getc(void) {
  char c;
  console_flush();
  u32 flags = irq_save();
  while (!console_poll(&c)) {
    wait_on(in, 0);
    if (current->space && current->killed) {
      c = 3;
      break;
    }
  }
  irq_restore(flags);
  return (u8)c;
}
