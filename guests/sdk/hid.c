/** HID requests. */
#include "hid.h"

#include <stddef.h>

enum { GET_DESCRIPTOR = 6, SET_REPORT = 9, SET_IDLE = 10 };

#define CLASS_HID 3u
#define DESCRIPTOR_HID 0x21u
#define DESCRIPTOR_REPORT 0x22u
#define REPORT_TYPE_OUTPUT 2u
#define TRANSFER_TYPE_MASK 3u
#define TRANSFER_TYPE_INTERRUPT 3u

static void take_endpoint(hid_device *hid, const uint8_t *endpoint) {
  uint16_t bytes = (uint16_t)((endpoint[4] | endpoint[5] << 8) & 0x7FF);
  if ((endpoint[3] & TRANSFER_TYPE_MASK) != TRANSFER_TYPE_INTERRUPT) return;
  if (endpoint[2] & URB_IN) {
    if (hid->in == 0) hid->in = endpoint[2], hid->in_bytes = bytes;
  } else if (hid->out == 0) {
    hid->out = endpoint[2];
    hid->out_bytes = bytes;
  }
}

/** Walks the descriptors behind the interface, up to the next one. */
static void take_interface(hid_device *hid, const usb_device *device, const uint8_t *interface) {
  const uint8_t *end = device->configuration + device->configuration_length;
  for (const uint8_t *at = interface + interface[0]; end - at >= 2 && at[0] >= 2 && at[0] <= end - at; at += at[0]) {
    if (at[1] == USB_DESCRIPTOR_INTERFACE) return;
    if (at[1] == USB_DESCRIPTOR_ENDPOINT && at[0] >= 7) take_endpoint(hid, at);
    if (at[1] == DESCRIPTOR_HID && at[0] >= 9 && at[6] == DESCRIPTOR_REPORT)
      hid->report_descriptor_length = (uint16_t)(at[7] | at[8] << 8);
  }
}

int32_t hid_open(hid_device *hid, const usb_device *device) {
  const uint8_t *interface = NULL;
  do {
    interface = usb_next_descriptor(device, interface, USB_DESCRIPTOR_INTERFACE, 9);
    if (interface == NULL) return URB_NO_DEVICE;
  } while (interface[5] != CLASS_HID || interface[3] != 0);
  *hid = (hid_device){.interface = interface[2]};
  take_interface(hid, device, interface);
  if (hid->in == 0) return URB_NO_DEVICE;
  /* Devices without idle rates stall it (section 7.2.4), which is of no matter. */
  int32_t idle = usb_control(USB_CLASS_INTERFACE, SET_IDLE, 0, hid->interface, NULL, 0, USB_TIMEOUT_MS);
  return idle < 0 && idle != URB_STALL ? idle : URB_OK;
}

int32_t hid_get_report_descriptor(const hid_device *hid, void *data, uint16_t length) {
  return usb_control(URB_IN | USB_STANDARD_INTERFACE, GET_DESCRIPTOR, DESCRIPTOR_REPORT << 8, hid->interface, data, length,
                     USB_TIMEOUT_MS);
}

void hid_prepare_read(const hid_device *hid, urb *transfer, uint8_t *data) {
  transfer->endpoint = hid->in;
  transfer->data = data;
  transfer->length = hid->in_bytes;
}

int32_t hid_write(const hid_device *hid, void *report, uint16_t length, uint32_t timeout_ms) {
  if (hid->out == 0) {
    int32_t sent = usb_control(USB_CLASS_INTERFACE, SET_REPORT, REPORT_TYPE_OUTPUT << 8, hid->interface, report, length,
                               timeout_ms);
    return sent < 0 ? sent : URB_OK;
  }
  uint32_t actual;
  return usb_transfer(hid->out, report, length, timeout_ms, &actual);
}
