/**
 * Hypercalls: the SBI 2.0 calling convention, by `ecall` from M mode.
 * They may be made only where `board_has_hypervisor()` says so: elsewhere the guest would trap into itself.
 */
#pragma once

#include <stdint.h>

#define SBI_EXTENSION_BASE 0x10u
#define SBI_EXTENSION_TIMER 0x54494D45u
#define SBI_EXTENSION_DEBUG_CONSOLE 0x4442434Eu
#define SBI_EXTENSION_SYSTEM_RESET 0x53525354u
/** Rigvisor's own extension, in SBI's experimental range. */
#define SBI_EXTENSION_REPORT 0x08524947u

#define SBI_SUCCESS 0
#define SBI_ERR_NOT_SUPPORTED (-2)
#define SBI_ERR_INVALID_PARAM (-3)
#define SBI_ERR_INVALID_ADDRESS (-5)

/** SBI's pair of answers. */
typedef struct {
  int32_t error;
  uint32_t value;
} sbi_result;

static inline sbi_result sbi_call(uint32_t extension, uint32_t function, uint32_t first, uint32_t second, uint32_t third) {
  register uint32_t a0 __asm__("a0") = first;
  register uint32_t a1 __asm__("a1") = second;
  register uint32_t a2 __asm__("a2") = third;
  register uint32_t a6 __asm__("a6") = function;
  register uint32_t a7 __asm__("a7") = extension;
  __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a6), "r"(a7) : "memory");
  return (sbi_result){(int32_t)a0, a1};
}

/** SBI version: bits 24..30 major, bits 0..23 minor. */
static inline sbi_result sbi_spec_version(void) { return sbi_call(SBI_EXTENSION_BASE, 0, 0, 0, 0); }
static inline sbi_result sbi_implementation_id(void) { return sbi_call(SBI_EXTENSION_BASE, 1, 0, 0, 0); }
/** Value 0 when the extension is missing. */
static inline sbi_result sbi_probe(uint32_t extension) { return sbi_call(SBI_EXTENSION_BASE, 3, extension, 0, 0); }
/** Programs `mtimecmp`, in ticks of `time`. */
static inline sbi_result sbi_set_timer(uint64_t ticks) {
  return sbi_call(SBI_EXTENSION_TIMER, 0, (uint32_t)ticks, (uint32_t)(ticks >> 32), 0);
}
static inline sbi_result sbi_console_write(const char *text, uint32_t length) {
  return sbi_call(SBI_EXTENSION_DEBUG_CONSOLE, 0, length, (uint32_t)(uintptr_t)text, 0);
}
/** Type 0 shuts down, 1 and 2 reboot; reason 1 = failure. */
static inline sbi_result sbi_system_reset(uint32_t type, uint32_t reason) {
  return sbi_call(SBI_EXTENSION_SYSTEM_RESET, 0, type, reason, 0);
}
/** Hands one report record to the rig. */
static inline sbi_result sbi_report(const void *record, uint32_t length) {
  return sbi_call(SBI_EXTENSION_REPORT, 1, (uint32_t)(uintptr_t)record, length, 0);
}
