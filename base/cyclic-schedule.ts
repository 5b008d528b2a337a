/** A static cyclic schedule: who may run when, repeated for ever, known before anything starts (ARINC 653 calls it major frame and windows). */

/** One window of the frame. */
export interface ScheduleWindow {
  /** Who runs in it. */
  readonly owner: string;
  /** From the start of the frame. */
  readonly offsetNs: number;
  readonly durationNs: number;
}

/** Frame number 0 begins at the clock's origin. Windows are in order and do not overlap. */
export class CyclicSchedule {
  /** @throws RangeError in one sentence, when the windows are not a schedule. */
  constructor(
    readonly frameNs: number,
    readonly windows: readonly ScheduleWindow[],
  ) {
    if (!isWhole(frameNs, 1)) throw new RangeError(`a frame of ${frameNs} ns is none: give whole nanoseconds from 1`);
    if (windows.length === 0) throw new RangeError('a schedule without a window lets nobody run');
    let endNs = 0;
    for (const { owner, offsetNs, durationNs } of windows) {
      if (!isWhole(offsetNs, 0) || !isWhole(durationNs, 1))
        throw new RangeError(`the window of ${owner} at ${offsetNs} ns for ${durationNs} ns is none`);
      if (offsetNs < endNs)
        throw new RangeError(
          `the window of ${owner} begins at ${offsetNs} ns, before the one in front ends at ${endNs} ns`,
        );
      endNs = offsetNs + durationNs;
      if (endNs > frameNs)
        throw new RangeError(`the window of ${owner} ends at ${endNs} ns, behind the frame of ${frameNs} ns`);
    }
  }

  /** Equal windows in the order of the owners, as long as the frame permits. */
  static equal(frameNs: number, owners: readonly string[]): CyclicSchedule {
    const durationNs = Math.floor(frameNs / owners.length);
    return new CyclicSchedule(
      frameNs,
      owners.map((owner, i) => ({ owner, offsetNs: i * durationNs, durationNs })),
    );
  }

  /** Up to when `owner` may run that runs at `nowNs`; `nowNs` itself when it may not. */
  ownedUntilNs(owner: string, nowNs: number): number {
    const startNs = Math.floor(nowNs / this.frameNs) * this.frameNs;
    const inFrameNs = nowNs - startNs;
    for (const window of this.windows) {
      const endNs = window.offsetNs + window.durationNs;
      if (window.owner === owner && inFrameNs >= window.offsetNs && inFrameNs < endNs) return startNs + endNs;
    }
    return nowNs;
  }

  /** When `owner` may run next, at `nowNs` or later; `Infinity` for one without a window. */
  nextStartNs(owner: string, nowNs: number): number {
    if (this.ownedUntilNs(owner, nowNs) > nowNs) return nowNs;
    const startNs = Math.floor(nowNs / this.frameNs) * this.frameNs;
    let first = Number.POSITIVE_INFINITY;
    for (const window of this.windows) {
      if (window.owner !== owner) continue;
      if (startNs + window.offsetNs >= nowNs) return startNs + window.offsetNs;
      if (first === Number.POSITIVE_INFINITY) first = startNs + this.frameNs + window.offsetNs;
    }
    return first;
  }

  /** The longest time for which `owner` does not run: part of the bound of its interrupt latency. `Infinity` without a window. */
  longestAbsenceNs(owner: string): number {
    const own = this.windows.filter((window) => window.owner === owner);
    if (own.length === 0) return Number.POSITIVE_INFINITY;
    let longest = 0;
    own.forEach((window, i) => {
      const next = i + 1 < own.length ? own[i + 1].offsetNs : own[0].offsetNs + this.frameNs;
      longest = Math.max(longest, next - window.offsetNs - window.durationNs);
    });
    return longest;
  }
}

function isWhole(value: number, least: number): boolean {
  return Number.isSafeInteger(value) && value >= least;
}
