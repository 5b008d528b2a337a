/** A USB device on the URB port: enumeration, requests, transfers (USB 2.0, chapter 9). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "urb.h"

/** `bmRequestType` without `URB_IN`. */
#define USB_VENDOR_DEVICE 0x40u
#define USB_CLASS_INTERFACE 0x21u
#define USB_STANDARD_INTERFACE 0x01u

#define USB_DESCRIPTOR_DEVICE 1u
#define USB_DESCRIPTOR_CONFIGURATION 2u
#define USB_DESCRIPTOR_INTERFACE 4u
#define USB_DESCRIPTOR_ENDPOINT 5u

/** Bytes of a configuration descriptor that are kept. */
#define USB_CONFIGURATION_BYTES 512u
/** For requests of which no more is known. */
#define USB_TIMEOUT_MS 1000u

/** A configured device. */
typedef struct {
  urb_plug plug;
  uint16_t vendor;
  uint16_t product;
  uint16_t release;
  uint8_t configuration_value;
  uint16_t configuration_length;
  uint8_t configuration[USB_CONFIGURATION_BYTES];
} usb_device;

/**
 * A control transfer; answers how many bytes of the data stage passed, or a `URB_…` error. Waits at most `timeout_ms`.
 * Other URBs may become done meanwhile.
 */
int32_t usb_control(uint8_t request_type, uint8_t request, uint16_t value, uint16_t index, void *data, uint16_t length,
                    uint32_t timeout_ms);
/** As `usb_control`: GET_DESCRIPTOR to the device. */
int32_t usb_get_descriptor(uint8_t type, uint8_t number, void *data, uint16_t length);
int32_t usb_set_configuration(uint8_t value);
/** CLEAR_FEATURE(ENDPOINT_HALT), with which the data toggle starts anew; no URB of that endpoint may be in flight. */
int32_t usb_clear_halt(uint8_t endpoint);

/**
 * A bulk or interrupt transfer, either way by the endpoint's bit 7. Answers its status; `*actual` holds how many bytes
 * passed, also at an error. `URB_TIMEOUT` after `timeout_ms`: the transfer was taken back, and what came is there.
 */
int32_t usb_transfer(uint8_t endpoint, void *data, uint32_t length, uint32_t timeout_ms, uint32_t *actual);

/** Takes a URB back that is under way, and waits until it is done. */
void usb_cancel(urb *transfer);

/** Reads the descriptors of what is plugged in and selects its first configuration. 0 or a `URB_…` error. */
int32_t usb_enumerate(usb_device *device);

/** Whether the device that was enumerated is still there, not plugged out and in again. */
bool usb_is_there(const usb_device *device);

/**
 * Sleeps until something else is plugged in than what `device` was enumerated as; at most `retry_ms`, unless that is 0,
 * while the same is there.
 */
void usb_rest(const usb_device *device, uint32_t retry_ms);

/**
 * The next descriptor of `type` behind `previous` (NULL: the first), whose last byte lies within the configuration and
 * which has at least `length` bytes; NULL when there is none.
 */
const uint8_t *usb_next_descriptor(const usb_device *device, const uint8_t *previous, uint8_t type, uint8_t length);
