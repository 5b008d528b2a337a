/** Puts what several decoders find into order of time, as far as their promises allow. */

/** Events kept back at most; beyond that the oldest go on even if an earlier one may follow. */
const MAX_WAITING = 65_536;

interface Waiting {
  readonly sample: number;
  readonly order: number;
  readonly deliver: () => void;
}

export class TimeOrder {
  #waiting: Waiting[] = [];
  #next = 0;

  /** Keeps `deliver` until everything before `sample` has been told. */
  add(sample: number, deliver: () => void): void {
    this.#waiting.push({ sample, order: this.#next++, deliver });
  }

  /** Nothing will be added any more that lies before `sample`: delivers what does, in order of time. */
  release(sample: number): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    waiting.sort((a, b) => a.sample - b.sample || a.order - b.order);
    let count = 0;
    while (count < waiting.length && (waiting[count].sample < sample || waiting.length - count > MAX_WAITING)) count++;
    for (let i = 0; i < count; i++) waiting[i].deliver();
    this.#waiting = waiting.slice(count);
  }
}
