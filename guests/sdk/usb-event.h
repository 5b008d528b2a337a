/** What happens to a USB device and to the stream of its data, as loggers report it. */
#pragma once

#include <stdint.h>

typedef enum {
  /** It was enumerated; `detail` is vendor << 16 | product. */
  USB_EVENT_PLUGGED = 1,
  USB_EVENT_UNPLUGGED = 2,
  /** It is not the device this guest drives; `detail` as above. */
  USB_EVENT_WRONG_DEVICE = 3,
  /** A request failed; `detail` is its bmRequestType << 8 | bRequest where that is known. */
  USB_EVENT_REQUEST_FAILED = 4,
  /** A transfer of data failed: what came until then was used, what came behind it is lost. */
  USB_EVENT_TRANSFER_FAILED = 5,
  /** The endpoint halted for another reason than an overrun. */
  USB_EVENT_STALL = 6,
  /** The device says that it lost samples; `detail` is its status word. */
  USB_EVENT_OVERRUN = 7,
  /** Nothing came for too long; `detail` is the device's status word where it has one. */
  USB_EVENT_SILENT = 8,
  /** Data flow (again). */
  USB_EVENT_STARTED = 9,
  /** Data that cannot be right; `detail` says what was expected << 16 | what came. */
  USB_EVENT_BAD_DATA = 10,
} usb_event_kind;

/** The record's payload. */
typedef struct {
  uint32_t kind;
  /** 0 or a `URB_…` error. */
  int32_t status;
  uint32_t detail;
  /** Which start of the stream this is about, from 1; 0 before the first. */
  uint32_t run;
  /** Samples, or scans, of this run until then: the number of the first one that is lost. */
  uint32_t position;
  /** Bytes received on the data endpoint since the guest began. */
  uint32_t stream_offset;
} usb_event;
