/** Stands for an emulated frontend in the thread that owns the device; the real one is in the thread of its vCPU. */

import type { Urb } from '../../base/index.js';
import type { CharacterBackend, CharacterFrontend } from '../devices/character.js';
import type { UrbBackend, UrbFrontend, UrbPlug } from '../devices/urb-seam.js';
import { CHANNEL_CHARACTERS, CONTROL, INBOUND } from './thread-protocol.js';
import type { VcpuInbox } from './vcpu-inbox.js';

const BURST = 1024;
const NS_PER_MS = 1_000_000;

/** Notes when a burst was handed over, so that the other thread can tell how long it took. */
export function stamp(inbox: VcpuInbox, nowNs: number): void {
  inbox.put(INBOUND.stamp, Math.floor(nowNs / NS_PER_MS), nowNs % NS_PER_MS);
}

/** Has room for `CHANNEL_CHARACTERS` that the real frontend has not taken yet. */
export class RemoteCharacterFrontend implements CharacterFrontend {
  backend: CharacterBackend | undefined;
  readonly #inbox: VcpuInbox;
  readonly #control: Int32Array;
  readonly #now: () => number;
  readonly #pairs = new Uint8Array(2 * BURST);
  #count = 0;
  #sent = 0;
  #starved = false;

  constructor(inbox: VcpuInbox, control: Int32Array, now: () => number) {
    this.#inbox = inbox;
    this.#control = control;
    this.#now = now;
  }

  attach(backend: CharacterBackend): void {
    this.backend = backend;
  }

  room(): number {
    const room = CHANNEL_CHARACTERS - ((this.#sent - Atomics.load(this.#control, CONTROL.taken)) | 0);
    if (room === 0) this.#starved = true;
    return room;
  }

  receive(byte: number, lineStatus: number): boolean {
    if (this.room() === 0) return false;
    this.#pairs[2 * this.#count] = byte;
    this.#pairs[2 * this.#count + 1] = lineStatus;
    this.#sent = (this.#sent + 1) | 0;
    if (++this.#count === BURST) this.#push();
    return true;
  }

  overrun(): void {
    this.#push();
    this.#inbox.put(INBOUND.overrun, 0);
  }

  modemStatus(bits: number): void {
    this.#push();
    this.#inbox.put(INBOUND.modemStatus, bits);
    this.#inbox.commit();
  }

  disconnected(gone: boolean): void {
    this.#push();
    this.#inbox.put(INBOUND.disconnected, gone ? 1 : 0);
    this.#inbox.commit();
  }

  /** The burst is complete. */
  flush(): void {
    this.#push();
    stamp(this.#inbox, this.#now());
    this.#inbox.put(INBOUND.flush, 0);
    this.#inbox.commit();
  }

  /** Looks whether there is room again where there was none. */
  poll(): void {
    if (!this.#starved || this.room() === 0) return;
    this.#starved = false;
    this.backend?.roomAvailable();
  }

  #push(): void {
    if (this.#count === 0) return;
    this.#inbox.putCharacters(this.#pairs, this.#count);
    this.#count = 0;
  }
}

export class RemoteUrbFrontend implements UrbFrontend {
  backend: UrbBackend | undefined;
  readonly #inbox: VcpuInbox;
  readonly #now: () => number;
  readonly #slotOf: (urb: Urb) => number;

  constructor(inbox: VcpuInbox, now: () => number, slotOf: (urb: Urb) => number) {
    this.#inbox = inbox;
    this.#now = now;
    this.#slotOf = slotOf;
  }

  attach(backend: UrbBackend): void {
    this.backend = backend;
  }

  completed(urb: Urb): void {
    const { status, actualLength, data, inbound } = urb;
    this.#inbox.putUrbDone(this.#slotOf(urb), status, actualLength, data, inbound ? actualLength : 0);
  }

  plugged(plug: UrbPlug | undefined): void {
    this.#inbox.put(INBOUND.plugged, plug?.speed ?? 0, plug?.devid ?? 0);
    this.flush();
  }

  flush(): void {
    stamp(this.#inbox, this.#now());
    this.#inbox.put(INBOUND.flush, 0);
    this.#inbox.commit();
  }
}
