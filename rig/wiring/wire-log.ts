/** What crossed the wire, as evidence: when each character arrived, how often the line complained, what was injected. */

import { type HalError, type InjectedFault, LINE_STATUS, type LineSettings, type SerialTap } from '../../hal/index.js';

const FIRST_CAPACITY = 1 << 16;
/** 2^26 characters take 512 MB; a run that brings more keeps counting but stamps no further ones. */
const LAST_CAPACITY = 1 << 26;

/** Taps a port. Arrival stamps are kept 8 bytes each; recording one allocates only when the array doubles. */
export class WireLog implements SerialTap {
  #arrivalNs = new Float64Array(FIRST_CAPACITY);
  receivedCount = 0;
  transmittedCount = 0;
  overruns = 0;
  parityErrors = 0;
  framingErrors = 0;
  breaks = 0;
  readonly faults: Record<string, number> = {};
  /** Packet of the trace that holds the character just received; asked at each. */
  readonly #packetId: () => number;
  /** Where the packets begin: number of the first character, and id. */
  readonly #packetStarts: number[] = [];
  readonly #packetIds: number[] = [];

  constructor(packetId: () => number) {
    this.#packetId = packetId;
  }

  /** Id of the trace packet that holds character number `index` (0 = first), 0 when none does. */
  packetOf(index: number): number {
    let low = 0;
    let high = this.#packetStarts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#packetStarts[middle] <= index) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 0 : this.#packetIds[low - 1];
  }

  /** Stamp of each character received, in order; a view. */
  get arrivalNs(): Float64Array {
    return this.#arrivalNs.subarray(0, Math.min(this.receivedCount, this.#arrivalNs.length));
  }

  received(_byte: number, lineStatus: number, atNs: number): void {
    if (this.receivedCount === this.#arrivalNs.length && this.receivedCount < LAST_CAPACITY) {
      const grown = new Float64Array(2 * this.receivedCount);
      grown.set(this.#arrivalNs);
      this.#arrivalNs = grown;
    }
    this.#arrivalNs[this.receivedCount++] = atNs;
    const id = this.#packetId();
    if (this.#packetIds.at(-1) !== id) {
      this.#packetStarts.push(this.receivedCount - 1);
      this.#packetIds.push(id);
    }
    if (lineStatus === 0) return;
    if (lineStatus & LINE_STATUS.overrun) this.overruns++;
    if (lineStatus & LINE_STATUS.parity) this.parityErrors++;
    if (lineStatus & LINE_STATUS.framing) this.framingErrors++;
    if (lineStatus & LINE_STATUS.break) this.breaks++;
  }

  transmitted(_bytes: Uint8Array, _offset: number, length: number): void {
    this.transmittedCount += length;
  }

  fault(fault: InjectedFault): void {
    this.faults[fault.kind] = (this.faults[fault.kind] ?? 0) + 1;
  }

  configured(_line: LineSettings): void {}
  modemControl(): void {}
  modemStatus(): void {}
  disconnected(_error: HalError): void {}
  closed(): void {}
}
