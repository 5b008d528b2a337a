/** Records a whole run into one pcapng trace: serial ports, guest journal, exits, reports and notes. */

import { type Clock, Timer, WallClock } from '../../base/index.js';
import type { HalError } from '../errors.js';
import { formatLine } from '../serial/line-settings.js';
import type { LineSettings } from '../serial/serial-port.js';
import type { UsbDescription } from '../usb/usb-port.js';
import { PacketOutlet } from './packet-outlet.js';
import { CUSTOM_BLOCK, LINK_TYPE } from './pcapng-format.js';
import { PcapngWriter } from './pcapng-writer.js';
import { SerialPortRecorder, type SerialRecorder } from './serial-recorder.js';
import { fileSink, type TraceSink } from './trace-sink.js';
import { UpperChannel, type UpperDissector } from './upper-channel.js';
import { UsbDeviceRecorder, type UsbRecorder } from './usb-recorder.js';

/** Value that `JSON.stringify` keeps whole. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

export interface TraceRecorderOptions {
  /** Where the trace goes: the path of a file to create or empty, or a sink. */
  readonly to: string | TraceSink;
  /** The clock of every time given to this recorder. A wall clock makes every packet reach the file within 5 ms. */
  readonly clock: Clock;
  /** What the run is: stands in the first block and comes back as `TraceFile.manifest`. */
  readonly manifest?: JsonValue;
}

export interface SerialInterfaceMeta {
  readonly description?: string;
  /** Further facts (`binding`, `profile`, `serialNumber`), kept with the interface. Keys without `=`. */
  readonly facts?: { readonly [key: string]: string };
}

export interface UsbInterfaceMeta extends SerialInterfaceMeta {
  /** Where usbmon would have seen the device; bus 1, device 2 when absent. */
  readonly bus?: number;
  readonly device?: number;
}

export interface InterfaceSummary {
  readonly name: string;
  readonly packets: number;
  /** Payload without link-type headers: characters on a serial interface. */
  readonly bytes: number;
  readonly dropped: number;
}

export interface TraceSummary {
  readonly startNs: number;
  readonly endNs: number;
  readonly interfaces: readonly InterfaceSummary[];
  /** Bytes in the file. */
  readonly bytesWritten: number;
}

/** How long a burst may stay unwritten in wall time. */
const IDLE_NS = 5_000_000;

/**
 * Make it before the device is touched: its first blocks are in the file when the constructor returns. In wall time
 * every block reaches the file at once, so a killed process loses at most the last 5 ms; in virtual time blocks go in
 * batches. While recording nothing throws: a failure (disk full) is kept in `failure`, and `close` throws it.
 * Constructor: `HAL_NOT_FOUND`, `HAL_DENIED`, `HAL_INVALID`, `HAL_IO`.
 */
export class TraceRecorder {
  readonly #clock: Clock;
  readonly #sink: TraceSink;
  readonly #outlet: PacketOutlet;
  readonly #originUnixNs: bigint;
  readonly #startNs: number;
  readonly #names: string[] = [];
  readonly #idle: Timer;
  #notes: UpperChannel | undefined;
  #closed: TraceSummary | undefined;

  constructor(options: TraceRecorderOptions) {
    const clock = options.clock;
    this.#clock = clock;
    this.#startNs = clock.now();
    this.#originUnixNs = clock instanceof WallClock ? clock.originUnixNs : 0n;
    this.#sink = typeof options.to === 'string' ? fileSink(options.to) : options.to;
    const wall = clock.domain === 'wall';
    const writer = new PcapngWriter(this.#sink, { flushEachBlock: wall });
    this.#outlet = new PacketOutlet(writer, this.#originUnixNs, () => {
      if (wall && !this.#idle.armed) this.#clock.schedule(this.#idle, this.#clock.now() + IDLE_NS);
    });
    this.#idle = new Timer(() => this.#outlet.settle(this.#clock.now()));
    writer.customBlock(
      CUSTOM_BLOCK.manifest,
      JSON.stringify({
        format: 1,
        clock: clock.domain,
        startNs: this.#startNs,
        originUnixNs: String(this.#originUnixNs),
        run: options.manifest ?? null,
      }),
    );
    writer.flush();
  }

  /** The first failure of writing, undefined while all is well. What came after it is counted as dropped. */
  get failure(): HalError | undefined {
    return this.#outlet.failure;
  }

  get bytesWritten(): number {
    return this.#outlet.writer.bytesWritten;
  }

  /** A serial port of the run, with the line settings it has at the start. Names need not differ. */
  addSerial(name: string, line: LineSettings, meta: SerialInterfaceMeta = {}): SerialRecorder {
    const facts = Object.entries(meta.facts ?? {}).map(([key, value]) => `${key}=${value}`);
    const id = this.#addInterface(LINK_TYPE.rtacSerial, name, [`line=${formatLine(line)}`, ...facts], {
      speed: line.baudRate,
      ...(meta.description === undefined ? {} : { description: meta.description }),
    });
    const recorder = new SerialPortRecorder(this.#outlet, id, line, this.#clock.domain === 'wall');
    this.#outlet.add(recorder);
    return recorder;
  }

  /**
   * A USB device of the run, with what it says of itself at the start. What is no transfer (reset, plugging, injected
   * faults, the end) goes to a text channel beside it, `events NAME`.
   */
  addUsb(name: string, description: UsbDescription, meta: UsbInterfaceMeta = {}): UsbRecorder {
    const { bus = 1, device = 2 } = meta;
    const facts = Object.entries(meta.facts ?? {}).map(([key, value]) => `${key}=${value}`);
    const id = this.#addInterface(LINK_TYPE.usbmon, name, [`speed=${description.speed}`, ...facts], {
      ...(meta.description === undefined ? {} : { description: meta.description }),
    });
    const events = this.addUpper(`events ${name}`, 'text', 'what is no transfer: resets, plugging, faults, the end');
    const recorder = new UsbDeviceRecorder(this.#outlet, id, { bus, device }, events);
    recorder.snapshot(description, this.#clock.now());
    return recorder;
  }

  /** A stream beside the devices: `vm-exits`, `journal`, `reports`. */
  addUpper(name: string, dissector: UpperDissector, description?: string): UpperChannel {
    const id = this.#addInterface(LINK_TYPE.upperPdu, name, [], description === undefined ? {} : { description });
    return new UpperChannel(this.#outlet, id, dissector, name);
  }

  /** A remark on the interface `notes`, which comes with the first one. Returns the packet's id. */
  note(text: string, atNs: number, causeId = 0): number {
    this.#notes ??= this.addUpper('notes', 'text');
    return this.#notes.text(text, atNs, causeId);
  }

  /** Hands everything recorded so far to the file, pending bursts included. */
  flush(): void {
    this.#outlet.settle(Number.POSITIVE_INFINITY);
    this.#guard(() => this.#outlet.writer.flush());
  }

  /**
   * Ends the trace: pending bursts, the summary block (with `run` in it), one statistics block per interface; closes
   * the sink. Idempotent. Throws `failure` when the recording is not complete.
   */
  close(run: JsonValue = null): TraceSummary {
    if (this.#closed !== undefined) return this.#closed;
    this.#clock.cancel(this.#idle);
    const outlet = this.#outlet;
    outlet.settle(Number.POSITIVE_INFINITY);
    const endNs = Math.max(this.#startNs, outlet.lastNs, this.#clock.now());
    const interfaces = outlet.counts.map((counts, id) => ({ name: this.#names[id], ...counts }));
    const originNs = Number(this.#originUnixNs % 1_000_000_000n);
    this.#guard(() => {
      const startNs = this.#startNs;
      outlet.writer.customBlock(CUSTOM_BLOCK.summary, JSON.stringify({ startNs, endNs, interfaces, run }));
      for (const [id, { packets, dropped }] of outlet.counts.entries())
        outlet.writer.statistics(id, startNs + originNs, endNs + originNs, packets, dropped);
      outlet.writer.flush();
    });
    this.#closed = { startNs: this.#startNs, endNs, interfaces, bytesWritten: outlet.writer.bytesWritten };
    this.#guard(() => this.#sink.close(), true);
    if (outlet.failure !== undefined) throw outlet.failure;
    return this.#closed;
  }

  #addInterface(
    linkType: number,
    name: string,
    custom: readonly string[],
    more: { readonly speed?: number; readonly description?: string },
  ): number {
    const originNs = Number(this.#originUnixNs % 1_000_000_000n);
    const id = this.#names.length;
    this.#names.push(name);
    this.#outlet.counts.push({ packets: 0, bytes: 0, dropped: 0 });
    this.#guard(() =>
      this.#outlet.writer.addInterface({
        linkType,
        name,
        ...more,
        offsetSeconds: Number(this.#originUnixNs / 1_000_000_000n),
        custom: [
          `clock=${this.#clock.domain}`,
          ...(originNs > 0 ? [`clock-origin-ns=${originNs}`] : []),
          ...(this.#startNs > 0 ? [`start-ns=${this.#startNs}`] : []),
          ...custom,
        ],
      }),
    );
    return id;
  }

  /** Runs `write` unless the recording has failed; its failure is kept. */
  #guard(write: () => void, evenFailed = false): void {
    if (this.#outlet.failure !== undefined && !evenFailed) return;
    try {
      write();
    } catch (error) {
      this.#outlet.fail(error);
    }
  }
}
