/**
 * Hands measured samples to the rig: through the report ring where there is one, else by hypercall, else as
 * console lines `@report ` + the record in hexadecimal.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define REPORT_CHANNELS 256u
#define REPORT_MAX_PAYLOAD 1024u

/** Chooses the way; to be called once. */
void report_open(void);

/**
 * Sends one record of `type` on `channel` (0..255), stamped with `time` and the channel's next sequence number.
 * False when the payload is too long, the ring has no room (counted there) or the rig refused it.
 */
bool report_send(uint32_t channel, uint32_t type, const void *payload, uint32_t length);
