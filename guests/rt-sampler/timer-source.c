/** Events by the core's own timer; the sample is a ramp, so that whoever receives it can tell each one. */
#include "event-source.h"

#include "rt.h"

#define RAMP_STEP 257u

static uint32_t next, due, distance, count, missed;

bool event_source_start(uint32_t first, uint32_t period) {
  next = first;
  distance = period;
  rt_timer_at(first);
  return true;
}

uint16_t event_source_take(void) {
  due = next;
  next += distance;
  /* One that is over would come at once; the next but one is the first that can still be met. */
  if ((int32_t)(rt_now() - next) >= 0) {
    next += distance;
    count++;
    missed++;
  }
  rt_timer_at(next);
  return (uint16_t)(RAMP_STEP * count++);
}

uint32_t event_source_due(void) { return due; }
uint32_t event_source_missed(void) { return missed; }
