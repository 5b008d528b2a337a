/** The virtqueue of a URB device and the requests in it (docs/guest-abi.md, "URB device"); where it lies is the transport's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "virtio-mmio.h"

/** The most descriptors that are used; a URB takes two or three, so at least 21 are in flight. */
#define URB_QUEUE_SIZE 64u

/** Bit 7 of an endpoint address and of `bmRequestType`: from the device to the guest. */
#define URB_IN 0x80u

/** How a URB ended: Linux' error numbers. */
enum {
  URB_OK = 0,
  URB_NO_DEVICE = -19,
  URB_INVALID = -22,
  /** The endpoint is halted until `usb_clear_halt`. */
  URB_STALL = -32,
  URB_PROTOCOL = -71,
  URB_OVERFLOW = -75,
  URB_UNLINKED = -104,
  URB_SHUTDOWN = -108,
  URB_TIMEOUT = -110,
  /** Still under way. */
  URB_PENDING = -115,
  URB_SHORT = -121,
};

/** A request or a return, little-endian as this guest is. */
typedef struct {
  uint32_t command;
  uint32_t seqnum;
  uint32_t devid;
  uint32_t direction;
  uint32_t ep;
  /** Of a request: transfer flags, or the number to unlink. Of a return: the status. */
  uint32_t word;
  uint32_t length;
  uint32_t start_frame;
  uint32_t number_of_packets;
  uint32_t interval;
  uint8_t setup[8];
} urb_header;

_Static_assert(sizeof(urb_header) == 48, "48 bytes, as the rig's");

/** One transfer. While it is under way, neither it nor `data` may be touched or leave its place. */
typedef struct {
  /** With `URB_IN` for a transfer to the guest; 0 or `URB_IN` for a control transfer. */
  uint8_t endpoint;
  uint8_t setup[8];
  uint8_t *data;
  uint32_t length;

  /** Whether it is under way no more; an owner that looks before it has submitted sets it itself. */
  bool done;
  int32_t status;
  /** Bytes that came or went, whatever the status. */
  uint32_t actual;

  urb_header request;
  urb_header answer;
  urb_header unlink_request;
  urb_header unlink_answer;
  bool unlinking;
} urb;

/** One queue; `urb_queue_open` fills it. */
typedef struct {
  virtq_descriptor *descriptors;
  /** Flags, index, entries. */
  volatile uint16_t *available;
  /** Flags, index; then elements of two words. */
  volatile uint16_t *used;
  uint16_t size;
  uint16_t offered;
  uint16_t used_seen;
  uint16_t first_free;
  uint16_t free_count;
  uint32_t next_seqnum;
  /** By the head of their chains. */
  urb *owners[URB_QUEUE_SIZE];
  bool unlinks[URB_QUEUE_SIZE];
} urb_queue;

/** Uses zeroed memory of the three parts for a queue of `size` descriptors, at most `URB_QUEUE_SIZE`. */
void urb_queue_open(urb_queue *queue, uint16_t size, void *descriptors, volatile void *available, volatile void *used);

/** Makes a URB available. False when there is no room. */
bool urb_queue_submit(urb_queue *queue, urb *transfer);
/** Asks for a URB back; it completes all the same. False when there is no room, or it is done or was asked for already. */
bool urb_queue_unlink(urb_queue *queue, urb *transfer);

static inline bool urb_queue_has_completed(const urb_queue *queue) { return queue->used[1] != queue->used_seen; }

/** Takes every completion: sets `done`, `status` and `actual`. Answers how many URBs became done. */
uint32_t urb_queue_poll(urb_queue *queue);
