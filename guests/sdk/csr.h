/** Machine-mode control and status registers, fences and `wfi` (RISC-V Privileged Architecture, chapters 2 and 3). */
#pragma once

#include <stdint.h>

#define MSTATUS_MIE 0x8u
#define MSTATUS_MIE_TEXT "0x8"

#define CAUSE_INTERRUPT 0x80000000u
#define INTERRUPT_MACHINE_SOFTWARE 3u
#define INTERRUPT_MACHINE_TIMER 7u
#define INTERRUPT_MACHINE_EXTERNAL 11u
/** The first platform-defined local interrupt: the doorbell of a serial ring. */
#define INTERRUPT_DOORBELL 16u
/** The doorbell of shared memory. */
#define INTERRUPT_SHARED_MEMORY 17u

#define csr_read(name)                                    \
  __extension__({                                         \
    uint32_t csr_value;                                   \
    __asm__ volatile("csrr %0, " #name : "=r"(csr_value)); \
    csr_value;                                            \
  })
#define csr_write(name, value) __asm__ volatile("csrw " #name ", %0" ::"rK"(value) : "memory")
#define csr_set(name, bits) __asm__ volatile("csrs " #name ", %0" ::"rK"(bits) : "memory")
#define csr_clear(name, bits) __asm__ volatile("csrc " #name ", %0" ::"rK"(bits) : "memory")

/** Earlier loads are seen before later ones: after reading a producer's index. */
static inline void fence_read(void) { __asm__ volatile("fence r, r" ::: "memory"); }
/** Earlier stores are seen before later ones: before publishing an index. */
static inline void fence_write(void) { __asm__ volatile("fence w, w" ::: "memory"); }
/** Earlier loads and stores are seen before later ones. */
static inline void fence_all(void) { __asm__ volatile("fence rw, rw" ::: "memory"); }
/** Earlier memory writes are seen by a device before the following register write. */
static inline void fence_to_device(void) { __asm__ volatile("fence w, o" ::: "memory"); }

/** Sleeps until an interrupt enabled in `mie` is pending, whether or not `mstatus.MIE` is set. May return early. */
static inline void wait_for_interrupt(void) { __asm__ volatile("wfi" ::: "memory"); }

/** The low half of `time_now`, in one instruction: differences hold up to 2^32 ticks. */
static inline uint32_t time_low(void) { return csr_read(time); }

/** The `time` CSR: ticks of the board's time base (`/cpus/timebase-frequency`). Costs no exit. */
static inline uint64_t time_now(void) {
  uint32_t high, low, again;
  do {
    high = csr_read(timeh);
    low = csr_read(time);
    again = csr_read(timeh);
  } while (high != again);
  return (uint64_t)high << 32 | low;
}
