/** Requests of the Measurement Computing USB-1608FS-Plus. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "usb.h"

#define MCC_VENDOR 0x09DBu
#define MCC_PRODUCT 0x00EAu
#define MCC_DATA_ENDPOINT 0x81u
#define MCC_PACKET_BYTES 64u
#define MCC_CHANNELS 8u
#define MCC_PACER_HZ 40000000u

/** Bits of the status word. */
#define MCC_STATUS_RUNNING 0x0002u
#define MCC_STATUS_OVERRUN 0x0004u

/** `options` of a scan. */
#define MCC_OPTION_IMMEDIATE 0x01u
#define MCC_OPTION_COUNTER 0x20u

typedef struct {
  /** Scans; 0 = until it is stopped. */
  uint32_t count;
  /** 40 MHz / (period + 1) scans a second. */
  uint32_t pacer_period;
  uint8_t channel_mask;
  uint8_t options;
} mcc_scan;

/** All answer 0 or a `URB_…` error. */
int32_t mcc_stop(void);
int32_t mcc_clear_fifo(void);
/** The same range code for every channel. */
int32_t mcc_configure(uint8_t range);
int32_t mcc_start(const mcc_scan *scan);
int32_t mcc_status(uint16_t *status);
