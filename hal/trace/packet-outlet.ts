/** The way from taps and channels to the writer: packet ids, time stamps, counts, and what happens when writing fails. */

import { HalError } from '../errors.js';
import type { PcapngWriter } from './pcapng-writer.js';
import { writeRtacHeader } from './rtac-serial.js';

/** Counts of one interface. */
export interface InterfaceCounts {
  packets: number;
  /** Payload without link-type headers: characters on a serial interface. */
  bytes: number;
  dropped: number;
}

/** What holds characters back until their burst ends. */
export interface PendingBursts {
  /** When the burst that ended first did so, `Infinity` without one. */
  readonly pendingNs: number;
  /** Writes that burst. */
  writePending(): void;
}

/**
 * Shared by everything that records in one run. It never throws: the first failure of the writer is kept, and what
 * comes later is counted as dropped.
 */
export class PacketOutlet {
  readonly writer: PcapngWriter;
  readonly counts: InterfaceCounts[] = [];
  readonly #bursts: PendingBursts[] = [];
  readonly #offsetSeconds: number;
  readonly #originNs: number;
  readonly #onPending: () => void;
  #nextId = 1;
  failure: HalError | undefined;
  /** Time of the latest packet. */
  lastNs = 0;

  /** `originUnixNs`: Unix time of the clock's origin. `onPending`: a burst has begun. */
  constructor(writer: PcapngWriter, originUnixNs: bigint, onPending: () => void) {
    this.writer = writer;
    this.#offsetSeconds = Number(originUnixNs / 1_000_000_000n);
    this.#originNs = Number(originUnixNs % 1_000_000_000n);
    this.#onPending = onPending;
  }

  add(bursts: PendingBursts): void {
    this.#bursts.push(bursts);
  }

  /** A packet id that no other event has. */
  takeId(): number {
    return this.#nextId++;
  }

  pending(): void {
    this.#onPending();
  }

  /** Writes every burst that ended at or before `timeNs`, in order of their ends, so that the file keeps order of time. */
  settle(timeNs: number): void {
    for (;;) {
      let first: PendingBursts | undefined;
      let firstNs = Number.POSITIVE_INFINITY;
      for (let i = 0; i < this.#bursts.length; i++) {
        const pendingNs = this.#bursts[i].pendingNs;
        if (pendingNs < firstNs && pendingNs <= timeNs) {
          first = this.#bursts[i];
          firstNs = pendingNs;
        }
      }
      if (first === undefined) break;
      first.writePending();
    }
  }

  /** Starts a packet; false when the recording has failed, and then nothing else of the packet may be written. */
  begin(interfaceId: number, timeNs: number): boolean {
    if (this.failure !== undefined) {
      this.counts[interfaceId].dropped++;
      return false;
    }
    if (timeNs > this.lastNs) this.lastNs = timeNs;
    this.writer.beginPacket(interfaceId, timeNs + this.#originNs);
    return true;
  }

  /** Unix time of the second in which the clock's origin lies. */
  get epochSeconds(): number {
    return this.#offsetSeconds;
  }

  /** `timeNs` counted from the beginning of that second. */
  sinceEpochNs(timeNs: number): number {
    return timeNs + this.#originNs;
  }

  /** The header of a serial packet. */
  header(event: number, lines: number, timeNs: number): void {
    const ns = timeNs + this.#originNs;
    const seconds = Math.floor(ns / 1e9);
    writeRtacHeader(this.writer, this.#offsetSeconds + seconds, Math.floor((ns - seconds * 1e9) / 1000), event, lines);
  }

  /** Ends the payload and writes the options every packet has. */
  options(direction: number, id: number): void {
    try {
      this.writer.endPayload();
    } catch (error) {
      this.fail(error);
      return;
    }
    if (direction !== 0) this.writer.flags(direction);
    this.writer.packetId(id);
  }

  end(interfaceId: number, bytes: number): void {
    const counts = this.counts[interfaceId];
    if (this.failure === undefined) {
      try {
        this.writer.endPacket();
        counts.packets++;
        counts.bytes += bytes;
        return;
      } catch (error) {
        this.fail(error);
      }
    }
    counts.dropped++;
  }

  /** Keeps the first failure. */
  fail(error: unknown): void {
    this.failure ??=
      error instanceof HalError
        ? error
        : new HalError('HAL_IO', `the trace could not be written: ${String(error)}`, { cause: error });
  }

  drop(interfaceId: number, count: number): void {
    this.counts[interfaceId].dropped += count;
  }
}
