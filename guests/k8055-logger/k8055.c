/** Report layouts. */
#include "k8055.h"

#include <string.h>

k8055_inputs k8055_parse(const uint8_t *report) {
  uint8_t raw = report[0];
  /* I1, I2 are bits 4 and 5, I3 is bit 0, I4 and I5 are bits 6 and 7. */
  uint8_t digital = (uint8_t)((raw >> 4 & 3u) | (raw & 1u) << 2 | (raw >> 6 & 3u) << 3);
  return (k8055_inputs){
      .digital = digital,
      .status = report[1],
      .a1 = report[2],
      .a2 = report[3],
      .counter1 = (uint16_t)(report[4] | report[5] << 8),
      .counter2 = (uint16_t)(report[6] | report[7] << 8),
  };
}

void k8055_command(uint8_t *report, uint8_t command, k8055_outputs outputs) {
  memset(report, 0, K8055_REPORT_BYTES);
  report[0] = command;
  report[1] = outputs.digital;
  report[2] = outputs.dac1;
  report[3] = outputs.dac2;
}
