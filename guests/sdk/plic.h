/** The platform-level interrupt controller, context 0 (hart 0, M mode). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "mmio.h"

#define PLIC_SOURCES 95u

/** Where the claim register is; 0 until `plic_open` has found a controller. */
extern uint32_t plic_claim_register;

/** Finds the controller in the board's tree. False when there is none; then no source can be enabled. */
bool plic_open(void);
/** Gives the source priority 1 and enables it. */
bool plic_enable(uint32_t source);
/** The source that interrupts, or 0. */
static inline uint32_t plic_claim(void) { return mmio_read32(plic_claim_register); }
static inline void plic_complete(uint32_t source) { mmio_write32(plic_claim_register, source); }
