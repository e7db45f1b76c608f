/* Who is on the first PCI bus, asked by the old way through two ports (PCI 3.0, section 3.2.2.3). */
#include "kernel.h"

#define CONFIG_ADDRESS 0xCF8
#define CONFIG_DATA 0xCFC
#define SLOTS 32
#define IO_AND_MASTER 5
#define VIRTIO_VENDOR 0x1AF4

enum { VIRTIO_NET = 0x1000, VIRTIO_BLOCK = 0x1001 };
enum { CONFIG_ID = 0, CONFIG_COMMAND = 4, CONFIG_BAR_0 = 0x10, CONFIG_INTERRUPT = 0x3C };

static u32 config_read(u32 slot, u32 offset) {
  out32(CONFIG_ADDRESS, 1u << 31 | slot << 11 | offset);
  return in32(CONFIG_DATA);
}

static void config_write(u32 slot, u32 offset, u32 value) {
  out32(CONFIG_ADDRESS, 1u << 31 | slot << 11 | offset);
  out32(CONFIG_DATA, value);
}

void device_init(void) {
  for (u32 slot = 0; slot < SLOTS; slot++) {
    u32 id = config_read(slot, CONFIG_ID);
    if ((id & 0xFFFF) != VIRTIO_VENDOR) continue;
    config_write(slot, CONFIG_COMMAND, config_read(slot, CONFIG_COMMAND) | IO_AND_MASTER);
    struct pci_device d = {slot, id & 0xFFFF, id >> 16, config_read(slot, CONFIG_BAR_0) & ~3u, config_read(slot, CONFIG_INTERRUPT) & 0xFF};
    if (d.device == VIRTIO_BLOCK) block_probe(&d);
    if (d.device == VIRTIO_NET) net_probe(&d);
  }
}
