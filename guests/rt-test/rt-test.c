/** Tests of the kernel: each prints what happened in which order, and the guest ends with pass when all of it was right. */
#include <stddef.h>
#include <string.h>

#include "board.h"
#include "console.h"
#include "interrupt.h"
#include "rt.h"

#define STACK_BYTES 1024u

static uint8_t stacks[5][STACK_BYTES] __attribute__((aligned(16)));
static char order[64];
static uint32_t length;

static rt_semaphore start_high, start_middle, pulse, isr_done;
static uint32_t messages[4];
static rt_queue queue = {messages, 3, 0, 0, {0, 0}};
static rt_mutex mutex = {6, 0};
static uint32_t expired_at;

static void note(char what) {
  if (length < sizeof order - 1) order[length++] = what;
}

void rt_isr_timer(void) {
  expired_at = rt_now();
  note('i');
  rt_queue_send_from_isr(&queue, 'q');
  rt_semaphore_give_from_isr(&isr_done);
}

/** Priority 5: preempts whoever wakes it, at once. */
static void high(void *context) {
  (void)context;
  for (;;) {
    rt_semaphore_wait(&start_high);
    note('H');
  }
}

/** Priority 3: must not come between lock and unlock of a lower task. */
static void middle(void *context) {
  (void)context;
  for (;;) {
    rt_semaphore_wait(&start_middle);
    note('M');
  }
}

/** Priority 4: takes messages. */
static void receiver(void *context) {
  (void)context;
  for (;;) note((char)rt_queue_receive(&queue));
}

static bool expect(const char *name, const char *expected) {
  order[length] = 0;
  bool right = strcmp(order, expected) == 0;
  console_print("%s: %s%s%s\n", name, order, right ? "" : ", expected ", right ? "" : expected);
  length = 0;
  return right;
}

static bool is_late(uint32_t tick) { return (int32_t)(rt_now() - tick) < 0 || rt_now() - tick > 1000; }

/** Priority 1: the script. */
static void script(void *context) {
  bool right = true;
  note((char)(uintptr_t)context);
  rt_semaphore_give(&start_high);
  note('l');
  right &= expect("a task that is woken preempts", "cHl");

  rt_mutex_lock(&mutex);
  rt_semaphore_give(&start_middle);
  rt_semaphore_give(&start_high);
  note('l');
  rt_mutex_unlock(&mutex);
  note('e');
  right &= expect("a mutex holds off whoever could take it", "lHMe");

  for (uint32_t i = 0; i < 3; i++) rt_semaphore_give(&pulse);
  for (uint32_t i = 0; i < 4; i++) note(rt_semaphore_try(&pulse) ? 't' : 'f');
  right &= expect("a semaphore counts", "tttf");

  rt_queue_send(&queue, '1');
  rt_queue_send(&queue, '2');
  right &= expect("a queue hands over in order", "12");

  rt_mutex_lock(&mutex);
  for (uint32_t i = 0; i < 5; i++) note(rt_queue_send(&queue, '0' + i) ? 's' : 'x');
  rt_mutex_unlock(&mutex);
  right &= expect("a full queue refuses", "ssssx0123");

  uint32_t tick = rt_now() + 20000;
  rt_sleep_until(tick);
  note(is_late(tick) ? 'x' : 'w');
  tick = rt_now() - 5;
  rt_sleep_until(tick);
  note('w');
  right &= expect("sleep ends in time, and at once when its time is over", "ww");

  tick = rt_now() + 5000;
  rt_timer_at(tick);
  rt_sleep_until(tick + 5000);
  note(expired_at - tick > 100 ? 'x' : 't');
  note(rt_semaphore_try(&isr_done) ? 'g' : 'x');
  right &= expect("a handler hands over to tasks", "iqtg");
  board_finish(right ? 0 : 1);
}

int main(uint32_t hart_id, const void *device_tree) {
  (void)hart_id;
  (void)device_tree;
  interrupt_disable();
  rt_task(5, high, NULL, stacks[0], STACK_BYTES);
  rt_task(4, receiver, NULL, stacks[1], STACK_BYTES);
  rt_task(3, middle, NULL, stacks[2], STACK_BYTES);
  rt_task(1, script, (void *)(uintptr_t)'c', stacks[3], STACK_BYTES);
  rt_start();
  return 2;
}
