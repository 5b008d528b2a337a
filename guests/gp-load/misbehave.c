/** Wild accesses, impossible doorbells, storms, illegal instructions, endless loops. */
#include "misbehave.h"

#include <stddef.h>

#include "board.h"
#include "csr.h"
#include "interrupt.h"
#include "mmio.h"

#define BELL_HEAD 0x040u
#define STORM 2000u

uint32_t random_next(random_source *source) {
  uint32_t x = source->state;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  source->state = x;
  return x;
}

static void volatile_store(uint32_t address, uint32_t value) { *(volatile uint32_t *)(uintptr_t)address = value; }

/** Goes on behind an instruction that faulted: two or four bytes. */
static void step_over(exception_frame *frame) {
  frame->pc += (*(const uint16_t *)(uintptr_t)frame->pc & 3) == 3 ? 4 : 2;
}

static void wild_access(random_source *source) {
  interrupt_on_exception(step_over);
  for (uint32_t i = 0; i < 32; i++) {
    /* Below RAM, where devices and nothing are; the finisher would end it. */
    uint32_t address = random_next(source) & 0x7FFFFFFCu;
    if (address >> 12 == 0x100) continue;
    if (random_next(source) & 1) volatile_store(address, random_next(source));
    else (void)*(const volatile uint32_t *)(uintptr_t)address;
  }
}

static void ring_corruption(random_source *source, shared_memory *shared) {
  if (shared == NULL) return;
  for (uint32_t i = 0; i < 16; i++) volatile_store(shared->area + (random_next(source) & 0x7FC), random_next(source));
  volatile_store(shared->area + BELL_HEAD, random_next(source));
}

static void wild_doorbell(random_source *source, shared_memory *shared) {
  if (shared == NULL) return;
  uint32_t offset = random_next(source), length = random_next(source);
  shared_memory_ring(shared, offset, length, random_next(source) & 31);
}

static void storm(random_source *source, shared_memory *shared) {
  if (shared == NULL) return;
  for (uint32_t i = 0; i < STORM; i++) {
    uint32_t offset = random_next(source) % shared->section_bytes;
    uint32_t length = random_next(source) % (shared->section_bytes - offset + 1);
    shared->output[offset] = (uint8_t)i;
    shared_memory_ring(shared, offset, length, random_next(source) & 15);
  }
}

static void illegal_instruction(random_source *source) {
  if (random_next(source) & 1) interrupt_on_exception(step_over);
  __asm__ volatile(".4byte 0xFFFFFFFF" ::: "memory");
}

/** The first instruction of the handler traps as well. */
static void lock_up(void) {
  csr_write(mtvec, 0x40000000u);
  __asm__ volatile(".4byte 0xFFFFFFFF" ::: "memory");
}

static void overwrite_itself(random_source *source) {
  uint32_t address = 0x80000000u + (random_next(source) & 0x1FFFCu);
  for (uint32_t i = 0; i < 4096; i++) volatile_store(address + 4 * i, random_next(source));
  __asm__ volatile("fence.i" ::: "memory");
}

static void endless_loop(random_source *source) {
  if (random_next(source) & 1) interrupt_disable();
  for (;;) __asm__ volatile("" ::: "memory");
}

static void sleep_for_ever(void) {
  csr_write(mie, 0);
  for (;;) wait_for_interrupt();
}

static void interrupt_storm(random_source *source) {
  csr_write(mie, 0xFFFFFFFFu);
  for (uint32_t i = 0; i < 256; i++) {
    csr_set(mip, random_next(source) & 0xFFFF0000u);
    volatile_store(0x02004000u, random_next(source));
    volatile_store(0x02000000u, i & 1);
  }
}

void misbehave(random_source *source, shared_memory *shared) {
  switch (random_next(source) % 11) {
    case 0: wild_access(source); break;
    case 1: ring_corruption(source, shared); break;
    case 2: wild_doorbell(source, shared); break;
    case 3: storm(source, shared); break;
    case 4: illegal_instruction(source); break;
    case 5: lock_up(); break;
    case 6: overwrite_itself(source); break;
    case 7: endless_loop(source); break;
    case 8: sleep_for_ever(); break;
    case 9: interrupt_storm(source); break;
    default: board_finish((int)(random_next(source) & 0xFF));
  }
}
