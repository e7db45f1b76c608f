/*
 * Tour 2.12: The bus is a page
 *
 * Just above the end of memory lies one page with sixteen descriptors. Looking through it is all the bus there is: a type
 * finds its driver in the table below, the status word tells the story of how that went, and slot n interrupts on line n +
 * 1.
 */
#include "kernel.h"

struct lguest_device_desc *device_page;

/* A new kind of device is one file and one line here. */
static const struct driver *const drivers[] = {
  &console_driver,
  &block_driver,
  &net_driver,
};

const char *device_type_name(u32 type) {
  static const char *const names[] = {"none", "console", "net", "block"};
  return type < ARRAY_LEN(names) ? names[type] : "unknown";
}

/* Splits a physically contiguous buffer at page borders, as sections must be. At most 16 pages; the rest is left out. */
void dma_list(struct lguest_dma *dma, u32 physical, u32 bytes) {
  dma->used_len = 0;
  for (u32 i = 0; i < LGUEST_MAX_DMA_SECTIONS; i++) {
    u32 room = PAGE_SIZE - physical % PAGE_SIZE, n = bytes < room ? bytes : room;
    dma->addr[i] = physical;
    dma->len[i] = (u16)n;
    if (!n) break;
    physical += n;
    bytes -= n;
  }
}

const struct driver *device_driver(u32 type) {
  for (u32 i = 0; i < ARRAY_LEN(drivers); i++)
    if (drivers[i]->type == type) return drivers[i];
  return NULL;
}

/* Sees to what is new on the bus. It need not all be there at boot: a slot may be filled, or be added, at any time. */
void device_scan(void) {
  u32 flags = irq_save();
  for (u32 slot = 0; slot < LGUEST_MAX_DEVICES; slot++) {
    struct lguest_device_desc *desc = &device_page[slot];
    if (desc->type == DEVICE_NONE || desc->status & STATUS_ACKNOWLEDGE) continue;
    desc->status |= STATUS_ACKNOWLEDGE;
    const struct driver *driver = device_driver(desc->type);
    if (!driver) continue;
    desc->status |= STATUS_DRIVER;
    desc->status |= driver->probe(desc, slot + 1) ? STATUS_DRIVER_OK : STATUS_FAILED;
  }
  irq_restore(flags);
}

void device_init(void) {
  device_page = map_device(memory_bytes / PAGE_SIZE, 1);
  device_scan();
}

int command_devices(int argc, char **argv) {
  (void)argc, (void)argv;
  print("slot irq type     features status pages pfn\n");
  for (u32 slot = 0; slot < LGUEST_MAX_DEVICES; slot++) {
    struct lguest_device_desc *d = &device_page[slot];
    if (d->type == DEVICE_NONE) continue;
    print("%4u %3u %-8s   0x%04x %6u %5u 0x%x\n", slot, slot + 1, device_type_name(d->type), d->features, d->status,
          d->num_pages, d->pfn);
  }
  return 0;
}
