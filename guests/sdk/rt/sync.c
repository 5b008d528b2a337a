/** What tasks wait for and share: semaphores, queues, mutexes. */
#include "kernel.h"

/** The task that runs waits; whoever made it wait has noted who it is. */
static inline void block(void) {
  rt_ready &= ~(1u << rt_priority());
  rt_choose();
  rt_switch();
}

static inline void wake(uint32_t priority) {
  rt_ready |= 1u << priority;
  rt_choose();
}

/** Whether somebody was waiting. */
static inline void give(rt_semaphore *semaphore) {
  uint32_t waiting = semaphore->waiting;
  if (waiting == 0) {
    semaphore->count++;
    return;
  }
  uint32_t priority = rt_highest[waiting];
  semaphore->waiting = waiting & ~(1u << priority);
  wake(priority);
}

/** The end of a section that may have woken a task of higher priority. */
static inline void leave(void) {
  if (rt_next != rt_current) rt_switch();
  else rt_unlock();
}

void rt_semaphore_wait(rt_semaphore *semaphore) {
  rt_lock();
  if (semaphore->count > 0) {
    semaphore->count--;
    rt_unlock();
    return;
  }
  semaphore->waiting |= 1u << rt_priority();
  block();
}

bool rt_semaphore_try(rt_semaphore *semaphore) {
  rt_lock();
  bool taken = semaphore->count > 0;
  if (taken) semaphore->count--;
  rt_unlock();
  return taken;
}

void rt_semaphore_give(rt_semaphore *semaphore) {
  rt_lock();
  give(semaphore);
  leave();
}

void rt_semaphore_give_from_isr(rt_semaphore *semaphore) { give(semaphore); }

static inline bool put(rt_queue *queue, uint32_t message) {
  uint32_t head = queue->head;
  if (head - queue->tail > queue->mask) return false;
  queue->messages[head & queue->mask] = message;
  queue->head = head + 1;
  give(&queue->filled);
  return true;
}

bool rt_queue_send(rt_queue *queue, uint32_t message) {
  rt_lock();
  bool sent = put(queue, message);
  leave();
  return sent;
}

bool rt_queue_send_from_isr(rt_queue *queue, uint32_t message) { return put(queue, message); }

uint32_t rt_queue_receive(rt_queue *queue) {
  rt_semaphore_wait(&queue->filled);
  rt_lock();
  uint32_t tail = queue->tail;
  uint32_t message = queue->messages[tail & queue->mask];
  queue->tail = tail + 1;
  rt_unlock();
  return message;
}

/** The task that runs sits down at another priority. */
static inline void move(uint32_t from, uint32_t to) {
  rt_seats[to] = rt_seats[from];
  rt_ready = (rt_ready & ~(1u << from)) | 1u << to;
  rt_choose();
}

void rt_mutex_lock(rt_mutex *mutex) {
  rt_lock();
  mutex->before = rt_priority();
  move(mutex->before, mutex->ceiling);
  rt_unlock();
}

void rt_mutex_unlock(rt_mutex *mutex) {
  rt_lock();
  move(mutex->ceiling, mutex->before);
  leave();
}
