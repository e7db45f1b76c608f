/*
 * Tour 2.15: From the first call to the prompt
 *
 * The order is the contract's: tell the Host where to find us (the machine's own beginning), give it the trap gates before
 * anything can trap, then our own page tables, a stack for traps from user mode, a clock, the devices. From there on we are tasks, and this one becomes the
 * idle task.
 */
#include "kernel.h"

char command_line[2048];
bool quiet;
static char boot_commands[2048];

/* Words the kernel knows: `quiet`; and `run=`, which takes the rest of the line as shell commands separated by `;`. */
static void parse_command_line(void) {
  char *run = strchr(command_line, 'r');
  while (run && (strncmp(run, "run=", 4) || (run > command_line && run[-1] != ' '))) run = strchr(run + 1, 'r');
  if (run) {
    copy_string(boot_commands, run + 4, sizeof boot_commands);
    *run = 0;
  }
  for (char *word = command_line; *word;) {
    while (*word == ' ') word++;
    char *end = word;
    while (*end && *end != ' ') end++;
    if (end - word == 5 && !strncmp(word, "quiet", 5)) quiet = true;
    word = end;
  }
}

void kernel_main(const u8 *boot) {
  machine_init(boot);
  trap_init();
  segment_init();
  parse_command_line();
  memory_init();
  task_init();
  set_ts(true);
  space_init();
  time_init();
  device_init();
  machine_describe();
  if (!quiet) print("Type `help` for commands.\n");
  task_kernel("shell", shell_main, boot_commands);
  irq_enable();
  idle_loop();
}
