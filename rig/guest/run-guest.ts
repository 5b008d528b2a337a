/** Runs a guest on a person's terminal until it ends, its time is up, or the person has had enough. */

import { VirtualClock } from '../../base/index.js';
import { VirtualScheduler, WallRunner } from '../../vmm/index.js';
import { hostMs, nextTurn, sleepMs } from '../wiring/host-time.js';
import { GdbServer } from './gdb/gdb-server.js';
import { loadImage } from './guest-image.js';
import type { GuestRequest } from './guest-request.js';
import { GuestSession, type GuestStop, type GuestTerminal } from './guest-session.js';
import type { GuestStatistics } from './guest-statistics.js';

export interface GuestOutcome {
  readonly stop: GuestStop;
  readonly statistics: GuestStatistics;
}

/** Time of the guest between two looks at the host's clock; in virtual time part of no result. */
const SLICE_NS = 5e6;
const SLICE_MS = SLICE_NS / 1e6;
/** Wall time between two looks at what has come from outside. */
const WALL_SLICE_NS = 50e6;
/** How long the host may be busy before it lets the event loop run. */
const TURN_MS = 20;

/** Throws `RIG_USAGE`, `RIG_GUEST`, `VMM_IMAGE` or `VMM_CONFIG` before anything runs; afterwards every ending is a value. */
export async function runGuest(
  request: GuestRequest,
  terminal: GuestTerminal,
  signal: AbortSignal,
): Promise<GuestOutcome> {
  const session = new GuestSession(request, loadImage(request), terminal, signal);
  let gdb: GdbServer | undefined;
  try {
    if (request.gdbPort !== undefined) gdb = await openDebugger(request.gdbPort, session, terminal, signal);
    const stop = await (session.clock instanceof VirtualClock
      ? runVirtual(session, session.clock, gdb)
      : runWall(session, gdb, signal));
    const statistics = session.statistics();
    if (stop.kind === 'guest') await session.lastWords();
    gdb?.ended(stop.kind === 'guest' ? stop.end : undefined);
    return { stop, statistics };
  } finally {
    await gdb?.close();
    await session.close();
  }
}

async function openDebugger(
  port: number,
  session: GuestSession,
  terminal: GuestTerminal,
  signal: AbortSignal,
): Promise<GdbServer> {
  const gdb = new GdbServer(session.machine, () => session.interrupt());
  await gdb.listen(port);
  terminal.say(`the guest waits for a debugger: target remote localhost:${gdb.port}`);
  signal.addEventListener('abort', () => gdb.wake(), { once: true });
  return gdb;
}

async function runVirtual(session: GuestSession, clock: VirtualClock, gdb: GdbServer | undefined): Promise<GuestStop> {
  const { machine } = session;
  const scheduler = new VirtualScheduler(clock);
  scheduler.add(machine);
  session.interrupt = () => scheduler.stop();
  // A debugger has its say before the first instruction.
  const early = await pauseBetween(session, gdb);
  if (early !== undefined) return early;
  let turnMs = hostMs();
  for (;;) {
    const instret = machine.instret;
    const run = scheduler.runUntil(Math.min(session.endNs, clock.now() + SLICE_NS));
    if (machine.end !== undefined) return { kind: 'guest', end: machine.end };
    if (run.kind === 'target' && clock.now() >= session.endNs) return { kind: 'duration' };
    if (machine.activity === 'idle') session.guestWaits();
    const waits = machine.activity === 'idle' && machine.instret === instret;
    const isOver = waits && clock.nextDueNs() === Number.POSITIVE_INFINITY;
    if (isOver && waitsInVain(session, gdb)) return { kind: 'waits' };
    const rests = waits && (isOver || session.isInteractive);
    if (run.kind === 'target' && !rests && hostMs() - turnMs < TURN_MS) continue;
    await (rests ? sleepMs(SLICE_MS) : nextTurn());
    const stop = await pauseBetween(session, gdb);
    if (stop !== undefined) return stop;
    turnMs = hostMs();
  }
}

async function runWall(session: GuestSession, gdb: GdbServer | undefined, signal: AbortSignal): Promise<GuestStop> {
  const { machine, clock } = session;
  if (clock instanceof VirtualClock) throw new TypeError('a wall clock is needed');
  const runner = new WallRunner(clock);
  runner.add(machine);
  session.interrupt = () => runner.stop();
  for (;;) {
    const stop = await pauseBetween(session, gdb);
    if (stop !== undefined) return stop;
    await runner.run(Math.min(session.endNs, clock.now() + WALL_SLICE_NS), signal);
    if (machine.end !== undefined) return { kind: 'guest', end: machine.end };
    if (clock.now() >= session.endNs) return { kind: 'duration' };
    if (machine.activity === 'idle') session.guestWaits();
    if (machine.activity === 'idle' && clock.nextDueNs() === Number.POSITIVE_INFINITY && waitsInVain(session, gdb))
      return { kind: 'waits' };
  }
}

/** The guest waits, no timer is set, and neither a person nor the network can wake it. */
function waitsInVain(session: GuestSession, gdb: GdbServer | undefined): boolean {
  return session.endNs === Number.POSITIVE_INFINITY && !session.awaitsOutside && gdb === undefined;
}

/** Outputs, inputs, and the debugger for as long as it holds the guest. */
async function pauseBetween(session: GuestSession, gdb: GdbServer | undefined): Promise<GuestStop | undefined> {
  for (;;) {
    const stop = await session.between();
    if (stop !== undefined) return stop;
    if (gdb === undefined || !gdb.holds) return gdb?.isKilled === true ? { kind: 'aborted' } : undefined;
    await gdb.released();
  }
}
