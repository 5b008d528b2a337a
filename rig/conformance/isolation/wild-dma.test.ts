/** Tests of isolation in virtual time: whatever addresses a guest gives its devices, its neighbour runs as beside an idle one. */

import { expect } from 'chai';
import type { AcquisitionKind } from '../../../vmm/index.js';
import { ENGINES } from '../../run/run-types.js';
import { Script } from './scripted-guest.js';
import { outcomeOf, runPair, VICTIMS, type VictimOutcome, wildNeighbour } from './virtual-pair.js';
import { WILD_PORTS, wildScript } from './wild-script.js';

const MISBEHAVIOURS = process.env.RIGVISOR_NIGHTLY === '1' ? 10_000 : 84;
const RUN_NS = 20e6;

/** What became of the neighbours of one kind. */
interface Tally {
  seeds: number;
  /** Devices that have refused to go on, or whose accesses to memory were refused. */
  faults: number;
  ended: number;
  traffic: number;
}

describe('a neighbour that gives its devices wild addresses', function () {
  this.timeout(3_600_000);
  const idle = new Script();
  idle.sleep();
  const expected = new Map<string, VictimOutcome>();
  const undisturbed = (victim: number, engine: (typeof ENGINES)[number]): VictimOutcome => {
    const key = `${victim} ${engine}`;
    let outcome = expected.get(key);
    if (outcome === undefined) {
      outcome = outcomeOf(runPair(VICTIMS[victim], wildNeighbour(idle.image(), 'board-window'), engine, RUN_NS));
      expected.set(key, outcome);
    }
    return outcome;
  };

  it('is held against a victim that acquires: each has traffic, and another run of it would show', () => {
    VICTIMS.forEach((victim, i) => {
      const outcome = undisturbed(i, 'interpreter');
      expect(outcome.traffic, victim.kind).to.be.greaterThan(3);
      const longer = runPair(victim, wildNeighbour(idle.image(), 'board-window'), 'interpreter', RUN_NS + 10e6);
      expect(outcomeOf(longer).digest.ramDigest, victim.kind).not.to.equal(outcome.digest.ramDigest);
    });
  });

  it(`leaves reports, characters, memory, registers and instructions alone, to the bit, in ${MISBEHAVIOURS} seeds`, () => {
    const tallies = new Map<AcquisitionKind, Tally>();
    for (let seed = 1; seed <= MISBEHAVIOURS; seed++) {
      const kind = WILD_PORTS[seed % WILD_PORTS.length];
      const victim = Math.floor(seed / WILD_PORTS.length) % VICTIMS.length;
      const engine = ENGINES[seed % ENGINES.length];
      const where = `seed ${seed}: ${kind} beside ${VICTIMS[victim].kind}, ${engine}`;
      const { script, ending } = wildScript(kind, `wild dma ${seed}`);
      const pair = runPair(VICTIMS[victim], wildNeighbour(script.image(), kind), engine, RUN_NS);
      expect(outcomeOf(pair), `${where}, ${ending}`).to.deep.equal(undisturbed(victim, engine));
      const { machine, device } = pair.neighbour;
      const tally = tallies.get(kind) ?? { seeds: 0, faults: 0, ended: 0, traffic: 0 };
      tallies.set(kind, tally);
      tally.seeds++;
      if (machine.acquisition?.fault !== '' || device.refused() > 0) tally.faults++;
      if (machine.end !== undefined) tally.ended++;
      if (device.traffic() > 0) tally.traffic++;
    }
    for (const [kind, { seeds, faults, ended, traffic }] of tallies) {
      console.log(
        `      ${kind}: ${seeds} seeds, ${faults} devices stopped, ${ended} guests ended, ${traffic} with traffic`,
      );
      // A UART has no way into memory.
      if (kind !== 'ns16550a') expect(faults, `${kind}: devices stopped`).to.be.greaterThan(seeds / 5);
      expect(traffic, `${kind}: with traffic`).to.be.greaterThan(seeds / 10);
    }
    expect([...tallies.values()].reduce((sum, { seeds }) => sum + seeds, 0)).to.equal(MISBEHAVIOURS);
  });
});
