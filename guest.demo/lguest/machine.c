/* Where a guest of lguest starts, what time it is there, and the commands only it has. */
#include "kernel.h"

static u32 initrd_start, initrd_bytes;

/* The Host must know where we are before anything else; the rest is what the Launcher left in the boot parameters (ABI 4.6). */
void machine_init(const u8 *boot) {
  hypercall(LHCALL_LGUEST_INIT, phys(&lguest_data), 0, 0);
  copy_string(command_line, virt(*(u32 *)(boot + BOOT_COMMAND_LINE)), sizeof command_line);
  memory_bytes = *(u32 *)(boot + BOOT_E820_SIZE);
  if (boot[BOOT_LOADER_TYPE]) {
    initrd_start = *(u32 *)(boot + BOOT_INITRD_START);
    initrd_bytes = *(u32 *)(boot + BOOT_INITRD_SIZE);
  }
  /* The Launcher's tables and, behind them, the initrd are at the top (ABI 4.2, 4.5). */
  boot_tables_end = memory_bytes - initrd_bytes;
  boot_tables = boot_tables_end - ((memory_bytes / PAGE_SIZE + 1023) / 1024 + 1) * PAGE_SIZE;
}

void machine_describe(void) {
  u32 devices = 0;
  for (u32 i = 0; i < LGUEST_MAX_DEVICES; i++) devices += device_page[i].type != DEVICE_NONE;
  print("lguest demo guest: %u KiB memory, %u device%s\n", memory_bytes / 1024, devices, devices == 1 ? "" : "s");
  if (quiet) return;
  for (u32 i = 0; i < LGUEST_MAX_DEVICES; i++)
    if (device_page[i].type)
      print("  device %u: %s, status %u, irq %u\n", i, device_type_name(device_page[i].type), device_page[i].status, i + 1);
  print("  clock: %s", tsc_khz() ? "tsc" : "wall clock at interrupts");
  if (tsc_khz()) print(" %u kHz", tsc_khz());
  print(", guest %u, top %u KiB reserved\n", lguest_data.guestid, lguest_data.reserve_mem / 1024);
  if (initrd_start) print("  initrd: %u bytes at 0x%x\n", initrd_bytes, initrd_start);
}

/* Seconds are read again, in case the Host wrote between the two words. */
u64 wall_ns(void) {
  u32 sec, nsec;
  do {
    sec = lguest_data.time_sec;
    nsec = lguest_data.time_nsec;
  } while (sec != lguest_data.time_sec);
  return (u64)sec * NS_PER_SEC + nsec;
}

void timer_arm(u32 ns) { hypercall(LHCALL_SET_CLOCKEVENT, ns, 0, 0); }

const struct command machine_commands[] = {
  {"devices", command_devices, "the device page"},
  {"device", command_device, "[<slot> send|receive|ask|read|write ...]: talk to a device of any type by hand; `device x` explains"},
  {"stat", command_stat, "counters of hypercalls, interrupts, traps and faults"},
  {"selftest", command_selftest, "[name]: everything the contract promises, one line each"},
  {"die", command_die, "<how>: deliberate deaths; `die` lists them"},
  {NULL, NULL, NULL},
};
