/** A peer of USB/IP for tests, which writes its bytes by hand: by the layouts of Linux' Documentation/usb/usbip_protocol.rst. */

import { connect, type Socket } from 'node:net';
import { ByteStream } from './byte-stream.js';

export interface SubmitFields {
  readonly seqnum: number;
  readonly inbound: boolean;
  readonly endpoint: number;
  readonly length: number;
  readonly setup?: readonly number[];
  readonly data?: Uint8Array;
}

/** USBIP_CMD_SUBMIT, field by field, with the data behind it. */
export function submitBytes({ seqnum, inbound, endpoint, length, setup = [], data }: SubmitFields): Uint8Array {
  const bytes = Buffer.alloc(48 + (data?.length ?? 0));
  bytes.writeUInt32BE(1, 0x00);
  bytes.writeUInt32BE(seqnum, 0x04);
  bytes.writeUInt32BE(0x0001_0002, 0x08);
  bytes.writeUInt32BE(inbound ? 1 : 0, 0x0c);
  bytes.writeUInt32BE(endpoint, 0x10);
  bytes.writeUInt32BE(length, 0x18);
  bytes.writeUInt32BE(0xffff_ffff, 0x20);
  bytes.set(setup, 0x28);
  if (data !== undefined) bytes.set(data, 48);
  return bytes;
}

/** USBIP_CMD_UNLINK. */
export function unlinkBytes(seqnum: number, unlinked: number): Uint8Array {
  const bytes = Buffer.alloc(48);
  bytes.writeUInt32BE(2, 0x00);
  bytes.writeUInt32BE(seqnum, 0x04);
  bytes.writeUInt32BE(0x0001_0002, 0x08);
  bytes.writeUInt32BE(unlinked, 0x14);
  return bytes;
}

/** OP_REQ_IMPORT. */
export function importBytes(busid: string): Uint8Array {
  const bytes = Buffer.alloc(40);
  bytes.set([0x01, 0x11, 0x80, 0x03]);
  bytes.write(busid, 8, 'latin1');
  return bytes;
}

/** OP_REQ_DEVLIST. */
export const LIST_BYTES = Uint8Array.of(0x01, 0x11, 0x80, 0x05, 0, 0, 0, 0);

export const SET_CONFIGURATION_1 = [0x00, 9, 1, 0, 0, 0, 0, 0] as const;

/** A return without its data. */
export interface Returned {
  readonly command: number;
  readonly seqnum: number;
  readonly status: number;
  readonly actualLength: number;
}

export class RawPeer {
  readonly #stream = new ByteStream();
  #waiting: (() => void) | undefined;
  #closed = false;

  private constructor(readonly socket: Socket) {
    socket.on('data', (piece) => {
      this.#stream.push(piece);
      this.#waiting?.();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#closed = true;
      this.#waiting?.();
    });
  }

  static open(port: number): Promise<RawPeer> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new RawPeer(socket)));
      socket.once('error', reject);
    });
  }

  /** Attaches `busid`; answers the 0x140 bytes of OP_REP_IMPORT. */
  static async attach(port: number, busid = '1-1'): Promise<RawPeer> {
    const peer = await RawPeer.open(port);
    peer.write(importBytes(busid));
    await peer.bytes(0x140);
    return peer;
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** The next `length` bytes; rejects when the connection ends before. */
  async bytes(length: number): Promise<Buffer> {
    while (this.#stream.length < length) {
      if (this.#closed) throw new Error(`the connection ended with ${this.#stream.length} of ${length} bytes there`);
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
    return Buffer.from(this.#stream.take(length));
  }

  async returned(): Promise<Returned> {
    const head = await this.bytes(48);
    return {
      command: head.readUInt32BE(0),
      seqnum: head.readUInt32BE(4),
      status: head.readInt32BE(0x14),
      actualLength: head.readUInt32BE(0x18),
    };
  }

  async closed(): Promise<void> {
    while (!this.#closed)
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
  }
}
