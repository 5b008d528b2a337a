/** Replay speed: an hour of a 1 Hz receiver played to the guest, as a multiple of real time. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Engine, type Frontend, loadWiring } from '../rig/index.js';
import { timeNsAsync } from './clock.js';
import { type Row, toRow } from './table.js';

const HOUR_NS = 3600e9;
const BAR_S = 10;
const ENGINES: readonly Engine[] = ['interpreter', 'translator'];
const FRONTENDS: readonly Frontend[] = ['emulated', 'paravirtual', 'ring'];

export async function benchReplay(rounds: number): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'rigvisor-bench-'));
  try {
    const tracePath = join(folder, 'hour.pcapng');
    const profile = 'gnss-nmea-1hz';
    const { record } = await loadWiring();
    await record({ port: `sim:${profile}`, profile, outPath: tracePath, durationNs: HOUR_NS, seed: 'bench' });
    const contenders = FRONTENDS.flatMap((frontend) =>
      ENGINES.map((engine) => ({ frontend, engine, seconds: [] as number[] })),
    );
    for (let round = 0; round < rounds; round++)
      for (const { frontend, engine, seconds } of contenders)
        seconds.push(await replayOnce(frontend, engine, tracePath, folder, profile));
    return contenders.flatMap(({ frontend, engine, seconds }) => {
      const name = `${frontend === 'ring' ? 'partitioned' : `hosted ${frontend}`}, ${engine}`;
      const row = toRow(`replay of 1 h at 1 Hz, certified: ${name}`, seconds, 's');
      const met = { text: `< ${BAR_S} s`, met: row.value < BAR_S };
      return [
        { ...row, bar: met },
        toRow(
          `  as a multiple of real time: ${name}`,
          seconds.map((s) => 3600 / s),
          'times',
        ),
      ];
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs with `engine` and is certified by the other one. */
async function replayOnce(
  frontend: Frontend,
  engine: Engine,
  replayPath: string,
  outDir: string,
  profile: string,
): Promise<number> {
  const { createExecutor } = await loadWiring();
  const ns = await timeNsAsync(async () => {
    const run = await createExecutor().execute({
      cell: {
        plan: 'bench',
        profile,
        binding: 'replay',
        architecture: frontend === 'ring' ? 'partitioned' : 'hosted',
        frontend,
        engine,
      },
      guest: 'gnss-logger',
      durationNs: 2 * HOUR_NS,
      seed: 'bench',
      outDir,
      replayPath,
    });
    if (!run.certification.certified) throw new Error(run.certification.sentence);
  });
  return ns / 1e9;
}
