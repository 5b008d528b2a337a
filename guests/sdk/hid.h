/** A HID device (Device Class Definition for HID 1.11): its interface, its endpoints and its reports. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "usb.h"

/** The first HID interface of a device. */
typedef struct {
  uint8_t interface;
  uint8_t in;
  /** 0 when output reports go by SET_REPORT. */
  uint8_t out;
  uint16_t in_bytes;
  uint16_t out_bytes;
  /** Bytes of the report descriptor, as the HID descriptor says. */
  uint16_t report_descriptor_length;
} hid_device;

/** Finds it in the configuration and turns repeated idle reports off. 0, or `URB_NO_DEVICE` when there is none. */
int32_t hid_open(hid_device *hid, const usb_device *device);

/** Reads the report descriptor; answers how many bytes, or a `URB_…` error. */
int32_t hid_get_report_descriptor(const hid_device *hid, void *data, uint16_t length);

/** Makes `transfer` read one input report into `data`, to be given to `urb_submit`. */
void hid_prepare_read(const hid_device *hid, urb *transfer, uint8_t *data);

/** Sends one output report without a report number; answers 0 or a `URB_…` error. */
int32_t hid_write(const hid_device *hid, void *report, uint16_t length, uint32_t timeout_ms);
