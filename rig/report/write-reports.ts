/** Writes the result files of a session into its output folder. */

import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RigError } from '../errors.js';
import { packageVersion } from '../package-version.js';
import { ensureFolder } from '../plan/context.js';
import type { SessionRecord } from '../verdict/records.js';
import { htmlReport } from './html/page.js';
import { type JunitOptions, junitXml } from './junit.js';
import { type HostFacts, hostJson, runJson } from './run-json.js';

export interface WrittenReports {
  readonly runJson: string;
  readonly hostJson: string;
  readonly junit: string;
  readonly html: string;
}

/** Makes the folder ready: what an earlier session of the rig left there goes, nothing else does. */
export function prepareOutput(outDir: string): void {
  ensureFolder(outDir);
  if (!existsSync(join(outDir, 'run.json'))) return;
  for (const name of ['run.json', 'host.json', 'junit.xml', 'report.html', 'runs'])
    rmSync(join(outDir, name), { recursive: true, force: true });
}

/** `RIG_OUTPUT` when a file cannot be written. */
export function writeReports(
  session: SessionRecord,
  outDir: string,
  facts: HostFacts,
  options: JunitOptions,
): WrittenReports {
  ensureFolder(outDir);
  const version = packageVersion();
  return {
    runJson: write(join(outDir, 'run.json'), runJson(session, outDir, version)),
    hostJson: write(join(outDir, 'host.json'), hostJson(session, facts)),
    junit: write(join(outDir, 'junit.xml'), junitXml(session, options)),
    html: write(join(outDir, 'report.html'), htmlReport(session, { outDir, version, host: facts })),
  };
}

function write(path: string, text: string): string {
  try {
    writeFileSync(path, text);
  } catch (cause) {
    throw new RigError('RIG_OUTPUT', `the result file ${path} cannot be written`, {
      where: path,
      hint: 'see whether the disk is full and the folder may be written to',
      cause,
    });
  }
  return path;
}
