/** What the parts of the kernel share. Every function here is called with interrupts off. */
#pragma once

#include "rt.h"

/** A task: its stack pointer while it does not run; `vectors.S` knows that this comes first. */
typedef struct {
  uint32_t stack;
  uint32_t wake;
} rt_control;

/** The task that runs, and the one that shall: when they differ, the way out of the kernel switches. */
extern rt_control *rt_current;
extern rt_control *rt_next;

/** Who sits at each priority, and which of them are ready, have a time to wake at. */
extern rt_control *rt_seats[RT_PRIORITIES];
extern uint32_t rt_ready;
extern uint32_t rt_sleeping;
/** Number of the highest bit of a byte. */
extern const uint8_t rt_highest[256];

static inline void rt_lock(void) { __asm__ volatile("csrci mstatus, " MSTATUS_MIE_TEXT ::: "memory"); }
static inline void rt_unlock(void) { __asm__ volatile("csrsi mstatus, " MSTATUS_MIE_TEXT ::: "memory"); }

/** The ready task of the highest priority shall run. */
static inline void rt_choose(void) { rt_next = rt_seats[rt_highest[rt_ready]]; }

/** Saves the task that runs and goes on with `rt_next`; comes back, with interrupts on, when the task runs again. */
void rt_switch(void);

/** Priority of the task that runs. */
static inline uint32_t rt_priority(void) { return rt_highest[rt_ready]; }

/** Programs the timer for the earliest time that anyone waits for. */
void rt_timer_program(void);
