/** Transfers on their way, in order, each with an optional mark; positions are free-running counts. */

import type { Urb } from '../../base/index.js';

const FIRST_CAPACITY = 256;

/** Grows when it must; a guest has a bounded number of transfers in flight, so that ends soon. */
export class UrbQueue<Mark> {
  #urbs: (Urb | undefined)[] = new Array(FIRST_CAPACITY).fill(undefined);
  #marks: (Mark | undefined)[] = new Array(FIRST_CAPACITY).fill(undefined);
  /** Position of the first one waiting. */
  start = 0;
  /** Position behind the last one. */
  end = 0;

  /** Answers the position behind it. */
  push(urb: Urb | undefined, mark: Mark | undefined): number {
    if (this.end - this.start === this.#urbs.length) this.#grow();
    const slot = this.end & (this.#urbs.length - 1);
    this.#urbs[slot] = urb;
    this.#marks[slot] = mark;
    return ++this.end;
  }

  /** Mark of the first one. */
  mark(): Mark | undefined {
    return this.#marks[this.start & (this.#marks.length - 1)];
  }

  /** Takes the first one out; undefined when it is a mark alone. */
  shift(): Urb | undefined {
    const slot = this.start & (this.#urbs.length - 1);
    const urb = this.#urbs[slot];
    this.#urbs[slot] = undefined;
    this.#marks[slot] = undefined;
    this.start++;
    return urb;
  }

  #grow(): void {
    const count = this.end - this.start;
    const mask = this.#urbs.length - 1;
    const at = (i: number): number => (this.start + i) & mask;
    const urbs = Array.from({ length: 2 * this.#urbs.length }, (_, i) => (i < count ? this.#urbs[at(i)] : undefined));
    const marks = Array.from({ length: urbs.length }, (_, i) => (i < count ? this.#marks[at(i)] : undefined));
    const move = this.start & (urbs.length - 1);
    this.#urbs = [...urbs.slice(urbs.length - move), ...urbs.slice(0, urbs.length - move)];
    this.#marks = [...marks.slice(marks.length - move), ...marks.slice(0, marks.length - move)];
  }
}
