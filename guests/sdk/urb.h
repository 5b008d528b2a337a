/** The acquisition port as a USB device, transfer by transfer: one interface to whatever `/chosen/rigvisor,acquisition` names. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "urb-plug.h"
#include "urb-queue.h"

typedef enum {
  URB_TRANSPORT_NONE,
  URB_TRANSPORT_VIRTIO,
  /** Partitioned: submitting, completing and waiting cause no VM exit. */
  URB_TRANSPORT_RING,
} urb_transport;

/** Opens the port and the timer for `urb_wait_until`, to be called once; `URB_TRANSPORT_NONE` when there is no such port. */
urb_transport urb_open(void);

/** What is plugged in now. */
urb_plug urb_plugged(void);

/** Starts a transfer; URBs of one endpoint are executed in order. False, and `done`, when the queue has no room. */
bool urb_submit(urb *transfer);

/** Takes a transfer back; it becomes done later, with `URB_UNLINKED` and the bytes that came, or as it would have. */
void urb_unlink(urb *transfer);

/** Looks for completions: URBs become `done`. Answers how many. Nothing becomes done otherwise. */
uint32_t urb_poll(void);

/** Sleeps until a completion, a plug or any other enabled interrupt; may return early. No wake-up is lost: each plug ends one wait. */
void urb_wait(void);

/** `urb_wait` until `ticks` of `time` at the latest; false, without a wait, when they have passed. Sets the timer only when it must. */
bool urb_wait_until(uint64_t ticks);

/** `time` so many milliseconds from now. */
uint64_t urb_deadline(uint32_t milliseconds);
