/** Dispatches a guest's hypercall to the extension that its a7 names (SBI specification 2.0, chapter 3). */

/** SBI error codes (SBI specification 2.0, table 1). */
export const SBI_ERROR = {
  success: 0,
  failed: -1,
  notSupported: -2,
  invalidParameter: -3,
  invalidAddress: -5,
} as const;

/** Places of the arguments in a call's registers: a7, a6, a0..a5. */
export const CALL = { extension: 0, functionId: 1, a0: 2, a1: 3, a2: 4 } as const;

/** The pair that goes back to a0 and a1; signed 32 bits each. Reused from call to call. */
export interface HypercallResult {
  error: number;
  value: number;
}

/**
 * Answers one call of its extension: `registers` holds a7, a6, a0..a5 as unsigned 32 bits, `result` starts as
 * (success, 0). Never throws, whatever the guest passes.
 */
export type HypercallHandler = (registers: Uint32Array, result: HypercallResult) => void;

export class HypercallTable {
  readonly #handlers = new Map<number, HypercallHandler>();
  readonly #result: HypercallResult = { error: 0, value: 0 };

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
    const handler = this.#handlers.get(registers[CALL.extension]);
    if (handler === undefined) result.error = SBI_ERROR.notSupported;
    else handler(registers, result);
    return result;
  }
}
