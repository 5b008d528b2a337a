/** Tests of isolation in wall time: guests, cells and I/O processes that misbehave or die, beside neighbours that must lose nothing. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createRandom } from '../../../base/index.js';
import { noTerminal } from '../../e2e/terminal.js';
import { sleepMs } from '../../wiring/host-time.js';
import { type GuestProcess, startGuestProcess } from './guest-process.js';
import { killCells } from './killed-cells.js';
import { type KilledIo, killIoProcess } from './killed-io.js';
import { exchangeSteadily } from './steady-neighbour.js';
import { Tally } from './tally.js';
import type { LifeOutcome } from './wild-lives.js';
import type { ThreadPort } from './wild-script.js';

const missing = noTerminal();
const NIGHTLY = process.env.RIGVISOR_NIGHTLY === '1';
const MISBEHAVIOURS = NIGHTLY ? Number(process.env.RIGVISOR_COUNT ?? 10_000) : 40;
/** Of each neighbour in one run. */
const EXCHANGES = NIGHTLY ? 2_000 : 100;
/** Cells that live at once, so that the next is ready when one dies. */
const CELL_LANES = NIGHTLY ? 3 : 2;
const SEED = process.env.RIGVISOR_SEED ?? 'isolation';

/** How many of each: most are guests, because a process takes a second where a guest takes a hundredth. */
const SHARES = {
  cells: Math.ceil(MISBEHAVIOURS * 0.04),
  ioKills: Math.ceil(MISBEHAVIOURS * 0.04),
  offenders: Math.ceil(MISBEHAVIOURS * 0.02),
};
const ARCHITECTURES = ['partitioned', 'hosted'] as const;
/** A host that is overloaded takes seconds to start a thread. */
const LIFE_DEADLINE_MS = 60_000;
/** What a guest does wrong first, by its port; how it ends is counted beside it. */
const KINDS: Readonly<Record<ThreadPort, string>> = {
  ns16550a: 'wild register accesses',
  'virtio-console': 'wild descriptors',
  'virtio-usb': 'wild descriptors and URBs',
  'serial-ring': 'ring corruption',
  'urb-ring': 'wild descriptors and URBs in a ring',
};
const LIVES = MISBEHAVIOURS - SHARES.cells - SHARES.ioKills - SHARES.offenders;

describe(
  missing === undefined ? 'neighbours in wall time' : `neighbours in wall time (skipped: ${missing})`,
  function () {
    this.timeout(120_000 + 1_000 * MISBEHAVIOURS);
    let folder: string;
    before(function () {
      if (missing !== undefined) this.skip();
      folder = mkdtempSync(join(tmpdir(), 'rigvisor-isolation-'));
    });
    after(() => rmSync(folder, { recursive: true, force: true }));

    const tally = new Tally();
    /** How guests ended, and whose devices stood still by then. */
    const endings = new Tally();
    const countLife = ({ port, ending, fault }: LifeOutcome): void => {
      tally.count(`${KINDS[port]} (${port})`);
      endings.count(`guest ${ending}`);
      if (fault !== '') endings.count(`${port} stopped`);
    };

    async function misbehave(where: GuestProcess, seed: string): Promise<void> {
      try {
        countLife(await where.request('live', seed, LIFE_DEADLINE_MS));
      } catch (cause) {
        throw new Error(`seed "${seed}": ${(cause as Error).message}`, { cause });
      }
    }

    /** Guests in processes of their own, each of which is killed amid one of them. */
    async function misbehaveElsewhere(count: number, processes: number): Promise<void> {
      const random = createRandom(`${SEED} elsewhere`);
      let next = startGuestProcess();
      for (let i = 0; i < processes; i++) {
        const offender = next;
        if (i + 1 < processes) next = startGuestProcess();
        const until = Math.floor((count * (i + 1)) / processes);
        for (let life = Math.floor((count * i) / processes); life < until; life++)
          await misbehave(offender, `${SEED} elsewhere ${life}`);
        const last = offender.request('live', `${SEED} killed ${i}`).then(
          () => 'behind a life',
          () => 'amid a life',
        );
        await sleepMs(random.below(12));
        if (offender.pid !== undefined) process.kill(offender.pid, 'SIGKILL');
        tally.count(`process of guests killed ${await last}`);
        await offender.end();
      }
    }

    it(`lose nothing and are replayed exactly, whatever happens beside them: ${MISBEHAVIOURS} misbehaviours`, async () => {
      let isOver = false;
      const processes = ARCHITECTURES.map(() => startGuestProcess());
      const neighbours = ARCHITECTURES.map((architecture, i) =>
        exchangeSteadily(processes[i], architecture, EXCHANGES, () => isOver),
      );
      const cells = Array.from({ length: CELL_LANES }, (_, lane) => {
        const count = Math.floor((SHARES.cells + lane) / CELL_LANES);
        return killCells(count, createRandom(`${SEED} cells ${lane}`), join(folder, `lane ${lane}`), tally);
      });
      const killing = killIoProcess(SHARES.ioKills, createRandom(`${SEED} io`), folder, () =>
        tally.count('I/O process killed'),
      );
      const beside = Math.floor(LIVES / 2);
      const offenders = Promise.all([
        killing,
        ...cells,
        misbehaveElsewhere(LIVES - beside, SHARES.offenders),
        // In the very process whose main thread serves the hosted neighbour.
        (async () => {
          for (let i = 0; i < beside; i++) await misbehave(processes[1], `${SEED} beside ${i}`);
        })(),
      ]).finally(() => {
        isOver = true;
      });
      const [steady, [io]] = await Promise.all([Promise.all(neighbours), offenders]);
      for (const neighbour of processes) await neighbour.end();
      for (const line of [...tally.lines(), ...endings.lines()]) console.log(`      ${line}`);
      steady.forEach(({ exchanges, lost, wrong, runs, identical }, i) => {
        const replayed = `${identical} of ${runs} runs replayed exactly`;
        console.log(`      ${ARCHITECTURES[i]}: ${exchanges} exchanges, ${lost} lost, ${wrong} wrong; ${replayed}`);
      });
      console.log(`      ${io.losses} I/O processes lost, ${io.breaks} breaks shown to the guest`);
      for (const { complaints, exchanges } of steady) {
        expect(complaints).to.deep.equal([]);
        expect(exchanges).to.be.greaterThan(0);
      }
      expectBack(io);
      expect(tally.sum('cell'), 'cells').to.equal(SHARES.cells);
      for (const line of tally.lines())
        if (/^\d+ cell .* (starting|running): /.test(line)) expect(line).to.match(/: RIG_CELL_LOST$/);
      expect(tally.sum()).to.equal(MISBEHAVIOURS);
    });

    function expectBack({ losses, open, breaks, stop, divergence }: KilledIo): void {
      expect({ losses, stop, divergence }).to.deep.equal({ losses: SHARES.ioKills, stop: 'aborted', divergence: '' });
      expect(breaks, 'breaks for losses of an open device').to.be.at.least(open);
    }
  },
);
