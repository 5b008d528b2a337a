/** What tests of the network stand on: a card that keeps frames, a guest that builds its own, and a capture of both. */

import { createRandom, type Random, VirtualClock } from '../../base/index.js';
import type { NetworkBackend, NetworkFrontend } from '../devices/network.js';
import type { TcpConnector, TcpHandlers, TcpStream } from './tcp-connector.js';
import { UserNetwork } from './user-network.js';

export const GUEST_MAC = '525400123456';
export const GATEWAY_MAC = '52550a000202';
export const DNS_MAC = '52550a000203';
export const GUEST_IP = [10, 0, 2, 15];
export const GATEWAY_IP = [10, 0, 2, 2];
export const DNS_IP = [10, 0, 2, 3];

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
export const fromHex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
export const u16 = (value: number): number[] => [(value >> 8) & 0xff, value & 0xff];
export const u32 = (value: number): number[] => [...u16(value >>> 16), ...u16(value)];

/** The checksum as RFC 1071 defines it, written apart from the one under test. */
export function checksumOf(bytes: readonly number[]): number {
  let sum = 0;
  bytes.forEach((byte, i) => {
    sum += i % 2 === 0 ? byte * 256 : byte;
    sum = sum > 0xffff ? sum - 0xffff : sum;
  });
  return 0xffff - sum;
}

export function ethernet(destination: string, type: number, payload: readonly number[]): Uint8Array {
  return Uint8Array.from([...fromHex(destination), ...fromHex(GUEST_MAC), ...u16(type), ...payload]);
}

export function ipv4(
  protocol: number,
  source: readonly number[],
  target: readonly number[],
  payload: readonly number[],
) {
  const header = [0x45, 0, ...u16(20 + payload.length), 0, 7, 0, 0, 64, protocol, 0, 0, ...source, ...target];
  header.splice(10, 2, ...u16(checksumOf(header)));
  return [...header, ...payload];
}

/** Fills in a checksum that covers a pseudo-header, too. */
export function withChecksum(
  protocol: number,
  source: readonly number[],
  target: readonly number[],
  at: number,
  bytes: readonly number[],
): number[] {
  const pseudo = [...source, ...target, 0, protocol, ...u16(bytes.length)];
  const sum = checksumOf([...pseudo, ...bytes]);
  return bytes.toSpliced(at, 2, ...u16(sum));
}

export function udp(
  target: readonly number[],
  port: number,
  payload: readonly number[],
  source: readonly number[] = GUEST_IP,
  from = 40000,
) {
  const datagram = [...u16(from), ...u16(port), ...u16(8 + payload.length), 0, 0, ...payload];
  return ipv4(17, source, target, withChecksum(17, source, target, 6, datagram));
}

export interface TestSegment {
  readonly from?: number;
  readonly to: number;
  readonly sequence: number;
  readonly acknowledgment?: number;
  readonly flags: number;
  readonly window?: number;
  readonly options?: readonly number[];
  readonly payload?: readonly number[];
}

export function tcp(segment: TestSegment): Uint8Array {
  const {
    from = 40000,
    to,
    sequence,
    acknowledgment = 0,
    flags,
    window = 0xffff,
    options = [],
    payload = [],
  } = segment;
  const offset = ((20 + options.length) / 4) << 4;
  const ports = [...u16(from), ...u16(to)];
  const bytes = [...ports, ...u32(sequence), ...u32(acknowledgment), offset, flags, ...u16(window), 0, 0, 0, 0];
  const all = withChecksum(6, GUEST_IP, GATEWAY_IP, 16, [...bytes, ...options, ...payload]);
  return ethernet(GATEWAY_MAC, 0x0800, ipv4(6, GUEST_IP, GATEWAY_IP, all));
}

/** A TCP segment to the guest, as read by the test. */
export function readTcp(frame: Uint8Array) {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  return {
    port: view.getUint16(36),
    sequence: view.getUint32(38),
    acknowledgment: view.getUint32(42),
    flags: frame[47],
    window: view.getUint16(48),
    payload: frame.slice(34 + (frame[46] >> 4) * 4),
  };
}

export const isTcp = (frame: Uint8Array): boolean => frame[12] === 8 && frame[13] === 0 && frame[23] === 6;

/** A card that the test empties, and a cable that can lose frames. */
export class TestCard implements NetworkFrontend {
  readonly frames: Uint8Array[] = [];
  /** Everything that was on the cable, lost or not, as (time, frame). */
  readonly captured: [number, Uint8Array][] = [];
  backend: NetworkBackend | undefined;
  /** Answers as a card without room. */
  full = false;
  loses: () => boolean = () => false;

  constructor(readonly clock: VirtualClock) {}

  attach(backend: NetworkBackend): void {
    this.backend = backend;
  }

  receive(frame: Uint8Array, length: number): boolean {
    if (this.full) return false;
    const copy = frame.slice(0, length);
    this.captured.push([this.clock.now(), copy]);
    if (!this.loses()) this.frames.push(copy);
    return true;
  }

  send(frame: Uint8Array): void {
    this.captured.push([this.clock.now(), frame]);
    if (!this.loses()) this.backend?.transmit(frame, frame.length);
  }

  take(): Uint8Array[] {
    return this.frames.splice(0);
  }
}

/** A host's end whose every move the test makes. */
export class TestStream implements TcpStream {
  readonly written: number[] = [];
  readonly calls: string[] = [];
  /** Bytes it still takes. */
  room = Number.POSITIVE_INFINITY;
  onWrite: (bytes: Uint8Array) => void = () => {};
  onEnd: () => void = () => {};
  onResume: () => void = () => {};

  constructor(
    readonly port: number,
    readonly handlers: TcpHandlers,
  ) {}

  write(bytes: Uint8Array, offset: number, length: number): number {
    const count = Math.min(length, this.room);
    const taken = bytes.slice(offset, offset + count);
    this.room -= count;
    for (const byte of taken) this.written.push(byte);
    this.onWrite(taken);
    return count;
  }

  end(): void {
    this.calls.push('end');
    this.onEnd();
  }

  reset(): void {
    this.calls.push('reset');
  }

  resume(): void {
    this.calls.push('resume');
    this.onResume();
  }
}

export class TestConnector implements TcpConnector {
  readonly streams: TestStream[] = [];
  accepts: (port: number) => boolean = () => true;

  connect(port: number, handlers: TcpHandlers): TcpStream | undefined {
    if (!this.accepts(port)) return undefined;
    const stream = new TestStream(port, handlers);
    this.streams.push(stream);
    return stream;
  }

  get last(): TestStream {
    const stream = this.streams.at(-1);
    if (stream === undefined) throw new Error('nothing was connected');
    return stream;
  }
}

/** A network with everything a test may want to look at. */
export class NetworkSetup {
  readonly clock = new VirtualClock();
  readonly card = new TestCard(this.clock);
  readonly connector = new TestConnector();
  readonly network: UserNetwork;

  constructor(hosts: ReadonlyMap<string, string> = new Map()) {
    const { clock, card, connector } = this;
    this.network = new UserNetwork({ clock, frontend: card, hosts, connector });
  }

  /** Sends a frame and returns what came back by the end of the instant. */
  ask(frame: Uint8Array): Uint8Array[] {
    this.card.send(frame);
    this.clock.advanceTo(this.clock.now());
    return this.card.take();
  }

  passMs(ms: number): Uint8Array[] {
    this.clock.advanceTo(this.clock.now() + ms * 1_000_000);
    return this.card.take();
  }
}

export function randomBytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256));
}

/** A capture file with Ethernet frames and nanoseconds (libpcap's format, version 2.4). */
export function pcapOf(captured: readonly [number, Uint8Array][]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2_3c4d, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65535, 16);
  header.writeUInt32LE(1, 20);
  const records = captured.flatMap(([ns, frame]) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(Math.floor(ns / 1e9), 0);
    record.writeUInt32LE(ns % 1e9, 4);
    record.writeUInt32LE(frame.length, 8);
    record.writeUInt32LE(frame.length, 12);
    return [record, Buffer.from(frame)];
  });
  return Buffer.concat([header, ...records]);
}

/** Loses one frame in `oneIn`, always the same ones for the same seed. */
export function lossOf(seed: string, oneIn: number): () => boolean {
  const random = createRandom(seed);
  return () => random.below(oneIn) === 0;
}
