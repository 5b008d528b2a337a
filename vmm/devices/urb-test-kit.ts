/** What tests of the URB frontends share: a driver's requests in RAM, and a backend that keeps what it is given. */

import { ENDPOINT_IN, type Urb } from '../../base/index.js';
import type { CheckedRam } from './device-test-kit.js';
import { URB_COMMAND, URB_FIELD, URB_HEADER_BYTES } from './urb-request.js';
import { URB_SPEED, type UrbBackend, type UrbFrontend, type UrbPlug } from './urb-seam.js';
import { DESCRIPTOR, type DriverQueue } from './virtio/virtio-test-driver.js';

export const TEST_PLUG: UrbPlug = { speed: URB_SPEED.full, devid: 0x1_0003 };

/** Keeps URBs until the test completes them; `cancelled` ones stay among the `waiting`. */
export class KeptUrbs implements UrbBackend {
  readonly waiting: Urb[] = [];
  readonly cancelled: Urb[] = [];
  submitted = 0;

  submit(urb: Urb): void {
    this.submitted++;
    this.waiting.push(urb);
  }

  cancel(urb: Urb): void {
    this.cancelled.push(urb);
  }

  /** Completes the oldest, or the given one, with `status` and the given IN bytes. */
  complete(frontend: UrbFrontend, status = 0, bytes: readonly number[] = [], urb = this.waiting[0]): void {
    this.waiting.splice(this.waiting.indexOf(urb), 1);
    urb.data.set(bytes);
    urb.status = status;
    urb.actualLength = (urb.endpointAddress & ENDPOINT_IN) !== 0 ? bytes.length : urb.length;
    frontend.completed(urb);
  }
}

/** Fields of a request; those that are absent are 0, `command` is a submission. */
export interface TestRequest {
  readonly command?: number;
  readonly seqnum: number;
  readonly devid?: number;
  readonly direction?: number;
  readonly ep?: number;
  readonly flags?: number;
  readonly length?: number;
  readonly packets?: number;
  readonly interval?: number;
  readonly setup?: readonly number[];
  readonly out?: readonly number[];
  /** Room for IN data behind the return; `length` of an IN request when absent. */
  readonly room?: number;
  /** Bytes of the request's header and of its return, to be wrong on purpose. */
  readonly headerBytes?: number;
  readonly returnBytes?: number;
}

/** A return as the driver finds it. */
export interface TestReturn {
  readonly command: number;
  readonly seqnum: number;
  readonly devid: number;
  readonly direction: number;
  readonly ep: number;
  readonly status: number;
  readonly actual: number;
  readonly written: number;
  readonly data: readonly number[];
}

/** Lays requests out in `ram` from `base` on, each in a place of its own of `placeBytes`, and offers them on `queue`. */
export class UrbTestDriver {
  #requests = 0;
  readonly #heads = new Map<number, number>();
  #taken = 0;

  constructor(
    readonly ram: CheckedRam,
    readonly queue: DriverQueue,
    readonly base: number,
    readonly places: number,
    readonly placeBytes = 0x1000,
  ) {}

  /** Header and OUT data in one readable descriptor, return and IN data in one writable one. */
  offer(request: TestRequest): void {
    const place = this.#requests++ % this.places;
    const at = this.base + place * this.placeBytes;
    const back = at + this.placeBytes / 2;
    const out = request.out ?? [];
    const words = [
      request.command ?? URB_COMMAND.submit,
      request.seqnum,
      request.devid ?? 0,
      request.direction ?? 0,
      request.ep ?? 0,
      request.flags ?? 0,
      request.length ?? out.length,
      0,
      request.packets ?? 0,
      request.interval ?? 0,
    ];
    words.forEach((word, i) => {
      this.ram.pokeU32(at + 4 * i, word);
    });
    this.ram.poke(at + URB_FIELD.setup, Uint8Array.from(request.setup ?? [0, 0, 0, 0, 0, 0, 0, 0]));
    this.ram.poke(at + URB_HEADER_BYTES, Uint8Array.from(out));
    const room = request.room ?? (request.direction === 1 ? (request.length ?? 0) : 0);
    const head = (2 * place) % this.queue.size;
    const readable = (request.headerBytes ?? URB_HEADER_BYTES) + out.length;
    this.queue.describe(head, at, readable, DESCRIPTOR.next, head + 1);
    this.queue.describe(head + 1, back, (request.returnBytes ?? URB_HEADER_BYTES) + room, DESCRIPTOR.write);
    this.#heads.set(head, back);
    this.queue.offer(head);
  }

  /** Returns that have come since the last call. */
  returns(): TestReturn[] {
    const found: TestReturn[] = [];
    for (; this.#taken !== this.queue.usedIndex; this.#taken = (this.#taken + 1) & 0xffff) {
      const [head, written] = this.queue.usedElement(this.#taken);
      const at = this.#heads.get(head) ?? 0;
      const word = (offset: number): number => this.ram.readU32(at + offset);
      found.push({
        command: word(URB_FIELD.command),
        seqnum: word(URB_FIELD.seqnum),
        devid: word(URB_FIELD.devid),
        direction: word(URB_FIELD.direction),
        ep: word(URB_FIELD.ep),
        status: word(URB_FIELD.status) | 0,
        actual: word(URB_FIELD.length),
        written,
        data: [...this.ram.peek(at + URB_HEADER_BYTES, Math.max(0, written - URB_HEADER_BYTES))],
      });
    }
    return found;
  }
}
