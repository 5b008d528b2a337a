/** What every guest has: the device tree, the hypervisor's presence, the way to end. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fdt.h"

/** Called by the start-up code before `main`: opens tree, console and interrupt controller, turns interrupts on. */
void board_start(const void *device_tree);
/** The board's device tree; empty when the monitor gave none. */
const fdt_tree *board_tree(void);
/** Whether hypercalls are answered. */
bool board_has_hypervisor(void);
/** Ticks of `time` a second. */
uint32_t board_timebase(void);
/** Ends the machine: code 0 = pass, else fail. */
_Noreturn void board_finish(int code);

/** Every guest's program; its answer goes to `board_finish`. */
int main(uint32_t hart_id, const void *device_tree);
