/** What makes the sampler sample: one event for each sample, and the sample that it brings. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/** Starts events, one every `period` ticks from `first` on. False when there is no source. */
bool event_source_start(uint32_t first, uint32_t period);

/** In the handler of the event: makes ready for the next one and hands over the sample of this one. */
uint16_t event_source_take(void);

/** When the latest event that was taken was due, and how many were skipped because they were over already. */
uint32_t event_source_due(void);
uint32_t event_source_missed(void);
