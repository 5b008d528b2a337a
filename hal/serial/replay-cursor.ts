/** Goes over the serial packets of one trace interface, in constant memory. */

import { HalError } from '../errors.js';
import type { PcapngReader } from '../trace/pcapng-reader.js';
import type { SerialRecord } from '../trace/rtac-serial.js';
import type { TraceFile } from '../trace/trace-file.js';

const WINDOW_BYTES = 65_536;

/** Delivers packets of the interface `index` in file order. */
export class ReplayCursor {
  readonly #trace: TraceFile;
  readonly #index: number;
  readonly #strict: boolean;
  #reader: PcapngReader | undefined;

  /** `strict`: damage in the middle of the trace is an error instead of a gap. */
  constructor(trace: TraceFile, index: number, strict: boolean) {
    this.#trace = trace;
    this.#index = index;
    this.#strict = strict;
    this.#reader = trace.reader(WINDOW_BYTES);
  }

  /** Decodes the next packet into `record`; false at the end. Throws `HAL_TRACE` for a packet that is not whole. */
  next(record: SerialRecord): boolean {
    const reader = this.#reader;
    if (reader === undefined) return false;
    while (reader.next()) {
      const [damage] = reader.damage;
      if (this.#strict && damage !== undefined) throw this.#refuse(`is damaged at byte ${damage.offset}`);
      if (reader.kind !== 'packet' || reader.packet.interfaceIndex !== this.#index) continue;
      if (reader.packet.originalLength > reader.packet.length || !record.decode(reader.packet))
        throw this.#refuse(`holds a packet that was cut short, at byte ${reader.blockOffset}`);
      return true;
    }
    this.close();
    return false;
  }

  close(): void {
    this.#reader?.close();
    this.#reader = undefined;
  }

  #refuse(what: string): HalError {
    this.close();
    return new HalError('HAL_TRACE', `${this.#trace.path} ${what}, so it cannot be replayed as it happened`, {
      where: this.#trace.path,
      hint: 'Record it again, or replay leniently what is left of it.',
    });
  }
}
