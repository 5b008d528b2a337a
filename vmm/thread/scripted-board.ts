/** A board for tests that a guest's driver of an RV-DAQ16 takes for one: blocks that count up, made when a seed says so. */

import type { Random } from '../../base/index.js';
import type { BoardBackend, BoardFrontend } from '../devices/board-seam.js';

const R = {
  id: 0x000,
  version: 0x004,
  channels: 0x008,
  fifoSamples: 0x00c,
  clockHz: 0x010,
  ringLow: 0x04c,
  ringSize: 0x054,
  acknowledge: 0x070,
  tail: 0x074,
  run: 0x07c,
  running: 0x0b8,
  head: 0x0bc,
} as const;
const DESCRIPTOR_BYTES = 32;
/** Where the half begins that the board writes. */
const DONE = 16;

/** Makes blocks in `work`, and now and then inside the access of a register. */
export class ScriptedBoard implements BoardBackend {
  /** Descriptors whose second half was not what the board had written there. */
  stale = 0;
  /** Blocks made inside an access to a register. */
  inside = 0;
  readonly #words = new Uint32Array(1024);
  readonly #frontend: BoardFrontend;
  readonly #random: Random;
  readonly #descriptor = new Uint8Array(DESCRIPTOR_BYTES);
  readonly #view = new DataView(this.#descriptor.buffer);
  readonly #written = new Map<number, string>();
  readonly #block = new Uint16Array(8192);
  #samples = 0;
  #level = false;

  constructor(frontend: BoardFrontend, random: Random) {
    this.#frontend = frontend;
    this.#random = random;
    this.#words.set([0x5144_5652, 1, 16, 4096, 10_000_000]);
    frontend.attach(this);
  }

  get head(): number {
    return this.#words[R.head / 4];
  }

  /** One block, if the guest runs the board and has given a descriptor. */
  work(): void {
    const words = this.#words;
    if (words[R.running / 4] !== 0 && words[R.tail / 4] !== this.head) this.#fill();
    this.#drive();
  }

  readRegister(offset: number): number {
    if (this.#random.below(4) === 0) this.#workInside();
    return this.#words[offset / 4];
  }

  writeRegister(offset: number, value: number): void {
    this.#words[offset / 4] = value;
    if (offset === R.run) this.#begin(value);
    if (this.#random.below(4) === 0) this.#workInside();
    this.#drive();
  }

  #begin(run: number): void {
    this.#words[R.running / 4] = run;
    this.#words[R.head / 4] = 0;
    this.#samples = 0;
  }

  #workInside(): void {
    const before = this.head;
    this.work();
    if (this.head !== before) this.inside++;
  }

  #fill(): void {
    const words = this.#words;
    const slot = words[R.ringLow / 4] + DESCRIPTOR_BYTES * (this.head & (words[R.ringSize / 4] - 1));
    if (!this.#frontend.dmaRead(slot, this.#descriptor, 0, DESCRIPTOR_BYTES)) return;
    const done = this.#written.get(slot);
    if (done !== undefined && done !== this.#secondHalf()) this.stale++;
    const length = this.#view.getUint32(8, true);
    const count = length / 2;
    for (let i = 0; i < count; i++) this.#block[i] = this.#samples + i;
    this.#frontend.dmaWrite(this.#view.getUint32(0, true), new Uint8Array(this.#block.buffer), 0, length);
    this.#view.setUint32(DONE, length, true);
    this.#view.setUint32(DONE + 4, this.#samples, true);
    this.#frontend.dmaWrite(slot + DONE, this.#descriptor, DONE, DESCRIPTOR_BYTES - DONE);
    this.#written.set(slot, this.#secondHalf());
    this.#samples += count;
    words[R.head / 4]++;
  }

  #secondHalf(): string {
    return this.#descriptor.subarray(DONE).join();
  }

  #drive(): void {
    const level = this.#words[R.running / 4] !== 0 && this.head !== this.#words[R.acknowledge / 4];
    if (level === this.#level) return;
    this.#level = level;
    this.#frontend.interrupt(level);
  }
}
