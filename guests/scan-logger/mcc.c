/** Vendor requests. */
#include "mcc.h"

#include <stddef.h>
#include <string.h>

enum {
  AIN_SCAN_START = 0x11,
  AIN_SCAN_STOP = 0x12,
  AIN_CONFIG = 0x14,
  AIN_CLR_FIFO = 0x15,
  STATUS = 0x44,
};

static int32_t send(uint8_t request, void *data, uint16_t length) {
  int32_t sent = usb_control(USB_VENDOR_DEVICE, request, 0, 0, data, length, USB_TIMEOUT_MS);
  return sent < 0 ? sent : URB_OK;
}

int32_t mcc_stop(void) { return send(AIN_SCAN_STOP, NULL, 0); }
int32_t mcc_clear_fifo(void) { return send(AIN_CLR_FIFO, NULL, 0); }

int32_t mcc_configure(uint8_t range) {
  uint8_t ranges[MCC_CHANNELS];
  memset(ranges, range, sizeof ranges);
  return send(AIN_CONFIG, ranges, sizeof ranges);
}

int32_t mcc_start(const mcc_scan *scan) {
  uint8_t payload[10];
  memcpy(payload, &scan->count, 4);
  memcpy(payload + 4, &scan->pacer_period, 4);
  payload[8] = scan->channel_mask;
  payload[9] = scan->options;
  return send(AIN_SCAN_START, payload, sizeof payload);
}

int32_t mcc_status(uint16_t *status) {
  uint8_t bytes[2];
  int32_t got = usb_control(URB_IN | USB_VENDOR_DEVICE, STATUS, 0, 0, bytes, sizeof bytes, USB_TIMEOUT_MS);
  if (got >= 0 && got < 2) return URB_PROTOCOL;
  if (got < 0) return got;
  *status = (uint16_t)(bytes[0] | bytes[1] << 8);
  return URB_OK;
}
