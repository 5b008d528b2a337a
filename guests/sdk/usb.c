/** USB requests and enumeration. */
#include "usb.h"

#include <stddef.h>
#include <string.h>

enum { CLEAR_FEATURE = 1, GET_DESCRIPTOR = 6, SET_CONFIGURATION = 9 };
enum { FEATURE_ENDPOINT_HALT = 0 };

#define STANDARD_ENDPOINT 0x02u
#define DEVICE_DESCRIPTOR_BYTES 18u
#define CONFIGURATION_HEADER_BYTES 9u

void usb_cancel(urb *transfer) {
  while (!transfer->done) {
    urb_unlink(transfer);
    urb_poll();
    if (!transfer->done) urb_wait();
  }
}

/** Submits and waits; answers the status. */
static int32_t run(urb *transfer, uint32_t timeout_ms) {
  uint64_t end = urb_deadline(timeout_ms);
  if (!urb_submit(transfer)) return URB_INVALID;
  for (;;) {
    urb_poll();
    if (transfer->done) return transfer->status;
    if (urb_wait_until(end)) continue;
    usb_cancel(transfer);
    return transfer->status == URB_UNLINKED ? URB_TIMEOUT : transfer->status;
  }
}

int32_t usb_control(uint8_t request_type, uint8_t request, uint16_t value, uint16_t index, void *data, uint16_t length,
                    uint32_t timeout_ms) {
  static urb control;
  const uint8_t setup[8] = {request_type,          request,
                            (uint8_t)value,        (uint8_t)(value >> 8),
                            (uint8_t)index,        (uint8_t)(index >> 8),
                            (uint8_t)length,       (uint8_t)(length >> 8)};
  memcpy(control.setup, setup, sizeof setup);
  control.endpoint = length > 0 ? request_type & URB_IN : 0;
  control.data = data;
  control.length = length;
  int32_t status = run(&control, timeout_ms);
  return status == URB_OK ? (int32_t)control.actual : status;
}

int32_t usb_get_descriptor(uint8_t type, uint8_t number, void *data, uint16_t length) {
  return usb_control(URB_IN, GET_DESCRIPTOR, (uint16_t)(type << 8 | number), 0, data, length, USB_TIMEOUT_MS);
}

int32_t usb_set_configuration(uint8_t value) {
  return usb_control(0, SET_CONFIGURATION, value, 0, NULL, 0, USB_TIMEOUT_MS);
}

int32_t usb_clear_halt(uint8_t endpoint) {
  return usb_control(STANDARD_ENDPOINT, CLEAR_FEATURE, FEATURE_ENDPOINT_HALT, endpoint, NULL, 0, USB_TIMEOUT_MS);
}

int32_t usb_transfer(uint8_t endpoint, void *data, uint32_t length, uint32_t timeout_ms, uint32_t *actual) {
  static urb transfer;
  transfer.endpoint = endpoint;
  transfer.data = data;
  transfer.length = length;
  int32_t status = run(&transfer, timeout_ms);
  *actual = transfer.actual;
  return status;
}

static uint16_t half(const uint8_t *bytes) { return (uint16_t)(bytes[0] | bytes[1] << 8); }

int32_t usb_enumerate(usb_device *device) {
  uint8_t descriptor[DEVICE_DESCRIPTOR_BYTES];
  memset(device, 0, sizeof *device);
  device->plug = urb_plugged();
  if (!device->plug.connected) return URB_NO_DEVICE;
  int32_t got = usb_get_descriptor(USB_DESCRIPTOR_DEVICE, 0, descriptor, DEVICE_DESCRIPTOR_BYTES);
  if (got < 0) return got;
  if (got < (int32_t)DEVICE_DESCRIPTOR_BYTES || descriptor[1] != USB_DESCRIPTOR_DEVICE) return URB_PROTOCOL;
  device->vendor = half(descriptor + 8);
  device->product = half(descriptor + 10);
  device->release = half(descriptor + 12);
  uint8_t *configuration = device->configuration;
  got = usb_get_descriptor(USB_DESCRIPTOR_CONFIGURATION, 0, configuration, CONFIGURATION_HEADER_BYTES);
  if (got < 0) return got;
  if (got < (int32_t)CONFIGURATION_HEADER_BYTES || configuration[1] != USB_DESCRIPTOR_CONFIGURATION) return URB_PROTOCOL;
  uint16_t total = half(configuration + 2);
  if (total > USB_CONFIGURATION_BYTES) total = USB_CONFIGURATION_BYTES;
  if (total < CONFIGURATION_HEADER_BYTES) return URB_PROTOCOL;
  got = usb_get_descriptor(USB_DESCRIPTOR_CONFIGURATION, 0, configuration, total);
  if (got < 0) return got;
  device->configuration_length = (uint16_t)got;
  device->configuration_value = configuration[5];
  got = usb_set_configuration(device->configuration_value);
  return got < 0 ? got : URB_OK;
}

bool usb_is_there(const usb_device *device) {
  urb_plug now = urb_plugged();
  return now.connected && now.generation == device->plug.generation;
}

void usb_rest(const usb_device *device, uint32_t retry_ms) {
  uint64_t end = urb_deadline(retry_ms);
  for (;;) {
    urb_plug now = urb_plugged();
    if (now.connected && now.generation != device->plug.generation) return;
    if (!now.connected || retry_ms == 0) urb_wait();
    else if (!urb_wait_until(end)) return;
    urb_poll();
  }
}

const uint8_t *usb_next_descriptor(const usb_device *device, const uint8_t *previous, uint8_t type, uint8_t length) {
  const uint8_t *at = previous == NULL ? device->configuration : previous + previous[0];
  const uint8_t *end = device->configuration + device->configuration_length;
  while (end - at >= 2 && at[0] >= 2 && at[0] <= end - at) {
    if (at[1] == type && at[0] >= length) return at;
    at += at[0];
  }
  return NULL;
}
