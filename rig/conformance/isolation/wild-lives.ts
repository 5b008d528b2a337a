/** Guests that misbehave in wall time, one short life after the other, each with a vCPU in a thread and a device behind its port. */

import { createRandom, NS_PER_MS, WallClock } from '../../../base/index.js';
import { MachineThread, VcpuThread } from '../../../vmm/index.js';
import { ENGINES } from '../../run/run-types.js';
import { sleepMs } from '../../wiring/host-time.js';
import { plugIn } from './port-device.js';
import { WILD_RAM_BYTES } from './wild-numbers.js';
import { type Ending, portConfig, THREAD_PORTS, type ThreadPort, wildScript } from './wild-script.js';

/** A life lasts so many milliseconds, unless the guest ends before. */
const LIFE_MS = [2, 12] as const;
/** One life in so many ends by `kill` in the midst of whatever its guest does; the others are sealed. */
const KILLED = 16;

export interface LifeOutcome {
  readonly port: ThreadPort;
  readonly ending: Ending;
  readonly instret: number;
  /** Why its device stood still at the end; empty while it did not. */
  readonly fault: string;
  readonly hasEnded: boolean;
  readonly traffic: number;
}

/** One thread for all of them; lives follow each other. */
export class WildLives {
  readonly #thread = new VcpuThread();

  /** The same seed gives the same guest, though not the same moments. Rejects when the guest takes its thread down. */
  async live(seed: string): Promise<LifeOutcome> {
    const random = createRandom(`${seed}, life`);
    const port = THREAD_PORTS[random.below(THREAD_PORTS.length)];
    const { script, ending } = wildScript(port, seed);
    const clock = new WallClock();
    const machine = new MachineThread(
      {
        name: seed,
        engine: ENGINES[random.below(ENGINES.length)],
        image: script.image(),
        ramBytes: WILD_RAM_BYTES,
        acquisition: portConfig(port),
      },
      clock,
      { journal: () => {}, console: () => {}, report: () => {}, news: () => {} },
      { thread: this.#thread },
    );
    const { acquisition } = machine;
    if (acquisition === undefined) throw new Error(`${seed} was made without a port`);
    const device = plugIn(acquisition, clock, seed);
    try {
      await machine.ready();
      machine.run();
      const [least, most] = LIFE_MS;
      const endNs = clock.now() + NS_PER_MS * (least + random.below(most - least));
      while (clock.now() < endNs && machine.activity !== 'ended') {
        machine.poll();
        clock.runDue();
        await sleepMs(1);
      }
      if (machine.lost !== undefined) throw machine.lost;
      if (random.below(KILLED) > 0) await machine.seal();
      const { fault } = acquisition;
      const hasEnded = machine.end !== undefined;
      return { port, ending, instret: machine.instret, fault, hasEnded, traffic: device.traffic() };
    } finally {
      device.unplug();
      await machine.kill();
    }
  }

  end(): Promise<void> {
    return this.#thread.discard();
  }
}
