/** Tells the owner of decoded code about a write to it, before it happens. */

import type { HartHooks } from './hooks.js';

const PAGE_SHIFT = 12;

export class CodeGuard {
  readonly #codeState: Uint8Array;
  readonly #hooks: HartHooks;

  constructor(codeState: Uint8Array, hooks: HartHooks) {
    this.#codeState = codeState;
    this.#hooks = hooks;
  }

  /** The byte of RAM at `offset` is about to be written, or its page to become writable unchecked. */
  beforeWrite(offset: number): void {
    const page = offset >>> PAGE_SHIFT;
    if (this.#codeState[page] !== 0) this.#hooks.codeWritten(page);
  }
}
