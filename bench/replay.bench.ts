/** Replay speed: an hour of a 1 Hz receiver played to the guest, as a multiple of real time. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Frontend, loadWiring } from '../rig/index.js';
import { timeNsAsync } from './clock.js';
import { type Row, toRow } from './table.js';

const HOUR_NS = 3600e9;
const BAR_S = 10;

export async function benchReplay(rounds: number): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'rigvisor-bench-'));
  try {
    const tracePath = join(folder, 'hour.pcapng');
    const profile = 'gnss-nmea-1hz';
    const { record } = await loadWiring();
    await record({ port: `sim:${profile}`, profile, outPath: tracePath, durationNs: HOUR_NS, seed: 'bench' });
    const frontends: readonly Frontend[] = ['emulated', 'paravirtual', 'ring'];
    const seconds = new Map<Frontend, number[]>(frontends.map((frontend) => [frontend, []]));
    for (let round = 0; round < rounds; round++)
      for (const frontend of frontends)
        seconds.get(frontend)?.push(await replayOnce(frontend, tracePath, folder, profile));
    return frontends.flatMap((frontend) => {
      const taken = seconds.get(frontend) ?? [];
      const name = frontend === 'ring' ? 'partitioned' : `hosted ${frontend}`;
      const row = toRow(`replay of 1 h at 1 Hz, certified: ${name}`, taken, 's');
      const met = { text: `< ${BAR_S} s`, met: row.value < BAR_S };
      return [
        { ...row, bar: met },
        toRow(
          `  as a multiple of real time: ${name}`,
          taken.map((s) => 3600 / s),
          'times',
        ),
      ];
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function replayOnce(frontend: Frontend, replayPath: string, outDir: string, profile: string): Promise<number> {
  const { createExecutor } = await loadWiring();
  const ns = await timeNsAsync(async () => {
    const run = await createExecutor().execute({
      cell: {
        plan: 'bench',
        profile,
        binding: 'replay',
        architecture: frontend === 'ring' ? 'partitioned' : 'hosted',
        frontend,
        engine: 'interpreter',
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
