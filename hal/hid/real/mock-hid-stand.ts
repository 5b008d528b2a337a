/** What tests of the real HID binding stand on: a made-up sysfs with one device, whose node is a socket that a test answers. */

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { RealHidOptions } from './real-hid.js';

export const MOCK_HID = { vendorId: 0x1209, productId: 0x0002 } as const;

/** Feature report that keeps what it is told. */
export const MOCK_FEATURE = { id: 3, bytes: 16 } as const;

export interface MockRequest {
  readonly id: number;
  readonly op: 'write' | 'sendFeature' | 'getFeature';
  readonly bytes: readonly number[];
}

/** An input report, or what became of a request. */
export type MockAnswer =
  | { readonly report: readonly number[] }
  | { readonly id: number; readonly bytes: readonly number[] }
  | { readonly id: number; readonly failed: string };

const PORT_PATH = '1-1.2';
const hex8 = (id: number): string => id.toString(16).toUpperCase().padStart(8, '0');

export class MockHidStand {
  /** Output reports as they cross the wire. */
  readonly received: Uint8Array[] = [];
  readonly folder = mkdtempSync(join(tmpdir(), 'mock-hid-'));
  readonly path = join(this.folder, 'dev/hidraw0');
  readonly #device = join(this.folder, `sys/devices/usb1/${PORT_PATH}/${PORT_PATH}:1.0/0003:1209:0002.0001`);
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #feature: readonly number[] = [MOCK_FEATURE.id, ...new Array<number>(MOCK_FEATURE.bytes).fill(0)];

  constructor() {
    const device = this.#device;
    mkdirSync(device, { recursive: true });
    const ids = `0003:${hex8(MOCK_HID.vendorId)}:${hex8(MOCK_HID.productId)}`;
    writeFileSync(join(device, 'uevent'), `HID_ID=${ids}\nHID_NAME=Mock\nHID_UNIQ=M1\n`);
    mkdirSync(join(this.folder, 'sys/class/hidraw/hidraw0'), { recursive: true });
    symlinkSync(device, join(this.folder, 'sys/class/hidraw/hidraw0/device'));
    mkdirSync(join(this.folder, 'dev'));
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /** A second node with the same ids. */
  addTwin(): void {
    const node = join(this.folder, 'sys/class/hidraw/hidraw1');
    mkdirSync(node);
    symlinkSync(this.#device, join(node, 'device'));
  }

  /** No permission to open the device, until it is given. */
  deny(): void {
    writeFileSync(`${this.path}.denied`, '');
  }

  permit(): void {
    rmSync(`${this.path}.denied`);
  }

  hideHid(): void {
    rmSync(join(this.folder, 'sys/class'), { recursive: true });
  }

  get options(): RealHidOptions {
    return {
      nativeModule: new URL('./mock-native-hid.js', import.meta.url).href,
      sysfs: join(this.folder, 'sys'),
      dev: join(this.folder, 'dev'),
      locks: join(this.folder, 'locks'),
    };
  }

  /** The device is there from then on. */
  plug(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(this.path, resolve));
  }

  /** Sends input reports, all at once. */
  send(...reports: readonly Uint8Array[]): void {
    const lines = reports.map((report) => `${JSON.stringify({ report: [...report] })}\n`).join('');
    for (const socket of this.#sockets) socket.write(lines);
  }

  unplug(): void {
    for (const socket of this.#sockets) socket.destroySoon();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.folder, { recursive: true, force: true });
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    socket.write('\n');
    const lines = createInterface({ input: socket });
    // A client that is killed resets the connection; the interface tells that once more.
    lines.on('error', () => {});
    lines.on('line', (line) => {
      const request = JSON.parse(line) as MockRequest;
      const answer = this.#answer(request);
      socket.write(`${JSON.stringify({ id: request.id, ...answer })}\n`);
    });
  }

  /** As Linux' hidraw: an id of 0 does not cross the wire, and a request that the device stalls is a broken pipe. */
  #answer({ op, bytes }: MockRequest): { bytes: readonly number[] } | { failed: string } {
    if (op === 'write') {
      this.received.push(Uint8Array.from(bytes[0] === 0 ? bytes.slice(1) : bytes));
      return { bytes: [] };
    }
    if (bytes[0] !== MOCK_FEATURE.id) return { failed: 'could not get feature report from device: Broken pipe' };
    if (op === 'getFeature') return { bytes: this.#feature.slice(0, bytes[1]) };
    this.#feature = bytes;
    return { bytes: [] };
  }
}
