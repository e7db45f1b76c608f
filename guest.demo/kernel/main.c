/*
 * Tour 2.15: From the first call to the prompt
 *
 * The order is the contract's: tell the Host where to find us, give it the trap gates before anything can trap, then our own
 * page tables, a stack for traps from user mode, a clock, the devices. From there on we are tasks, and this one becomes the
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
  hypercall(LHCALL_LGUEST_INIT, phys(&lguest_data), 0, 0);
  trap_init();
  segment_init();
  copy_string(command_line, virt(*(u32 *)(boot + BOOT_COMMAND_LINE)), sizeof command_line);
  parse_command_line();
  memory_init();
  task_init();
  set_ts(true);
  space_init();
  time_init();
  device_init();

  u32 devices = 0;
  for (u32 i = 0; i < LGUEST_MAX_DEVICES; i++) devices += device_page[i].type != DEVICE_NONE;
  print("lguest demo guest: %u KiB memory, %u device%s\n", memory_bytes / 1024, devices, devices == 1 ? "" : "s");
  if (!quiet) {
    for (u32 i = 0; i < LGUEST_MAX_DEVICES; i++)
      if (device_page[i].type)
        print("  device %u: %s, status %u, irq %u\n", i, device_type_name(device_page[i].type), device_page[i].status, i + 1);
    print("  clock: %s", lguest_data.tsc_khz ? "tsc" : "wall clock at interrupts");
    if (lguest_data.tsc_khz) print(" %u kHz", lguest_data.tsc_khz);
    print(", guest %u, top %u KiB reserved\n", lguest_data.guestid, lguest_data.reserve_mem / 1024);
    if (boot[BOOT_LOADER_TYPE])
      print("  initrd: %u bytes at 0x%x\n", *(u32 *)(boot + BOOT_INITRD_SIZE), *(u32 *)(boot + BOOT_INITRD_START));
    print("Type `help` for commands.\n");
  }
  task_kernel("shell", shell_main, boot_commands);
  irq_enable();
  idle_loop();
}
