/** A host for boards under test: memory with bounds, an interrupt line that counts. */

import type { HalError } from '../errors.js';
import type { BoardMemory, BoardSink } from './board-port.js';

export class TestBoardHost implements BoardMemory, BoardSink {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  level = false;
  rises = 0;
  /** Accesses that were refused. */
  refused = 0;
  writes = 0;
  ended: HalError | undefined;
  /** Called when the line rises. */
  onRise: () => void = () => {};

  constructor(
    readonly base: number,
    length: number,
  ) {
    this.bytes = new Uint8Array(length);
    this.view = new DataView(this.bytes.buffer);
  }

  read(address: number, target: Uint8Array, offset: number, length: number): boolean {
    if (!this.#contains(address, length)) return false;
    target.set(this.bytes.subarray(address - this.base, address - this.base + length), offset);
    return true;
  }

  write(address: number, source: Uint8Array, offset: number, length: number): boolean {
    if (!this.#contains(address, length)) return false;
    this.bytes.set(source.subarray(offset, offset + length), address - this.base);
    this.writes++;
    return true;
  }

  interrupt(level: boolean): void {
    this.level = level;
    if (!level) return;
    this.rises++;
    this.onRise();
  }

  disconnected(error: HalError): void {
    this.ended = error;
  }

  #contains(address: number, length: number): boolean {
    const isInside = address >= this.base && address + length <= this.base + this.bytes.length;
    if (!isInside) this.refused++;
    return isInside;
  }
}
