/** The port of an attached device: URBs by seqnum over the connection. */

import type { Socket } from 'node:net';
import { type Clock, NS_PER_MS, Timer, URB_STATUS, type Urb } from '../../base/index.js';
import { HalError } from '../errors.js';
import { checkUrb } from '../usb/simulated-port.js';
import type { UsbDescription, UsbPort, UsbSink } from '../usb/usb-port.js';
import type { ByteStream } from './byte-stream.js';
import {
  COMMAND,
  DIRECTION_IN,
  type ExportedDevice,
  FIELD,
  MESSAGE_BYTES,
  MOST_TRANSFER_BYTES,
  NOT_ISOCHRONOUS,
} from './protocol.js';

/** The connection of a port, when the operations are over. */
export interface RemoteConnection {
  readonly socket: Socket;
  /** Holds what was read beyond the operations. */
  readonly stream: ByteStream;
  readonly clock: Clock;
  /** A server that leaves an UNLINK unanswered for so long has hung, and the port is lost. */
  readonly timeoutMs: number;
}

const RESET = { bmRequestType: 0x23, setFeature: 3, portReset: 4 } as const;

export class RemotePort implements UsbPort {
  /** Filled when the device's descriptors have been read. */
  description: UsbDescription;
  readonly #socket: Socket;
  readonly #stream: ByteStream;
  readonly #devid: number;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #overdue = new Timer(() => this.#lose(this.#timedOut()));
  readonly #inFlight = new Map<number, Urb>();
  /** UNLINKs on their way: seqnum of the URB each is for. */
  readonly #unlinks = new Map<number, number>();
  /** Resets on their way: their answers are for nobody. */
  readonly #resets = new Set<number>();
  /** Over before they have begun; told in a turn of their own. */
  #refused: Urb[] = [];
  #seqnum = 0;
  #sink: UsbSink | undefined;
  #over: 'closed' | 'lost' | undefined;

  constructor(
    readonly name: string,
    { socket, stream, clock, timeoutMs }: RemoteConnection,
    device: ExportedDevice,
  ) {
    this.#socket = socket;
    this.#stream = stream;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#devid = (device.bus << 16) | device.device;
    this.description = {
      speed: device.speed,
      device: new Uint8Array(0),
      configurations: [],
      strings: new Map(),
      reports: new Map(),
    };
    socket.on('data', (piece) => {
      stream.push(piece);
      this.#read();
    });
    socket.on('error', () => {});
    socket.once('close', () =>
      this.#lose(new HalError('HAL_DISCONNECTED', `the connection of ${name} ended`, { where: name })),
    );
  }

  attach(sink: UsbSink): void {
    if (this.#sink !== undefined)
      throw new HalError('HAL_IN_USE', `${this.name} has its host side already`, { where: this.name });
    this.#sink = sink;
  }

  /** Gives the host side up, so that another may attach. */
  detach(): void {
    this.#sink = undefined;
  }

  submit(urb: Urb): void {
    if (this.#over === 'closed') throw new HalError('HAL_CLOSED', `${this.name} is closed`, { where: this.name });
    checkUrb(urb, this.name);
    urb.status = URB_STATUS.inProgress;
    urb.actualLength = 0;
    if (this.#over === 'lost') {
      this.#refuse(urb);
      return;
    }
    const seqnum = this.#nextSeqnum();
    this.#inFlight.set(seqnum, urb);
    const message = this.#message(COMMAND.submit, seqnum);
    message.setUint32(FIELD.direction, urb.inbound ? DIRECTION_IN : 0);
    message.setUint32(FIELD.endpoint, urb.endpointAddress & 0x0f);
    message.setUint32(FIELD.first, urb.flags);
    message.setUint32(FIELD.length, urb.length);
    message.setUint32(FIELD.packets, NOT_ISOCHRONOUS);
    message.setUint32(FIELD.interval, urb.interval);
    for (let i = 0; i < urb.setup.length; i++) message.setUint8(FIELD.setup + i, urb.setup[i]);
    const head = new Uint8Array(message.buffer);
    this.#socket.write(
      urb.inbound || urb.length === 0 ? head : Buffer.concat([head, urb.data.subarray(0, urb.length)]),
    );
  }

  cancel(urb: Urb): void {
    for (const [seqnum, waiting] of this.#inFlight) {
      if (waiting !== urb) continue;
      const unlink = this.#nextSeqnum();
      this.#unlinks.set(unlink, seqnum);
      this.#expectAnswer();
      const message = this.#message(COMMAND.unlink, unlink);
      message.setUint32(FIELD.first, seqnum);
      this.#socket.write(new Uint8Array(message.buffer));
      return;
    }
  }

  /** USB/IP has no reset of its own: a server of Linux, and ours, resets the device at this hub request; others ignore it. */
  reset(): void {
    for (const urb of [...this.#inFlight.values()]) this.cancel(urb);
    if (this.#over !== undefined) return;
    const seqnum = this.#nextSeqnum();
    this.#resets.add(seqnum);
    const message = this.#message(COMMAND.submit, seqnum);
    message.setUint32(FIELD.packets, NOT_ISOCHRONOUS);
    message.setUint8(FIELD.setup, RESET.bmRequestType);
    message.setUint8(FIELD.setup + 1, RESET.setFeature);
    message.setUint8(FIELD.setup + 2, RESET.portReset);
    this.#socket.write(new Uint8Array(message.buffer));
  }

  close(): void {
    if (this.#over === 'closed') return;
    this.#over = 'closed';
    this.#clock.cancel(this.#overdue);
    this.#completeAll();
    this.#socket.destroy();
  }

  #read(): void {
    while (this.#over === undefined) {
      const head = this.#stream.peek(MESSAGE_BYTES);
      if (head === undefined) return;
      const view = new DataView(head.buffer, head.byteOffset, MESSAGE_BYTES);
      const command = view.getUint32(FIELD.command);
      const seqnum = view.getUint32(FIELD.seqnum);
      const status = view.getInt32(FIELD.first);
      if (command === COMMAND.returnUnlink) {
        this.#stream.take(MESSAGE_BYTES);
        this.#unlinked(seqnum, status);
      } else if (command === COMMAND.returnSubmit) {
        if (!this.#returned(seqnum, status, view.getUint32(FIELD.length))) return;
      } else this.#breach(`the command ${command}, which there is not`);
    }
  }

  /** False while the data are not there yet. */
  #returned(seqnum: number, status: number, actualLength: number): boolean {
    const urb = this.#inFlight.get(seqnum);
    if (urb === undefined) {
      this.#stream.take(MESSAGE_BYTES);
      // Whether data follow is known only of a transfer that was submitted.
      if (!this.#resets.delete(seqnum)) this.#breach(`a return for ${seqnum}, which is not in flight`);
      return true;
    }
    if (actualLength > Math.min(urb.length, MOST_TRANSFER_BYTES)) {
      this.#breach(`${actualLength} bytes for a transfer of ${urb.length}`);
      return true;
    }
    const dataBytes = urb.inbound ? actualLength : 0;
    if (this.#stream.peek(MESSAGE_BYTES + dataBytes) === undefined) return false;
    this.#stream.take(MESSAGE_BYTES);
    urb.data.set(this.#stream.take(dataBytes));
    this.#complete(seqnum, urb, status, actualLength);
    return true;
  }

  #unlinked(unlink: number, status: number): void {
    const seqnum = this.#unlinks.get(unlink);
    this.#unlinks.delete(unlink);
    if (this.#unlinks.size === 0) this.#clock.cancel(this.#overdue);
    else this.#expectAnswer();
    const urb = seqnum === undefined ? undefined : this.#inFlight.get(seqnum);
    // Status 0: it had completed, and its return came or comes by itself.
    if (seqnum !== undefined && urb !== undefined && status !== 0) this.#complete(seqnum, urb, URB_STATUS.unlinked, 0);
  }

  #complete(seqnum: number, urb: Urb, status: number, actualLength: number): void {
    this.#inFlight.delete(seqnum);
    urb.status = status > 0 || status === URB_STATUS.inProgress ? URB_STATUS.protocol : status;
    urb.actualLength = actualLength;
    this.#sink?.completed(urb);
  }

  #completeAll(): void {
    for (const [seqnum, urb] of [...this.#inFlight]) this.#complete(seqnum, urb, URB_STATUS.shutdown, 0);
  }

  /** From the latest sign of life on. */
  #expectAnswer(): void {
    this.#clock.schedule(this.#overdue, this.#clock.now() + this.#timeoutMs * NS_PER_MS);
  }

  #timedOut(): HalError {
    return new HalError(
      'HAL_TIMEOUT',
      `the server of ${this.name} takes no transfer back within ${this.#timeoutMs} ms`,
      {
        where: this.name,
        hint: 'Start the server again, and attach anew.',
      },
    );
  }

  #breach(what: string): void {
    this.#lose(new HalError('HAL_IO', `the server of ${this.name} sent ${what}`, { where: this.name }));
  }

  #lose(error: HalError): void {
    if (this.#over !== undefined) return;
    this.#over = 'lost';
    this.#clock.cancel(this.#overdue);
    this.#completeAll();
    this.#socket.destroy();
    this.#sink?.disconnected(error);
  }

  #refuse(urb: Urb): void {
    if (this.#refused.length === 0)
      queueMicrotask(() => {
        const refused = this.#refused;
        this.#refused = [];
        for (const each of refused) {
          each.status = URB_STATUS.noDevice;
          this.#sink?.completed(each);
        }
      });
    this.#refused.push(urb);
  }

  #nextSeqnum(): number {
    this.#seqnum = (this.#seqnum + 1) >>> 0 || 1;
    return this.#seqnum;
  }

  #message(command: number, seqnum: number): DataView {
    const view = new DataView(new ArrayBuffer(MESSAGE_BYTES));
    view.setUint32(FIELD.command, command);
    view.setUint32(FIELD.seqnum, seqnum);
    view.setUint32(FIELD.devid, this.#devid);
    return view;
  }
}
