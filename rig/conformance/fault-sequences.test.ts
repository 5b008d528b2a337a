import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { GuestReport } from '../run/run-types.js';
import { createExecutor } from '../wiring/executor.js';
import { checkSequence, told } from './check-sequence.js';
import { newTally } from './fault-checks.js';
import { DEVICE_CLASSES, sequenceOf } from './fault-plans.js';
import { type Played, requestOf } from './fault-sequences.js';

const NIGHTLY = process.env.RIGVISOR_NIGHTLY === '1';
const SEQUENCES = NIGHTLY ? 10_000 : 150;
/** One of so many is run whole: with its trace, certified, and with the same reports. */
const WHOLE_EVERY = NIGHTLY ? 50 : 75;
/** One sequence alone, as a failure names it: `RIGVISOR_FAULT_SEED='bulk 17'`. */
const [ONLY_CLASS, ONLY_NUMBER] = (process.env.RIGVISOR_FAULT_SEED ?? '').split(' ');

function essence(reports: readonly GuestReport[]): string[] {
  return reports.map(({ channel, fields, reportedAtNs }) => `${channel} ${reportedAtNs} ${JSON.stringify(fields)}`);
}

async function checkWhole(played: Played): Promise<void> {
  const { sequence } = played;
  const outDir = mkdtempSync(join(tmpdir(), 'rigvisor-faults-'));
  try {
    const result = await createExecutor().execute(requestOf(sequence, outDir));
    expect(result.certification.certified, result.certification.sentence).to.equal(true);
    expect(essence(result.guests[0].reports)).to.deep.equal(essence(played.reports));
  } catch (cause) {
    throw told(sequence, cause);
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
}

describe(`guests under ${SEQUENCES.toLocaleString('en')} seeded sequences of faults a class of devices`, function () {
  this.timeout(NIGHTLY ? 3_600_000 : 120_000);

  for (const deviceClass of DEVICE_CLASSES.filter((name) => ONLY_CLASS === '' || ONLY_CLASS === name))
    it(`${deviceClass}: nothing is lost unreported, nothing hangs, overruns are told of in time, data flow again`, async () => {
      const tally = newTally();
      if (ONLY_NUMBER !== undefined) {
        await checkWhole(await checkSequence(deviceClass, sequenceOf(deviceClass, Number(ONLY_NUMBER)), tally));
        return;
      }
      for (let number = 0; number < SEQUENCES; number++) {
        const played = await checkSequence(deviceClass, sequenceOf(deviceClass, number), tally);
        if (number % WHOLE_EVERY === 0) await checkWhole(played);
      }
      if (NIGHTLY) console.log(`      ${deviceClass}: ${JSON.stringify(tally)}`);
      expect(tally.replugs).to.be.greaterThan(0);
      if (deviceClass === 'bulk') expect(tally.overruns).to.be.greaterThan(0);
    });
});
