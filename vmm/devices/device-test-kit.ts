/** What device tests stand on: RAM that refuses what lies outside it, a line and a backend that remember. */

import type { Random } from '../../base/index.js';
import type { InterruptLine, MmioDevice } from '../bus/mmio-device.js';
import type { CharacterBackend, CharacterLine } from './character.js';
import type { GuestRam } from './guest-ram.js';

/** RAM whose every access is checked: a device that leaves it fails the test with a RangeError. */
export class CheckedRam implements GuestRam {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  /** Calls of `write`, `writeU16` and `writeU32`: journal entries of a real machine. */
  writes = 0;

  constructor(
    readonly base: number,
    length: number,
  ) {
    this.bytes = new Uint8Array(length);
    this.#view = new DataView(this.bytes.buffer);
  }

  contains(gpa: number, length: number): boolean {
    return gpa >= this.base && gpa + length <= this.base + this.bytes.length;
  }

  read(gpa: number, target: Uint8Array, offset: number, length: number): void {
    const at = this.#check(gpa, length);
    if (offset + length > target.length) throw new RangeError(`${length} bytes do not fit behind offset ${offset}`);
    target.set(this.bytes.subarray(at, at + length), offset);
  }

  write(gpa: number, source: Uint8Array, offset: number, length: number): void {
    const at = this.#check(gpa, length);
    if (offset + length > source.length) throw new RangeError(`there are no ${length} bytes behind offset ${offset}`);
    this.bytes.set(source.subarray(offset, offset + length), at);
    this.writes++;
  }

  readU16(gpa: number): number {
    return this.#view.getUint16(this.#check(gpa, 2), true);
  }

  readU32(gpa: number): number {
    return this.#view.getUint32(this.#check(gpa, 4), true);
  }

  writeU16(gpa: number, value: number): void {
    this.#view.setUint16(this.#check(gpa, 2), value, true);
    this.writes++;
  }

  writeU32(gpa: number, value: number): void {
    this.#view.setUint32(this.#check(gpa, 4), value, true);
    this.writes++;
  }

  /** Writes as the guest does. */
  pokeU16(gpa: number, value: number): void {
    this.#view.setUint16(this.#check(gpa, 2), value, true);
  }

  pokeU32(gpa: number, value: number): void {
    this.#view.setUint32(this.#check(gpa, 4), value, true);
  }

  poke(gpa: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, this.#check(gpa, bytes.length));
  }

  peek(gpa: number, length: number): Uint8Array {
    const at = this.#check(gpa, length);
    return this.bytes.slice(at, at + length);
  }

  #check(gpa: number, length: number): number {
    if (!this.contains(gpa, length)) throw new RangeError(`${length} bytes at 0x${gpa.toString(16)} are not RAM`);
    return gpa - this.base;
  }
}

/** An interrupt line that counts its rising edges. */
export class TestLine implements InterruptLine {
  level = false;
  rises = 0;

  set(level: boolean): void {
    if (level && !this.level) this.rises++;
    this.level = level;
  }
}

/** A backend that keeps what it is told. */
export class TestBackend implements CharacterBackend {
  readonly transmitted: number[] = [];
  readonly lines: CharacterLine[] = [];
  readonly modem: number[] = [];
  roomCalls = 0;
  /** Called at each transmitted character. */
  onTransmit: (byte: number) => void = () => {};
  onRoom: () => void = () => {};

  get text(): string {
    return String.fromCharCode(...this.transmitted);
  }

  transmit(byte: number): void {
    this.transmitted.push(byte);
    this.onTransmit(byte);
  }

  roomAvailable(): void {
    this.roomCalls++;
    this.onRoom();
  }

  configure(line: CharacterLine): void {
    this.lines.push(line);
  }

  modemControl(bits: number): void {
    this.modem.push(bits);
  }
}

const SIZES = [1, 2, 4] as const;

/**
 * One random access within `length` bytes; half of them go to one of `favourites`. Throws when a read answers anything
 * but an unsigned 32-bit value.
 */
export function randomAccess(random: Random, device: MmioDevice, length: number, favourites: readonly number[]): void {
  const size = random.below(4) === 0 ? SIZES[random.below(3)] : 4;
  const wild = random.below(length - size + 1);
  const offset = random.below(2) === 0 ? wild : Math.min(favourites[random.below(favourites.length)], length - size);
  if (random.below(2) === 0) {
    const value = device.read(offset, size);
    if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff)
      throw new RangeError(`reading ${size} bytes at 0x${offset.toString(16)} gave ${value}`);
  } else {
    const value = random.below(3) === 0 ? random.below(16) : random.uint32();
    device.write(offset, size, size === 4 ? value : value & (2 ** (8 * size) - 1));
  }
}
