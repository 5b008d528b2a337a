/** The platform-level interrupt controller, context 0 (hart 0, M mode). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PLIC_SOURCES 95u

/** Finds the controller in the board's tree. False when there is none; then no source can be enabled. */
bool plic_open(void);
/** Gives the source priority 1 and enables it. */
bool plic_enable(uint32_t source);
/** The source that interrupts, or 0. */
uint32_t plic_claim(void);
void plic_complete(uint32_t source);
