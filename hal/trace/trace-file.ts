/** A trace as a whole: what it is of, its packets one by one, its counts. */

import type { ClockDomain } from '../../base/index.js';
import { HalError } from '../errors.js';
import { CUSTOM_BLOCK } from './pcapng-format.js';
import { type PacketView, PcapngReader } from './pcapng-reader.js';
import type { TraceInterface } from './trace-block.js';
import type { JsonValue } from './trace-recorder.js';
import { fileSource, memorySource, type TraceSource } from './trace-source.js';
import { countTrace, type TraceStatistics } from './trace-statistics.js';

/** Counts, and what the last block says of the run. */
export interface TraceInfo extends TraceStatistics {
  readonly path: string;
  /** As in `TraceFile`. */
  readonly clock: ClockDomain | undefined;
  readonly manifest: JsonValue | undefined;
  /** What the recorder was given when it closed (`TraceRecorder.close`); undefined for a killed run. */
  readonly summary: JsonValue | undefined;
}

/** An opened trace. It holds no file descriptor: every reader opens its own. */
export interface TraceFile {
  /** How a person names it. */
  readonly path: string;
  /** What the run was (`TraceRecorderOptions.manifest`); undefined in foreign or damaged traces. */
  readonly manifest: JsonValue | undefined;
  /** Domain of its times, undefined in foreign traces. */
  readonly clock: ClockDomain | undefined;
  /** When recording began, on the recording's clock; the time of the first packet when the trace does not tell. */
  readonly startNs: number;
  /** Those described before the first packet; `info()` knows all. */
  readonly interfaces: readonly TraceInterface[];
  /** A new reader at the start, to be closed by the caller. */
  reader(windowBytes?: number): PcapngReader;
  /** Packet by packet, in constant memory; the view is reused. Breaking the loop closes the file. */
  packets(): Generator<PacketView, void, undefined>;
  /** Goes through the whole trace. Throws `HAL_IO`. */
  info(): TraceInfo;
}

function parseJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

function field(value: JsonValue | undefined, name: string): JsonValue | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return (value as { readonly [key: string]: JsonValue | undefined })[name];
}

class OpenedTrace implements TraceFile {
  readonly path: string;
  readonly manifest: JsonValue | undefined;
  readonly clock: ClockDomain | undefined;
  readonly startNs: number;
  readonly interfaces: readonly TraceInterface[];
  readonly #open: () => TraceSource;
  readonly #fileBytes: number;

  constructor(open: () => TraceSource) {
    this.#open = open;
    const source = open();
    this.path = source.name;
    this.#fileBytes = source.size;
    try {
      const reader = new PcapngReader(source, 65_536);
      let head: JsonValue | undefined;
      let firstNs = 0;
      while (reader.next()) {
        if (reader.kind === 'custom' && reader.customKind === CUSTOM_BLOCK.manifest)
          head ??= parseJson(reader.customText);
        if (reader.kind !== 'packet') continue;
        firstNs = reader.packet.timeNs;
        break;
      }
      this.interfaces = [...reader.interfaces];
      this.manifest = field(head, 'run');
      const first = this.interfaces[0]?.custom;
      const clock = field(head, 'clock') ?? first?.get('clock');
      this.clock = clock === 'virtual' || clock === 'wall' ? clock : undefined;
      const stated = Number(field(head, 'startNs') ?? first?.get('start-ns') ?? (this.clock === undefined ? -1 : 0));
      this.startNs = Number.isSafeInteger(stated) && stated >= 0 ? stated : firstNs;
    } finally {
      source.close();
    }
  }

  reader(windowBytes?: number): PcapngReader {
    const source = this.#open();
    try {
      return new PcapngReader(source, windowBytes);
    } catch (error) {
      source.close();
      throw error;
    }
  }

  *packets(): Generator<PacketView, void, undefined> {
    const reader = this.reader();
    try {
      while (reader.next()) if (reader.kind === 'packet') yield reader.packet;
    } finally {
      reader.close();
    }
  }

  info(): TraceInfo {
    const reader = this.reader();
    try {
      const statistics = countTrace(reader, this.#fileBytes);
      const { summaryText } = statistics;
      const summary = summaryText === undefined ? undefined : field(parseJson(summaryText), 'run');
      return { ...statistics, path: this.path, clock: this.clock, manifest: this.manifest, summary };
    } finally {
      reader.close();
    }
  }
}

/** Opens the trace at `path`. Throws `HAL_TRACE` for a foreign file (and says what it looks like), `HAL_NOT_FOUND`, `HAL_DENIED`, `HAL_INVALID`, `HAL_IO`. */
export function openTrace(path: string): TraceFile {
  return new OpenedTrace(() => fileSource(path));
}

/** Opens a trace that lies in memory. */
export function openTraceBytes(bytes: Uint8Array, name = 'memory'): TraceFile {
  return new OpenedTrace(() => memorySource(bytes, name));
}

/** Everything there is to say about the trace at `path`; throws as `openTrace`. */
export function traceInfo(path: string): TraceInfo {
  return openTrace(path).info();
}

/** How a person may name an interface: its name, or its number in the file (`0` or `#0`). */
export type InterfaceSelector = string | number;

/**
 * The interface of `linkType` (of any, when undefined) that `selector` names; without a selector, the only one there is.
 * Throws `HAL_NOT_FOUND` and `HAL_INVALID` (several), naming the choices.
 */
export function selectInterface(trace: TraceFile, selector?: InterfaceSelector, linkType?: number): TraceInterface {
  const matches = (all: readonly TraceInterface[]): TraceInterface[] =>
    all.filter(
      (described) =>
        (linkType === undefined || described.linkType === linkType) &&
        (selector === undefined || described.name === selector || described.index === interfaceNumber(selector)),
    );
  let found = matches(trace.interfaces);
  let all = trace.interfaces;
  if (found.length === 0) {
    all = trace.info().interfaces.map((totals) => totals.interface);
    found = matches(all);
  }
  if (found.length === 1) return found[0];
  const choices = all.map((described) => `#${described.index} ${described.name || 'unnamed'}`).join(', ') || 'none';
  const wanted = selector === undefined ? 'interface of the kind wanted' : `interface ${String(selector)}`;
  if (found.length === 0)
    throw new HalError('HAL_NOT_FOUND', `${trace.path} has no ${wanted}; it has ${choices}`, {
      where: trace.path,
      hint: 'Name one of them.',
    });
  throw new HalError('HAL_INVALID', `${trace.path} has more than one ${wanted}: ${choices}`, {
    where: trace.path,
    hint: 'Name one of them by its number.',
  });
}

function interfaceNumber(selector: InterfaceSelector): number {
  if (typeof selector === 'number') return selector;
  const match = /^#?(\d{1,6})$/.exec(selector);
  return match === null ? -1 : Number(match[1]);
}
