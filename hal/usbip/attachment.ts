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

export class Attachment {
  readonly #socket: Socket;
  readonly #stream: ByteStream;
  readonly #port: UsbPort;
  readonly #ended: (why: string) => void;
  readonly #table: EndpointTable;
  /** By seqnum: those the port has. */
  readonly #inFlight = new Map<number, Urb>();
  /** Seqnums that were unlinked: their completions are not told. */
  readonly #unlinked = new Set<number>();
  #bytes = 0;
  #over = false;

  constructor(socket: Socket, stream: ByteStream, port: UsbPort, ended: (why: string) => void) {
    this.#socket = socket;
    this.#stream = stream;
    this.#port = port;
    this.#ended = ended;
    this.#table = new EndpointTable(port.description);
    socket.on('data', (piece) => {
      stream.push(piece);
      this.#read();
    });
    socket.once('close', () => this.end('the connection was closed'));
    this.#read();
  }

  /** Ends the connection; what is in flight is taken back. */
  end(why: string): void {
    if (this.#over) return;
    this.#over = true;
    for (const urb of [...this.#inFlight.values()]) this.#port.cancel(urb);
    this.#socket.end();
    this.#socket.destroySoon();
    this.#ended(why);
  }

  completed(urb: Urb): void {
    if (!this.#inFlight.delete(urb.id)) return;
    this.#bytes -= urb.length;
    if (urb.transferType === TRANSFER_TYPE.control && urb.status === URB_STATUS.ok) this.#table.accepted(urb.setup);
    if (this.#unlinked.delete(urb.id) || this.#over) return;
    this.#return(urb);
  }

  #read(): void {
    while (!this.#over) {
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
    const dataBytes = isIn ? 0 : length;
    if (this.#stream.peek(MESSAGE_BYTES + dataBytes) === undefined) return false;
    const urb = this.#urbOf(view, isIn, length);
    this.#stream.take(MESSAGE_BYTES);
    urb.data = isIn ? new Uint8Array(length) : this.#stream.take(dataBytes).slice();
    this.#start(urb);
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

  /** -ECONNRESET and no RET_SUBMIT when it was still there, 0 when it had completed. */
  #unlink(seqnum: number, unlinked: number): void {
    const urb = this.#inFlight.get(unlinked);
    if (urb !== undefined) {
      this.#unlinked.add(unlinked);
      this.#port.cancel(urb);
    }
    const message = messageOf(COMMAND.returnUnlink, seqnum);
    message.setInt32(FIELD.first, urb === undefined ? URB_STATUS.ok : URB_STATUS.unlinked);
    this.#socket.write(new Uint8Array(message.buffer));
  }

  #return(urb: Urb): void {
    const message = messageOf(COMMAND.returnSubmit, urb.id);
    message.setInt32(FIELD.first, urb.status);
    message.setUint32(FIELD.length, urb.actualLength);
    const head = new Uint8Array(message.buffer);
    const data = urb.inbound ? urb.data.subarray(0, urb.actualLength) : new Uint8Array(0);
    this.#socket.write(data.length === 0 ? head : Buffer.concat([head, data]));
  }
}

/** A return: device, direction and endpoint are 0, as the peer knows them by the seqnum. */
function messageOf(command: number, seqnum: number): DataView {
  const view = new DataView(new ArrayBuffer(MESSAGE_BYTES));
  view.setUint32(FIELD.command, command);
  view.setUint32(FIELD.seqnum, seqnum);
  return view;
}
