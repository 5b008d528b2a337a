/** A binary heap of timers ordered by (due time, sequence); adding, moving and removing allocate nothing once it has grown. */

import type { Timer } from './clock.js';

export class TimerQueue {
  readonly #heap: Timer[] = [];
  #sequence = 0;

  get size(): number {
    return this.#heap.length;
  }

  nextDueNs(): number {
    const first = this.#heap[0];
    return first === undefined ? Number.POSITIVE_INFINITY : first.dueNs;
  }

  add(timer: Timer, dueNs: number): void {
    if (!(dueNs < Number.POSITIVE_INFINITY)) throw new RangeError(`a timer needs a finite due time, not ${dueNs}`);
    if (timer.heapIndex >= 0) this.remove(timer);
    timer.dueNs = dueNs;
    timer.sequence = this.#sequence++;
    timer.heapIndex = this.#heap.length;
    this.#heap.push(timer);
    this.#up(timer.heapIndex);
  }

  remove(timer: Timer): void {
    const index = timer.heapIndex;
    if (index < 0) return;
    if (this.#heap[index] !== timer) throw new Error('a timer was cancelled on a clock it was not scheduled on');
    timer.heapIndex = -1;
    const last = this.#heap.pop();
    if (last === undefined || last === timer) return;
    this.#heap[index] = last;
    last.heapIndex = index;
    this.#up(index);
    this.#down(last.heapIndex);
  }

  /** Removes and returns the first timer due at or before `limitNs`. */
  takeDue(limitNs: number): Timer | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.dueNs > limitNs) return undefined;
    this.remove(first);
    return first;
  }

  #before(a: Timer, b: Timer): boolean {
    return a.dueNs < b.dueNs || (a.dueNs === b.dueNs && a.sequence < b.sequence);
  }

  #up(start: number): void {
    const heap = this.#heap;
    const timer = heap[start];
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#before(timer, heap[parent])) break;
      heap[index] = heap[parent];
      heap[index].heapIndex = index;
      index = parent;
    }
    heap[index] = timer;
    timer.heapIndex = index;
  }

  #down(start: number): void {
    const heap = this.#heap;
    const timer = heap[start];
    const half = heap.length >> 1;
    let index = start;
    while (index < half) {
      let child = 2 * index + 1;
      if (child + 1 < heap.length && this.#before(heap[child + 1], heap[child])) child++;
      if (!this.#before(heap[child], timer)) break;
      heap[index] = heap[child];
      heap[index].heapIndex = index;
      index = child;
    }
    heap[index] = timer;
    timer.heapIndex = index;
  }
}
