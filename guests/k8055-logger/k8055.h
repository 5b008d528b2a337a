/** Reports of the Velleman K8055 (VM110): eight bytes each way, without a report number. */
#pragma once

#include <stdint.h>

#define K8055_VENDOR 0x10CFu
/** Product 0x5500 + address jumpers 0..3. */
#define K8055_PRODUCT 0x5500u
#define K8055_ADDRESSES 4u
#define K8055_REPORT_BYTES 8u

enum { K8055_RESET_COUNTER_1 = 3, K8055_RESET_COUNTER_2 = 4, K8055_SET_OUTPUTS = 5 };

typedef struct {
  uint8_t dac1;
  uint8_t dac2;
  uint8_t digital;
} k8055_outputs;

typedef struct {
  /** Bits 0..4 are I1..I5. */
  uint8_t digital;
  uint8_t status;
  uint8_t a1;
  uint8_t a2;
  uint16_t counter1;
  uint16_t counter2;
} k8055_inputs;

k8055_inputs k8055_parse(const uint8_t *report);
void k8055_command(uint8_t *report, uint8_t command, k8055_outputs outputs);
