/** The device of a latency measurement, as a process of its own: sends a character now and then and waits for its echo. */

import { createRandom, WallClock } from '../../base/index.js';
import { BlockingTerminal } from '../../hal/index.js';
import { placeThread } from '../cell/host-scheduling.js';
import type { PeerOrder, PeerReport } from './echo-peer.js';

/** An echo that takes longer is lost. */
const LOST_MS = 2_000;
/** Until the other end is there and its guest listens, a character is sent so often. */
const KNOCK_MS = 20;
const KNOCK = 0;
const LAST_KNOCK = 255;
const CHARACTERS = 256;
/** In front of every thread of a cell: what this process stands for shares no core with its host. */
const DEVICE_PRIORITY = 30;

const sleeper = new Int32Array(new SharedArrayBuffer(4));
const terminal = new BlockingTerminal();
const parent = process.ppid;

function send(report: PeerReport): void {
  // Nobody is left to be told when the parent has ended meanwhile.
  process.send?.(report, undefined, undefined, () => {});
}

/** Sends until something comes back, then takes what else is under way. False when nobody answers. */
function knock(deadlineMs: number): boolean {
  for (let waitedMs = 0; waitedMs < deadlineMs; waitedMs += KNOCK_MS) {
    if (terminal.exchange(KNOCK, KNOCK_MS) < 0) continue;
    // Whatever comes in front of the last one's echo was knocked before; a host that is overloaded keeps some for long.
    let echo = terminal.exchange(LAST_KNOCK, deadlineMs);
    while (echo >= 0 && echo !== LAST_KNOCK) echo = terminal.receive(deadlineMs);
    return echo === LAST_KNOCK;
  }
  return false;
}

function measure({ exchanges, gapMs, seed, answerMs }: PeerOrder): PeerReport {
  if (!knock(answerMs)) return { kind: 'silent' };
  const clock = new WallClock();
  const random = createRandom(seed);
  const roundTripNs = new Float64Array(exchanges);
  const sentNs = new Float64Array(exchanges);
  const originNs = Number(clock.originMonotonicNs);
  let lost = 0;
  let wrong = 0;
  let late = 0;
  for (let i = 0; i < exchanges; i++) {
    Atomics.wait(sleeper, 0, 0, gapMs[0] + random.float() * (gapMs[1] - gapMs[0]));
    const sent = i % CHARACTERS;
    const startNs = clock.now();
    let echo = terminal.exchange(sent, LOST_MS);
    // The echo of one that was given up is no answer to this one.
    for (; late > 0 && echo >= 0 && echo !== sent; late--) echo = terminal.receive(LOST_MS);
    roundTripNs[i] = clock.now() - startNs;
    sentNs[i] = originNs + startNs;
    if (echo < 0) {
      lost++;
      late++;
      // This thread does not hear of its channel's end: without the question it would go on alone for an hour.
      if (process.ppid !== parent) process.exit(0);
    } else if (echo !== sent) wrong++;
  }
  return { kind: 'measured', roundTripNs, sentNs, lost, wrong };
}

// Where the host refuses, the peer is one more process among those that it measures.
placeThread(0, { priority: DEVICE_PRIORITY });
process.on('message', (order: PeerOrder) => {
  send(measure(order));
});
process.on('disconnect', () => {
  terminal.close();
  process.exit(0);
});
process.on('SIGINT', () => {});
send({ kind: 'ready', path: terminal.path });
