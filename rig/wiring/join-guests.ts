/** Joins guests of a run in wall time that share memory, in this process or across two, and lets the companion begin first. */

import { NS_PER_MS, type WallClock } from '../../base/index.js';
import type { SectionChannel, Side } from '../cell/section-channel.js';
import { sleepMs } from './host-time.js';
import type { IoLoop } from './io-loop.js';
import { COMPANION } from './run-assembly.js';
import type { ThreadGuest } from './thread-guest.js';

/** How long a companion may take to open its shared memory before the run begins without it. */
const OPEN_NS = 1_000 * NS_PER_MS;
const LOOK_MS = 1;

/** What joins the only guest of this process to its companion in another one. */
export interface PairHost {
  readonly side: Side;
  readonly channel: SectionChannel;
  /** Everything is built; resolves when both guests are to run. `news`: the peer has sent something to a loop that sleeps. */
  ready(news: () => void): Promise<void>;
}

/**
 * Resolves when the guest is to run; a companion runs by then, and takes part if it ever does: so the blocks of its peer reach
 * it from the first one on, however long it takes to boot.
 */
export async function joinGuests(
  machines: readonly ThreadGuest[],
  pair: PairHost | undefined,
  loop: IoLoop,
  clock: WallClock,
): Promise<void> {
  if (pair !== undefined) return joinAcross(pair, machines[0], loop, clock);
  const [first, second] = machines;
  if (first.sharedMemory === undefined || second?.sharedMemory === undefined) return;
  first.sharedMemory.connect(second.sharedMemory.link);
  second.sharedMemory.connect(first.sharedMemory.link);
  if (second.name === COMPANION) await begin(second, clock);
}

async function joinAcross(pair: PairHost, guest: ThreadGuest, loop: IoLoop, clock: WallClock): Promise<void> {
  const { channel, side } = pair;
  const { sharedMemory } = guest;
  if (sharedMemory !== undefined) {
    sharedMemory.connect(channel.link);
    channel.connect(sharedMemory.link);
    loop.watch(channel);
  }
  await pair.ready(loop.news);
  if (side === 0) return until(() => channel.isPeerOpen, 2 * OPEN_NS, clock);
  await begin(guest, clock);
  channel.open();
}

/** Runs the companion until it takes part. */
async function begin(companion: ThreadGuest, clock: WallClock): Promise<void> {
  companion.run();
  const isOpen = (): boolean => {
    companion.poll();
    return companion.sharedMemory?.isOpen === true || companion.activity === 'ended';
  };
  await until(isOpen, OPEN_NS, clock);
}

async function until(done: () => boolean, mostNs: number, clock: WallClock): Promise<void> {
  const endNs = clock.now() + mostNs;
  while (!done() && clock.now() < endNs) await sleepMs(LOOK_MS);
}
