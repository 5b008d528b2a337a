/** Compares two traces interface by interface: what crossed the ports, however it is cut into packets and whenever it came. */

import { LINK_TYPE } from './pcapng-format.js';
import type { PcapngReader } from './pcapng-reader.js';
import { lineStatusOf, RTAC_EVENT, SerialRecord } from './rtac-serial.js';
import type { TraceInterface } from './trace-block.js';
import type { TraceFile } from './trace-file.js';
import { upperPayloadOffset } from './upper-channel.js';
import { decodeUsbPacket, isUsbLink } from './usb-device-table.js';
import { USB_EVENT, UsbRecord } from './usb-record.js';
import { SNAPSHOT_MARK } from './usb-recorder.js';

export interface TraceDiffOptions {
  /** Whether times must agree to the nanosecond too. */
  readonly times?: boolean;
}

/** Where two traces part. */
export interface TraceDifference {
  /** Number of the event on its lane, 0 first. */
  readonly position: number;
  /** What stands there in words; undefined where one trace has no more. */
  readonly first: string | undefined;
  readonly second: string | undefined;
}

/** One direction of a serial port, the transfers of a USB interface, or the packets of a channel. */
export interface LaneDiff {
  readonly interface: string;
  readonly lane: 'received' | 'transmitted' | 'events' | 'transfers' | 'packets';
  readonly difference: TraceDifference | undefined;
  /** Events that are the same up to the difference. */
  readonly same: number;
  /** Events in all. */
  readonly firstCount: number;
  readonly secondCount: number;
}

export interface TraceDiff {
  readonly equal: boolean;
  readonly lanes: readonly LaneDiff[];
  /** Interfaces that only one of the two has. */
  readonly onlyFirst: readonly string[];
  readonly onlySecond: readonly string[];
}

interface Event {
  readonly text: string;
  readonly timeNs: number;
}

type Lane = LaneDiff['lane'];

const LANES: Readonly<Record<string, readonly Lane[]>> = {
  serial: ['received', 'transmitted', 'events'],
  usb: ['transfers'],
  other: ['packets'],
};

function kindOf({ linkType }: TraceInterface): keyof typeof LANES {
  if (linkType === LINK_TYPE.rtacSerial) return 'serial';
  return isUsbLink(linkType) ? 'usb' : 'other';
}

function hex(bytes: Uint8Array, offset: number, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + offset, length).toString('hex');
}

/** Characters one by one with their times; what is no character stands in the lane of events. */
class SerialEvents {
  readonly #record = new SerialRecord();
  #bits = 10;
  #baudRate: number;

  constructor(described: TraceInterface) {
    this.#baudRate = described.speed;
    this.#line(described.custom.get('line') ?? '');
  }

  *of(reader: PcapngReader, lane: Lane): Generator<Event> {
    const record = this.#record;
    if (!record.decode(reader.packet)) return;
    if (record.text.startsWith('line=')) this.#line(record.text.slice(5));
    if (record.hasData) {
      if ((lane === 'transmitted') !== record.outbound || lane === 'events') return;
      const firstNs = record.firstNs(this.#bits, this.#baudRate);
      for (let i = 0; i < record.length; i++)
        yield {
          text: record.bytes[record.offset + i].toString(16).padStart(2, '0'),
          timeNs: firstNs + record.offsetNs(i, this.#bits, this.#baudRate),
        };
    } else if (lane === 'events') {
      const what = Object.entries(RTAC_EVENT).find(([, code]) => code === record.event)?.[0] ?? String(record.event);
      const status = lineStatusOf(record.event) === 0 ? ` lines ${record.lines} control ${record.modemControl}` : '';
      yield { text: `${what}${status} ${record.text}`.trim(), timeNs: record.timeNs };
    }
  }

  #line(text: string): void {
    const match = /^([\d.]+) ([5-8])([NEOMS])([\d.]+)$/.exec(text);
    if (match === null) return;
    this.#baudRate = Number(match[1]);
    this.#bits = 1 + Number(match[2]) + (match[3] === 'N' ? 0 : 1) + Number(match[4]);
  }
}

const TRANSFERS = ['isochronous', 'interrupt', 'control', 'bulk'] as const;

/** Transfers, their ids replaced by the order in which they were submitted: a kernel's are addresses. */
class UsbEvents {
  readonly #record = new UsbRecord();
  readonly #ids = new Map<number, number>();
  #next = 0;

  *of(reader: PcapngReader): Generator<Event> {
    const record = this.#record;
    if (!decodeUsbPacket(reader, record) || record.mark === SNAPSHOT_MARK) return;
    if (record.event === USB_EVENT.submit && this.#ids.size < 65_536) this.#ids.set(record.id, this.#next++);
    const id = this.#ids.get(record.id) ?? 'of an earlier submission';
    if (record.event !== USB_EVENT.submit) this.#ids.delete(record.id);
    const { bytes, offset, length, endpointAddress } = record;
    const parts = [
      `${record.event === USB_EVENT.submit ? 'submission' : 'completion'} ${id}`,
      `${TRANSFERS[record.transferType]} endpoint ${endpointAddress.toString(16).padStart(2, '0')}h`,
      record.event === USB_EVENT.submit ? '' : `status ${record.status}`,
      record.hasSetup ? `setup ${hex(record.setup, 0, 8)}` : '',
      `length ${record.urbLength}`,
      length === 0 ? '' : `data ${hex(bytes, offset, length)}${record.isTruncated ? '… (cut)' : ''}`,
    ];
    yield { text: parts.filter((part) => part !== '').join(' '), timeNs: record.timeNs };
  }
}

function* packetEvents(reader: PcapngReader): Generator<Event> {
  const { packet } = reader;
  const upper = reader.packetInterface.linkType === LINK_TYPE.upperPdu;
  const head = upper ? Math.max(0, upperPayloadOffset(packet.bytes, packet.offset, packet.length)) : 0;
  yield { text: hex(packet.bytes, packet.offset + head, packet.length - head), timeNs: packet.timeNs };
}

/** The events of one lane of interface `described`, in constant memory. */
function* eventsOf(trace: TraceFile, described: TraceInterface, lane: Lane): Generator<Event, void, undefined> {
  const serial = new SerialEvents(described);
  const usb = new UsbEvents();
  const reader = trace.reader();
  try {
    while (reader.next()) {
      if (reader.kind !== 'packet' || reader.packet.interfaceIndex !== described.index) continue;
      if (lane === 'transfers') yield* usb.of(reader);
      else if (lane === 'packets') yield* packetEvents(reader);
      else yield* serial.of(reader, lane);
    }
  } finally {
    reader.close();
  }
}

function compareLane(
  a: readonly [TraceFile, TraceInterface],
  b: readonly [TraceFile, TraceInterface],
  lane: Lane,
  times: boolean,
): LaneDiff {
  const first = eventsOf(...a, lane);
  const second = eventsOf(...b, lane);
  let difference: TraceDifference | undefined;
  let same = 0;
  let firstCount = 0;
  let secondCount = 0;
  for (;;) {
    const one = first.next();
    const two = second.next();
    if (one.done !== true) firstCount++;
    if (two.done !== true) secondCount++;
    if (one.done === true && two.done === true) break;
    if (difference !== undefined) continue;
    const left = one.done === true ? undefined : one.value;
    const right = two.done === true ? undefined : two.value;
    if (left !== undefined && left.text === right?.text && (!times || left.timeNs === right.timeNs)) {
      same++;
      continue;
    }
    const shown = (event: Event | undefined): string | undefined =>
      event === undefined ? undefined : times ? `${event.text} at ${event.timeNs} ns` : event.text;
    difference = { position: same, first: shown(left), second: shown(right) };
  }
  return { interface: a[1].name || `#${a[1].index}`, lane, difference, same, firstCount, secondCount };
}

/** Interfaces of both traces that belong together: by name and kind, the first unused one of each name. */
function pairs(a: readonly TraceInterface[], b: readonly TraceInterface[]) {
  const rest = [...b];
  const found: (readonly [TraceInterface, TraceInterface])[] = [];
  const onlyFirst: string[] = [];
  // One interface of a kind in each is the same whatever it is called.
  const only = (all: readonly TraceInterface[], kind: string): boolean =>
    all.filter((described) => kindOf(described) === kind).length === 1;
  for (const described of a) {
    const kind = kindOf(described);
    const named = rest.findIndex((other) => other.name === described.name && kindOf(other) === kind);
    const alone =
      kind !== 'other' && only(a, kind) && only(b, kind) ? rest.findIndex((other) => kindOf(other) === kind) : -1;
    const at = named >= 0 ? named : alone;
    if (at < 0) onlyFirst.push(described.name || `#${described.index}`);
    else found.push([described, ...rest.splice(at, 1)] as [TraceInterface, TraceInterface]);
  }
  return { found, onlyFirst, onlySecond: rest.map((other) => other.name || `#${other.index}`) };
}

/**
 * Compares the traces, one lane of one interface after the other. Serial ports: the bytes of each direction, and what else
 * happened on the line; USB: transfers with all they carry; others: packets. Interfaces without a packet do not count.
 * Constant memory; each lane takes a pass over both files. Throws `HAL_IO`, `HAL_TRACE`.
 */
export function diffTraces(first: TraceFile, second: TraceFile, options: TraceDiffOptions = {}): TraceDiff {
  const used = (trace: TraceFile): TraceInterface[] =>
    trace
      .info()
      .interfaces.filter(({ packets }) => packets > 0)
      .map((totals) => totals.interface);
  const { found, onlyFirst, onlySecond } = pairs(used(first), used(second));
  const lanes = found.flatMap(([a, b]) =>
    LANES[kindOf(a)].map((lane) => compareLane([first, a], [second, b], lane, options.times ?? false)),
  );
  const equal =
    onlyFirst.length === 0 && onlySecond.length === 0 && lanes.every((lane) => lane.difference === undefined);
  return { equal, lanes, onlyFirst, onlySecond };
}
