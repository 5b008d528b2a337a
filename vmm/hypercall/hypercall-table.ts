/** Dispatches a guest's hypercall to the extension that its a7 names (SBI specification 2.0, chapter 3). */

/** SBI error codes (SBI specification 2.0, table 1). */
export const SBI_ERROR = {
  success: 0,
  failed: -1,
  notSupported: -2,
  invalidParameter: -3,
  denied: -4,
  invalidAddress: -5,
  alreadyAvailable: -6,
} as const;

/**
 * Places of a call's registers: a7, a6, a0..a5, each as two words, the low one first. The high words of a 32-bit guest
 * are zero. Numbers of extensions and functions are 32 bits wide: their high words say nothing.
 */
export const CALL = { extension: 0, functionId: 2, a0: 4, a1: 6, a2: 8, a3: 10, a4: 12, a5: 14 } as const;
export const CALL_WORDS = 16;

const TWO_32 = 0x1_0000_0000;

/** The register at a place of `CALL` as an unsigned number: exact below 2^53, and at least that when it is more. */
export function argument(registers: Uint32Array, place: number): number {
  return registers[place] + registers[place + 1] * TWO_32;
}

/** What goes back to a0 and a1, signed integers. Reused from call to call. */
export interface HypercallResult {
  error: number;
  value: number;
  /** Legacy calls leave a1 as it is, and `value` unused. */
  keepsA1: boolean;
}

/**
 * Answers one call of its extension: `registers` holds what `CALL` says, `result` starts as (success, 0).
 * Never throws, whatever the guest passes.
 */
export type HypercallHandler = (registers: Uint32Array, result: HypercallResult) => void;

export class HypercallTable {
  readonly #handlers = new Map<number, HypercallHandler>();
  readonly #result: HypercallResult = { error: 0, value: 0, keepsA1: false };

  /** A later handler of the same extension replaces the earlier one. */
  register(extension: number, handler: HypercallHandler): void {
    this.#handlers.set(extension, handler);
  }

  has(extension: number): boolean {
    return this.#handlers.has(extension);
  }

  /** Valid until the next call. An unknown extension gives (-2, 0). */
  dispatch(registers: Uint32Array): HypercallResult {
    const result = this.#result;
    result.error = SBI_ERROR.success;
    result.value = 0;
    result.keepsA1 = false;
    const handler = this.#handlers.get(registers[CALL.extension]);
    if (handler === undefined) result.error = SBI_ERROR.notSupported;
    else handler(registers, result);
    return result;
  }
}
