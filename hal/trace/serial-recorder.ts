/** The tap of one serial port: what crosses it becomes packets of link type 250. */

import type { HalError } from '../errors.js';
import type { InjectedFault } from '../serial/faults.js';
import { formatLine } from '../serial/line-settings.js';
import { bitsPerCharacter, LINE_STATUS, type LineSettings } from '../serial/serial-port.js';
import type { SerialTap } from '../serial/tap.js';
import { TimingSolver } from './character-timing.js';
import type { PacketOutlet } from './packet-outlet.js';
import { DIRECTION } from './pcapng-format.js';
import { linesOf, RTAC_EVENT, writeControl, writeTiming } from './rtac-serial.js';
import { SerialBurst } from './serial-burst.js';

/** A tap that knows under which packet id its latest characters are recorded, so that effects can name their cause. */
export interface SerialRecorder extends SerialTap {
  /** Number of the interface in the trace. */
  readonly interfaceId: number;
  /** Id of the packet that holds, or will hold, the latest character received; 0 before the first. */
  readonly lastReceivedId: number;
  /** Id of the packet that holds, or will hold, the latest character sent; 0 before the first. */
  readonly lastTransmittedId: number;
  /** Characters that whoever calls the tap lost before they could be recorded: a data-lost packet. */
  lost(count: number, atNs: number): void;
}

/** One direction of the port. */
class Lane {
  readonly burst = new SerialBurst();
  lastId = 0;

  constructor(
    readonly event: number,
    readonly direction: number,
  ) {}
}

export class SerialPortRecorder implements SerialRecorder {
  readonly interfaceId: number;
  readonly #outlet: PacketOutlet;
  readonly #solver = new TimingSolver();
  readonly #receive = new Lane(RTAC_EVENT.rxEnd, DIRECTION.inbound);
  readonly #transmit = new Lane(RTAC_EVENT.txStart, DIRECTION.outbound);
  readonly #merge: boolean;
  #bits: number;
  #baudRate: number;
  #characterNs: number;
  #modemStatus = 0;
  #modemControl = 0;

  constructor(outlet: PacketOutlet, interfaceId: number, line: LineSettings, merge: boolean) {
    this.#outlet = outlet;
    this.interfaceId = interfaceId;
    this.#merge = merge;
    this.#bits = bitsPerCharacter(line);
    this.#baudRate = line.baudRate;
    this.#characterNs = (this.#bits * 1e9) / line.baudRate;
  }

  get lastReceivedId(): number {
    return this.#receive.lastId;
  }

  get lastTransmittedId(): number {
    return this.#transmit.lastId;
  }

  received(byte: number, lineStatus: number, atNs: number): void {
    this.#append(this.#receive, byte, atNs);
    if (lineStatus === 0) return;
    this.#outlet.settle(this.#receive.burst.lastNs);
    if (lineStatus & LINE_STATUS.overrun) this.#event(RTAC_EVENT.overflow, DIRECTION.inbound, atNs);
    if (lineStatus & LINE_STATUS.parity) this.#event(RTAC_EVENT.parity, DIRECTION.inbound, atNs);
    if (lineStatus & LINE_STATUS.framing) this.#event(RTAC_EVENT.framing, DIRECTION.inbound, atNs);
    if (lineStatus & LINE_STATUS.break) this.#event(RTAC_EVENT.break, DIRECTION.inbound, atNs);
  }

  transmitted(bytes: Uint8Array, offset: number, length: number, atNs: number): void {
    for (let i = 0; i < length; i++) this.#append(this.#transmit, bytes[offset + i], atNs);
  }

  configured(line: LineSettings, atNs: number): void {
    // What is pending was paced by the old settings.
    this.#outlet.settle(atNs);
    this.#bits = bitsPerCharacter(line);
    this.#baudRate = line.baudRate;
    this.#characterNs = (this.#bits * 1e9) / line.baudRate;
    this.#text(RTAC_EVENT.status, DIRECTION.outbound, atNs, `line=${formatLine(line)}`);
  }

  modemControl(bits: number, atNs: number): void {
    this.#outlet.settle(atNs);
    this.#modemControl = bits;
    if (!this.#outlet.begin(this.interfaceId, atNs)) return;
    this.#header(RTAC_EVENT.status, atNs);
    this.#outlet.options(DIRECTION.outbound, this.#outlet.takeId());
    writeControl(this.#outlet.writer, bits);
    this.#outlet.end(this.interfaceId, 0);
  }

  modemStatus(bits: number, atNs: number): void {
    this.#outlet.settle(atNs);
    this.#modemStatus = bits;
    this.#event(RTAC_EVENT.status, DIRECTION.inbound, atNs);
  }

  disconnected(error: HalError, atNs: number): void {
    this.#outlet.settle(atNs);
    this.#text(RTAC_EVENT.complete, DIRECTION.inbound, atNs, `disconnected=${error.code} ${error.message}`);
  }

  closed(atNs: number): void {
    this.#outlet.settle(atNs);
    this.#text(RTAC_EVENT.complete, DIRECTION.outbound, atNs, 'closed');
  }

  fault(fault: InjectedFault): void {
    this.#outlet.settle(fault.atNs);
    const direction = fault.direction === 'receive' ? DIRECTION.inbound : DIRECTION.outbound;
    this.#text(RTAC_EVENT.status, direction, fault.atNs, `fault=${JSON.stringify(fault)}`);
  }

  lost(count: number, atNs: number): void {
    this.#outlet.settle(atNs);
    if (!this.#outlet.begin(this.interfaceId, atNs)) return;
    this.#header(RTAC_EVENT.dataLost, atNs);
    this.#outlet.options(DIRECTION.inbound, this.#outlet.takeId());
    this.#outlet.writer.dropCount(count);
    this.#outlet.end(this.interfaceId, 0);
    this.#outlet.drop(this.interfaceId, count);
  }

  /** When the earliest pending burst ended, `Infinity` without one. */
  get pendingNs(): number {
    return Math.min(this.#receive.burst.lastNs, this.#transmit.burst.lastNs);
  }

  /** Writes the burst that ended first. */
  writePending(): void {
    const receive = this.#receive.burst.lastNs;
    const transmit = this.#transmit.burst.lastNs;
    const receiveFirst =
      receive < transmit || (receive === transmit && this.#receive.burst.id < this.#transmit.burst.id);
    this.#write(receiveFirst ? this.#receive : this.#transmit);
  }

  #append(lane: Lane, byte: number, atNs: number): void {
    const burst = lane.burst;
    if (!burst.append(byte, atNs, this.#characterNs, this.#merge)) {
      this.#outlet.settle(burst.lastNs);
      burst.append(byte, atNs, this.#characterNs, this.#merge);
    }
    if (burst.length === 1) {
      burst.id = this.#outlet.takeId();
      lane.lastId = burst.id;
      this.#outlet.pending();
    }
  }

  #write(lane: Lane): void {
    const length = lane.burst.length;
    this.#writeRun(lane, 0, length);
    lane.burst.length = 0;
  }

  /** Characters whose times no single packet can tell are halved until one can. */
  #writeRun(lane: Lane, from: number, to: number): void {
    const { burst } = lane;
    const solver = this.#solver;
    if (!solver.solve(burst.times, from, to, this.#bits, this.#baudRate)) {
      const middle = (from + to) >> 1;
      this.#writeRun(lane, from, middle);
      this.#writeRun(lane, middle, to);
      return;
    }
    const endNs = burst.times[to - 1];
    if (!this.#outlet.begin(this.interfaceId, endNs)) return;
    this.#outlet.header(lane.event, linesOf(this.#modemStatus, this.#modemControl), endNs);
    this.#outlet.writer.bytes(burst.bytes, from, to - from);
    this.#outlet.options(lane.direction, burst.id);
    writeTiming(this.#outlet.writer, solver.spacing, solver.phase, solver.characterNs);
    this.#outlet.end(this.interfaceId, to - from);
  }

  #header(event: number, atNs: number): void {
    this.#outlet.header(event, linesOf(this.#modemStatus, this.#modemControl), atNs);
  }

  #event(event: number, direction: number, atNs: number): void {
    if (!this.#outlet.begin(this.interfaceId, atNs)) return;
    this.#header(event, atNs);
    this.#outlet.options(direction, this.#outlet.takeId());
    this.#outlet.end(this.interfaceId, 0);
  }

  #text(event: number, direction: number, atNs: number, text: string): void {
    if (!this.#outlet.begin(this.interfaceId, atNs)) return;
    this.#header(event, atNs);
    this.#outlet.options(direction, this.#outlet.takeId());
    this.#outlet.writer.customString(text);
    this.#outlet.writer.comment(text);
    this.#outlet.end(this.interfaceId, 0);
  }
}
