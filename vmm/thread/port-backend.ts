/** Stands behind an emulated frontend in the thread of its vCPU, and carries what passes to the thread that owns the device. */

import { ByteQueue, type Urb } from '../../base/index.js';
import type { CharacterBackend, CharacterLine } from '../devices/character.js';
import { URBS_IN_FLIGHT } from '../devices/urb-request.js';
import { URB_SPEED, type UrbBackend } from '../devices/urb-seam.js';
import type { CharacterAcquisition, UrbAcquisition } from '../machine/acquisition.js';
import { CHANNEL_CHARACTERS, CONTROL, OUTBOUND } from './thread-protocol.js';
import type { VcpuOutbox } from './vcpu-outbox.js';

/** Characters for a frontend whose room is smaller than a burst wait here, in order. */
export class CharacterPort implements CharacterBackend {
  readonly #acquisition: CharacterAcquisition;
  readonly #outbox: VcpuOutbox;
  readonly #control: Int32Array;
  readonly #waiting = new ByteQueue(CHANNEL_CHARACTERS);

  constructor(acquisition: CharacterAcquisition, outbox: VcpuOutbox, control: Int32Array) {
    this.#acquisition = acquisition;
    this.#outbox = outbox;
    this.#control = control;
    acquisition.frontend.attach(this);
  }

  /** Pairs of character and line status. */
  receive(pairs: Uint8Array, offset: number, count: number): void {
    for (let i = 0; i < count; i++) this.#waiting.push(pairs[offset + 2 * i], pairs[offset + 2 * i + 1]);
    this.#deliver();
  }

  overrun(): void {
    this.#acquisition.frontend.overrun();
  }

  modemStatus(bits: number): void {
    this.#acquisition.frontend.modemStatus(bits);
  }

  disconnected(gone: boolean): void {
    this.#acquisition.disconnected(gone);
  }

  transmit(byte: number): void {
    this.#outbox.character(byte);
  }

  roomAvailable(): void {
    this.#deliver();
    this.#acquisition.flush();
  }

  configure(line: CharacterLine): void {
    this.#outbox.configure(line);
  }

  modemControl(bits: number): void {
    this.#outbox.put(OUTBOUND.modemControl, bits);
  }

  #deliver(): void {
    const { frontend } = this.#acquisition;
    let taken = 0;
    while (this.#waiting.length > 0 && frontend.receive(this.#waiting.peek(), this.#waiting.peekStatus())) {
      this.#waiting.shift();
      taken++;
    }
    if (taken > 0) Atomics.add(this.#control, CONTROL.taken, taken);
  }
}

/** Transfers under way have a number by which both threads know them. */
export class UrbPort implements UrbBackend {
  readonly #acquisition: UrbAcquisition;
  readonly #outbox: VcpuOutbox;
  readonly #slots: (Urb | undefined)[] = new Array(URBS_IN_FLIGHT).fill(undefined);

  constructor(acquisition: UrbAcquisition, outbox: VcpuOutbox) {
    this.#acquisition = acquisition;
    this.#outbox = outbox;
    acquisition.frontend.attach(this);
  }

  submit(urb: Urb): void {
    const slot = this.#slots.indexOf(undefined);
    if (slot < 0) throw new Error('a frontend has more transfers under way than it may');
    this.#slots[slot] = urb;
    this.#outbox.urb(slot, urb);
  }

  cancel(urb: Urb): void {
    const slot = this.#slots.indexOf(urb);
    if (slot >= 0) this.#outbox.put(OUTBOUND.urbCancel, slot);
  }

  /** Speed 0: nothing is there any more. */
  plugged(speed: number, devid: number): void {
    const known = Object.values(URB_SPEED).find((value) => value === speed);
    this.#acquisition.frontend.plugged(known === undefined ? undefined : { speed: known, devid });
  }

  /** What came lies in `bytes` from `offset` on. */
  done(slot: number, status: number, actualLength: number, bytes: Uint8Array, offset: number, length: number): void {
    const urb = this.#slots[slot];
    if (urb === undefined) return;
    this.#slots[slot] = undefined;
    urb.status = status;
    urb.actualLength = actualLength;
    for (let i = 0; i < length; i++) urb.data[i] = bytes[offset + i];
    this.#acquisition.frontend.completed(urb);
  }
}
