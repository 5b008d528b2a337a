/** One attached device: its peer's URBs to the port, their completions back. */

import type { Socket } from 'node:net';
import { ENDPOINT_IN, TRANSFER_TYPE, URB_STATUS, Urb } from '../../base/index.js';
import { HalError } from '../errors.js';
import { EndpointTable } from '../usb/endpoint-table.js';
import type { UsbPort } from '../usb/usb-port.js';
import type { ByteStream } from './byte-stream.js';
import { COMMAND, DIRECTION_IN, FIELD, MESSAGE_BYTES, MOST_TRANSFER_BYTES, NOT_ISOCHRONOUS } from './protocol.js';

/** More URBs than this never wait for one device, nor more bytes of them: the peer has lost its pacing. */
const MOST_URBS = 1024;
const MOST_BYTES = 64 << 20;
/** A peer that leaves so much unread is not listened to until it has read it. */
const MOST_UNSENT_BYTES = 4 << 20;
/** How long a peer that was told goodbye may take to read what is left for it. */
const GOODBYE_MS = 10_000;
const MOST_ENDPOINT = 15;

export class Attachment {
  readonly #socket: Socket;
  readonly #stream: ByteStream;
  readonly #port: UsbPort;
  readonly #ended: (why: string) => void;
  readonly #table: EndpointTable;
  /** By seqnum: those the port has. */
  readonly #inFlight = new Map<number, Urb>();
  /** By seqnum of a URB that is taken back: the UNLINK that waits for its end. */
  readonly #unlinks = new Map<number, number>();
  #bytes = 0;
  #over = false;
  #paused = false;

  constructor(socket: Socket, stream: ByteStream, port: UsbPort, ended: (why: string) => void) {
    this.#socket = socket;
    this.#stream = stream;
    this.#port = port;
    this.#ended = ended;
    this.#table = new EndpointTable(port.description);
  }

  /** Listens to the peer, whose first messages may be there already. */
  start(): void {
    this.#socket.on('data', (piece) => {
      if (this.#over) return;
      this.#stream.push(piece);
      this.#read();
    });
    this.#socket.once('close', () => this.end('the connection was closed'));
    this.#read();
  }

  /** Ends the connection; what is in flight is taken back. */
  end(why: string): void {
    if (this.#over) return;
    this.#over = true;
    for (const urb of [...this.#inFlight.values()]) this.#port.cancel(urb);
    this.#socket.setTimeout(GOODBYE_MS, () => this.#socket.destroy());
    this.#socket.resume();
    this.#socket.destroySoon();
    this.#ended(why);
  }

  completed(urb: Urb): void {
    // What an earlier peer left may end now, under a seqnum that this one uses too.
    if (this.#inFlight.get(urb.id) !== urb) return;
    this.#inFlight.delete(urb.id);
    this.#bytes -= urb.length;
    if (urb.transferType === TRANSFER_TYPE.control && urb.status === URB_STATUS.ok) this.#table.accepted(urb.setup);
    const unlink = this.#unlinks.get(urb.id);
    this.#unlinks.delete(urb.id);
    if (this.#over) return;
    // An UNLINK's answer has no room for bytes: a transfer that brought some returns by itself, as if it had been too late.
    const isTakenBack = unlink !== undefined && urb.status === URB_STATUS.unlinked && urb.actualLength === 0;
    if (!isTakenBack) this.#return(urb);
    if (unlink !== undefined) this.#returnUnlink(unlink, isTakenBack ? URB_STATUS.unlinked : URB_STATUS.ok);
  }

  #read(): void {
    while (!this.#over && !this.#paused) {
      const head = this.#stream.peek(MESSAGE_BYTES);
      if (head === undefined) return;
      const view = new DataView(head.buffer, head.byteOffset, MESSAGE_BYTES);
      const command = view.getUint32(FIELD.command);
      if (command === COMMAND.unlink) {
        const [seqnum, unlinked] = [view.getUint32(FIELD.seqnum), view.getUint32(FIELD.first)];
        this.#stream.take(MESSAGE_BYTES);
        this.#unlink(seqnum, unlinked);
      } else if (command !== COMMAND.submit) {
        this.end(`its peer sent the command ${command}, which there is not`);
      } else if (!this.#submit(view)) return;
    }
  }

  /** False while the transfer's data are not there yet. */
  #submit(view: DataView): boolean {
    const isIn = view.getUint32(FIELD.direction) === DIRECTION_IN;
    const length = view.getUint32(FIELD.length);
    const packets = view.getUint32(FIELD.packets);
    if (length > MOST_TRANSFER_BYTES || this.#bytes + length > MOST_BYTES || this.#inFlight.size >= MOST_URBS) {
      this.end(
        `its peer asked for more than is served: a transfer of ${length} bytes beside ${this.#inFlight.size} others`,
      );
      return true;
    }
    if (packets !== 0 && packets !== NOT_ISOCHRONOUS) {
      this.end('its peer submitted an isochronous transfer, which is not supported');
      return true;
    }
    if (view.getUint32(FIELD.endpoint) > MOST_ENDPOINT) {
      this.end(`its peer named the endpoint ${view.getUint32(FIELD.endpoint)}, which there cannot be`);
      return true;
    }
    const dataBytes = isIn ? 0 : length;
    if (this.#stream.peek(MESSAGE_BYTES + dataBytes) === undefined) return false;
    const urb = this.#urbOf(view, isIn, length);
    this.#stream.take(MESSAGE_BYTES);
    urb.data = isIn ? new Uint8Array(length) : this.#stream.take(dataBytes).slice();
    if (isPortReset(urb)) this.#reset(urb);
    else this.#start(urb);
    return true;
  }

  #urbOf(view: DataView, isIn: boolean, length: number): Urb {
    const urb = new Urb();
    urb.id = view.getUint32(FIELD.seqnum);
    urb.endpointAddress = (view.getUint32(FIELD.endpoint) & 0x0f) | (isIn ? ENDPOINT_IN : 0);
    urb.transferType = this.#table.typeOf(urb.endpointAddress) ?? TRANSFER_TYPE.bulk;
    urb.flags = view.getUint32(FIELD.first);
    urb.interval = view.getUint32(FIELD.interval);
    urb.length = length;
    for (let i = 0; i < urb.setup.length; i++) urb.setup[i] = view.getUint8(FIELD.setup + i);
    return urb;
  }

  #start(urb: Urb): void {
    if (this.#inFlight.has(urb.id)) {
      this.end(`its peer used the seqnum ${urb.id} twice`);
      return;
    }
    this.#inFlight.set(urb.id, urb);
    this.#bytes += urb.length;
    try {
      this.#port.submit(urb);
    } catch (error) {
      if (!(error instanceof HalError)) throw error;
      this.#inFlight.delete(urb.id);
      this.#bytes -= urb.length;
      urb.status = error.code === 'HAL_CLOSED' ? URB_STATUS.noDevice : URB_STATUS.invalid;
      urb.actualLength = 0;
      this.#return(urb);
    }
  }

  /** As Linux' server does at this request, which a device itself never sees. */
  #reset(urb: Urb): void {
    this.#port.reset();
    this.#table.configure(0);
    urb.status = URB_STATUS.ok;
    this.#return(urb);
  }

  /** -ECONNRESET and no RET_SUBMIT when it was still there, 0 when it had completed. */
  #unlink(seqnum: number, unlinked: number): void {
    const urb = this.#inFlight.get(unlinked);
    if (urb === undefined || this.#unlinks.has(unlinked)) {
      this.#returnUnlink(seqnum, URB_STATUS.ok);
      return;
    }
    this.#unlinks.set(unlinked, seqnum);
    this.#port.cancel(urb);
  }

  #returnUnlink(seqnum: number, status: number): void {
    const message = messageOf(COMMAND.returnUnlink, seqnum);
    message.setInt32(FIELD.first, status);
    this.#send(new Uint8Array(message.buffer));
  }

  #return(urb: Urb): void {
    const message = messageOf(COMMAND.returnSubmit, urb.id);
    message.setInt32(FIELD.first, urb.status);
    message.setUint32(FIELD.length, urb.actualLength);
    const head = new Uint8Array(message.buffer);
    const data = urb.inbound ? urb.data.subarray(0, urb.actualLength) : new Uint8Array(0);
    this.#send(data.length === 0 ? head : Buffer.concat([head, data]));
  }

  #send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
    if (this.#paused || this.#socket.writableLength < MOST_UNSENT_BYTES) return;
    this.#paused = true;
    this.#socket.pause();
    this.#socket.once('drain', () => {
      this.#paused = false;
      this.#socket.resume();
      this.#read();
    });
  }
}

/** SET_FEATURE(PORT_RESET) to a hub's port (USB 2.0, table 11-17). */
function isPortReset({ transferType, setup }: Urb): boolean {
  return transferType === TRANSFER_TYPE.control && setup[0] === 0x23 && setup[1] === 3 && setup[2] === 4;
}

/** A return: device, direction and endpoint are 0, as the peer knows them by the seqnum. */
function messageOf(command: number, seqnum: number): DataView {
  const view = new DataView(new ArrayBuffer(MESSAGE_BYTES));
  view.setUint32(FIELD.command, command);
  view.setUint32(FIELD.seqnum, seqnum);
  return view;
}
