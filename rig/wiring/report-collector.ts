/** Turns a guest's report records into decoded reports, each tied to the character on the wire that caused it. */

import type { Arrivals } from '../metrics/arrivals.js';
import type { GuestReport } from '../run/run-types.js';
import type { Share } from './device-link.js';

const HEADER_BYTES = 24;
/** Ticks of the guest's `time` CSR, in nanoseconds. */
const TICK_NS = 100;

/** Names and fields of a record, by the guest's manifest. */
export interface RecordDecoder {
  decode(channel: number, type: number, payload: Uint8Array): Pick<GuestReport, 'channel' | 'type' | 'fields'>;
}

export interface CollectorOptions {
  readonly decoder: RecordDecoder;
  readonly now: () => number;
  /** What this guest was given of the device; undefined for a guest without an acquisition port. */
  readonly share: () => Share | undefined;
  /** Arrival stamps on the wire. */
  readonly arrivals: () => Arrivals;
  /** Told of each raw record when it comes, with the number of the byte on the wire that caused it, or -1. */
  readonly recorded: (record: Uint8Array, length: number, atNs: number, wireIndex: number) => void;
}

export class ReportCollector {
  readonly reports: GuestReport[] = [];
  readonly #options: CollectorOptions;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /** `record[0 .. length)` holds one record, whose header and length the monitor has checked; copied before it returns. */
  take(record: Uint8Array, length: number, atNs = this.#options.now()): void {
    const view = new DataView(record.buffer, record.byteOffset, length);
    const payload = record.slice(HEADER_BYTES, Math.min(length, HEADER_BYTES + view.getUint32(20, true)));
    const decoded = this.#options.decoder.decode(view.getUint32(0, true), view.getUint32(16, true), payload);
    const wireIndex = this.#wireIndex(decoded.fields.streamOffset);
    const arrivals = this.#options.arrivals();
    const caused = wireIndex >= 0 && wireIndex < arrivals.length;
    this.reports.push({
      ...decoded,
      sequence: view.getUint32(4, true),
      guestTimeNs: (view.getUint32(8, true) + view.getUint32(12, true) * 0x1_0000_0000) * TICK_NS,
      reportedAtNs: atNs,
      ...(caused ? { causeNs: arrivals.timeOf(wireIndex) } : {}),
    });
    this.#options.recorded(record, length, atNs, caused ? wireIndex : -1);
  }

  #wireIndex(streamOffset: number | undefined): number {
    const share = this.#options.share();
    if (streamOffset === undefined || streamOffset < 1 || share === undefined) return -1;
    return share.wireIndex(streamOffset - 1);
  }
}
