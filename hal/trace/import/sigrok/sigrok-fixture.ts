/** Makes sigrok sessions for tests: ZIP archives, and the waveforms of serial lines and USB cables. */

import { crc32, deflateRawSync } from 'node:zlib';
import { parityBit } from '../../../serial/line-settings.js';
import type { LineSettings } from '../../../serial/serial-port.js';
import { USB_BIT_RATE, type UsbWireSpeed } from './usb-line-decoder.js';
import { crc5, crc16, PID } from './usb-packet.js';

export interface FixtureEntry {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** What the headers claim it has, when they lie. */
  readonly claimedSize?: number;
  readonly method?: number;
}

function header(signature: number, entry: FixtureEntry, packed: Uint8Array, offset: number): Buffer {
  const central = signature === 0x02014b50;
  const name = Buffer.from(entry.name);
  const head = Buffer.alloc(central ? 46 : 30);
  const at = central ? 2 : 0;
  head.writeUInt32LE(signature, 0);
  if (central) head.writeUInt16LE(20, 4);
  head.writeUInt16LE(20, 4 + at);
  head.writeUInt16LE(entry.method ?? 8, 8 + at);
  head.writeUInt32LE(crc32(entry.bytes), 14 + at);
  head.writeUInt32LE(packed.length, 18 + at);
  head.writeUInt32LE(entry.claimedSize ?? entry.bytes.length, 22 + at);
  head.writeUInt16LE(name.length, 26 + at);
  if (central) head.writeUInt32LE(offset, 42);
  return Buffer.concat([head, name]);
}

/** A ZIP archive; entries are deflated unless they name another method. */
export function zipOf(entries: readonly FixtureEntry[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const entry of entries) {
    const packed = (entry.method ?? 8) === 8 ? deflateRawSync(entry.bytes) : entry.bytes;
    const local = header(0x04034b50, entry, packed, 0);
    directory.push(header(0x02014b50, entry, packed, offset));
    parts.push(local, packed);
    offset += local.length + packed.length;
  }
  const size = directory.reduce((sum, bytes) => sum + bytes.length, 0);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(offset, 16);
  return Uint8Array.from(Buffer.concat([...parts, ...directory, end]));
}

export function metadataText(sampleRate: string, probes: readonly string[], unitSize = 1): string {
  const names = probes.map((name, i) => `probe${i + 1}=${name}`);
  return ['[global]', 'sigrok version=0.5.2', '', '[device 1]', 'capturefile=logic-1', `samplerate=${sampleRate}`]
    .concat(`total probes=${probes.length}`, names, `unitsize=${unitSize}`, '')
    .join('\n');
}

/** A session of chunks of at most `chunkBytes` bytes. */
export function sessionOf(
  samples: Uint8Array,
  sampleRate: string,
  probes: readonly string[],
  { unitSize = 1, chunkBytes = 65_536 } = {},
): Uint8Array {
  const entries: FixtureEntry[] = [
    { name: 'version', bytes: Buffer.from('2') },
    { name: 'metadata', bytes: Buffer.from(metadataText(sampleRate, probes, unitSize)) },
  ];
  for (let at = 0, number = 1; at < samples.length; at += chunkBytes, number++)
    entries.push({ name: `logic-1-${number}`, bytes: samples.slice(at, at + chunkBytes) });
  return zipOf(entries);
}

/** Lines drawn over time; times are seconds, levels go into one byte a sample. */
export class Waveform {
  readonly #edges: { time: number; bit: number; level: number }[] = [];

  edge(time: number, bit: number, level: number): void {
    this.#edges.push({ time, bit, level });
  }

  /** Draws one character that begins at `time`; answers when it is over. `stop`: level of the stop bit, 0 for a framing error. */
  character(time: number, bit: number, line: LineSettings, value: number, { stop = 1, inverted = 0 } = {}): number {
    const bits = [0];
    for (let i = 0; i < line.dataBits; i++) bits.push((value >> i) & 1);
    const parity = parityBit(line, value);
    if (parity >= 0) bits.push(parity);
    bits.push(stop);
    for (const [i, level] of bits.entries()) this.edge(time + i / line.baudRate, bit, level ^ inverted);
    const end = time + (bits.length - 1 + line.stopBits) / line.baudRate;
    this.edge(end, bit, 1 ^ inverted);
    return end;
  }

  /** `seconds` of samples, one byte each; `initial`: the levels before the first edge. */
  sample(sampleRate: number, seconds: number, initial: number): Uint8Array {
    const edges = this.#edges.map((edge, i) => ({ ...edge, i })).sort((a, b) => a.time - b.time || a.i - b.i);
    const samples = new Uint8Array(Math.ceil(seconds * sampleRate));
    let levels = initial;
    let next = 0;
    for (let i = 0; i < samples.length; i++) {
      for (; next < edges.length && edges[next].time * sampleRate <= i; next++)
        levels = (levels & ~(1 << edges[next].bit)) | (edges[next].level << edges[next].bit);
      samples[i] = levels;
    }
    return samples;
  }
}

/** Draws the packets of a USB cable on bits 0 (D+) and 1 (D-) of a waveform. */
export class UsbWaveform {
  readonly waveform: Waveform;
  readonly #speed: UsbWireSpeed;
  readonly #skew: number;
  readonly #bit: number;
  time: number;

  /** `skewNs`: how much later D- changes. `clockError`: relative, of the sender. */
  constructor(waveform: Waveform, speed: UsbWireSpeed, startTime: number, { skewNs = 0, clockError = 0 } = {}) {
    this.waveform = waveform;
    this.#speed = speed;
    this.#skew = skewNs / 1e9;
    this.#bit = 1 / (USB_BIT_RATE[speed] * (1 + clockError));
    this.time = startTime;
    this.#lines('J');
  }

  pause(seconds: number): void {
    this.time += seconds;
  }

  /** Both lines low, as a host resets. */
  reset(seconds: number): void {
    this.#lines('0');
    this.time += seconds;
    this.#lines('J');
    this.time += 5e-6;
  }

  /** A packet of `bytes` with SYNC, stuffing and EOP; `stuffing` false leaves the stuffed bits out. */
  packet(bytes: readonly number[] | Uint8Array, { stuffing = true } = {}): void {
    let state: 'J' | 'K' = 'J';
    let ones = 0;
    const send = (bit: number): void => {
      if (bit === 0) state = state === 'J' ? 'K' : 'J';
      this.#lines(state);
      this.time += this.#bit;
    };
    for (const bit of [0, 0, 0, 0, 0, 0, 0, 1]) send(bit);
    ones = 1;
    for (const byte of bytes)
      for (let i = 0; i < 8; i++) {
        const bit = (byte >> i) & 1;
        send(bit);
        ones = bit === 1 ? ones + 1 : 0;
        if (ones < 6) continue;
        if (stuffing) send(0);
        ones = 0;
      }
    this.#lines('0');
    this.time += 2 * this.#bit;
    this.#lines('J');
    this.time += 4 * this.#bit;
  }

  token(pid: number, address: number, endpoint: number): void {
    const field = address | (endpoint << 7);
    const bits = field | (crc5(field) << 11);
    this.packet([pid, bits & 0xff, bits >> 8]);
  }

  data(toggle: number, bytes: ArrayLike<number>): void {
    const payload = Uint8Array.from(bytes);
    const crc = crc16(payload, 0, payload.length);
    this.packet([toggle === 0 ? PID.data0 : PID.data1, ...payload, crc & 0xff, crc >> 8]);
  }

  handshake(pid: number): void {
    this.packet([pid]);
  }

  /** A whole control transfer to the host, its data in packets of `packetSize`. */
  controlIn(address: number, setup: readonly number[], data: Uint8Array, packetSize: number): void {
    this.token(PID.setup, address, 0);
    this.data(0, setup);
    this.handshake(PID.ack);
    let toggle = 1;
    for (let at = 0; at < data.length; at += packetSize, toggle ^= 1) {
      this.token(PID.in, address, 0);
      this.data(toggle, data.subarray(at, at + packetSize));
      this.handshake(PID.ack);
    }
    this.token(PID.out, address, 0);
    this.data(1, []);
    this.handshake(PID.ack);
  }

  /** A whole control transfer without data to the host. */
  controlOut(address: number, setup: readonly number[], data: readonly number[] = []): void {
    this.token(PID.setup, address, 0);
    this.data(0, setup);
    this.handshake(PID.ack);
    if (data.length > 0) {
      this.token(PID.out, address, 0);
      this.data(1, data);
      this.handshake(PID.ack);
    }
    this.token(PID.in, address, 0);
    this.data(1, []);
    this.handshake(PID.ack);
  }

  #lines(state: 'J' | 'K' | '0'): void {
    const high = (state === 'J') === (this.#speed === 'full');
    this.waveform.edge(this.time, 0, state === '0' ? 0 : high ? 1 : 0);
    this.waveform.edge(this.time + this.#skew, 1, state === '0' ? 0 : high ? 0 : 1);
  }
}
