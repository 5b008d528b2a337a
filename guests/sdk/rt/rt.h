/**
 * A small fixed-priority preemptive kernel for one RV32 hart in M mode: tasks, semaphores, queues, ceiling mutexes, a
 * timer without ticks. At most eight tasks, each with a priority of its own, so that every decision is a table look-up.
 *
 * Interrupts are off only inside the kernel's short sections and in interrupt handlers; no such stretch has a loop or an
 * indirect call, so that the longest of them can be computed from the image (docs/real-time.md). A handler is a C function
 * of a fixed name (`rt_isr_…`), a kernel call that may be made from handlers ends in `_from_isr`, every other one is for
 * tasks, with interrupts on.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "csr.h"

/** Priorities 0 (lowest, the idle task's) to 7. */
#define RT_PRIORITIES 8u

typedef void (*rt_entry)(void *context);

/** Prepares the task of `priority` (1..7, each once); `stack` is 16-byte aligned and `bytes` long, at least 512. Before `rt_start`. */
void rt_task(uint32_t priority, rt_entry entry, void *context, void *stack, uint32_t bytes);

/** Takes over the traps and runs the tasks; returns only when there is no timer. */
void rt_start(void);

/** The low half of `time`: 100 ns ticks, compared by difference. */
static inline uint32_t rt_now(void) { return time_low(); }

/** Sleeps until `time` has reached `tick`, less than 2^31 ticks away. */
void rt_sleep_until(uint32_t tick);

/** Counts events; fill with zeroes, or with a count. */
typedef struct {
  uint32_t count;
  uint32_t waiting;
} rt_semaphore;

void rt_semaphore_wait(rt_semaphore *semaphore);
/** False, at once, when there is nothing to take. */
bool rt_semaphore_try(rt_semaphore *semaphore);
void rt_semaphore_give(rt_semaphore *semaphore);
void rt_semaphore_give_from_isr(rt_semaphore *semaphore);

/** Messages of one word, from tasks or handlers to tasks; `mask` + 1, a power of two, is their number. Fill the rest with zeroes. */
typedef struct {
  uint32_t *messages;
  uint32_t mask;
  uint32_t head;
  uint32_t tail;
  rt_semaphore filled;
} rt_queue;

/** False when the queue is full. */
bool rt_queue_send(rt_queue *queue, uint32_t message);
bool rt_queue_send_from_isr(rt_queue *queue, uint32_t message);
uint32_t rt_queue_receive(rt_queue *queue);

/**
 * A mutex whose holder runs at the priority `ceiling` (immediate priority ceiling): no task has that number as its own, it
 * lies above every task that takes the mutex, and the holder does not wait for anything. Then taking it never waits, and a
 * task is held up at most once, by one critical section of a lower one.
 */
typedef struct {
  uint32_t ceiling;
  uint32_t before;
} rt_mutex;

void rt_mutex_lock(rt_mutex *mutex);
void rt_mutex_unlock(rt_mutex *mutex);

/** `rt_isr_timer` shall be called when `time` has reached `tick`. From there, or before `rt_start`. */
void rt_timer_at(uint32_t tick);

/** The guest's own handlers, with interrupts off; those it does not define do nothing. */
void rt_isr_timer(void);
void rt_isr_external(void);
void rt_isr_doorbell(void);
void rt_isr_shared_memory(void);
