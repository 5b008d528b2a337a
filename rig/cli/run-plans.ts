/** What `rig run` and `rig start` share: run plans, show progress, write the reports, print the tables. */

import { arch, availableParallelism, cpus, platform } from 'node:os';
import { relative, resolve } from 'node:path';
import { WallClock } from '../../base/index.js';
import { findRecording } from '../paths.js';
import { cellLabel, type Selection } from '../plan/matrix.js';
import { runSession } from '../plan/session.js';
import { countVerdicts, type HostFacts } from '../report/run-json.js';
import { differentialTables, paint, resultTable } from '../report/table.js';
import { techniqueText } from '../report/technique-text.js';
import { acrossEngines, techniqueTables } from '../report/techniques.js';
import { prepareOutput, writeReports } from '../report/write-reports.js';
import type { RunExecutor } from '../run/run-types.js';
import type { PreflightRequest } from '../run/services.js';
import { type SessionRecord, sessionErrors, sessionVerdict, type TestRecord } from '../verdict/records.js';
import { type ErrorRecord, GRAVITY, type Verdict } from '../verdict/verdict.js';
import { createDisplay, wantsColour } from './display.js';
import type { CommandEnvironment } from './environment.js';
import { sessionExitCode } from './exit-codes.js';
import { listenForInterrupt } from './interrupt.js';
import { advice } from './present-error.js';

export interface RunPlansOptions {
  readonly files: readonly string[];
  readonly selection: Selection;
  readonly seed?: string;
  readonly port?: string;
  /** Whether cells ask the host for a core, priority and locked memory; true when absent. */
  readonly realTime?: boolean;
  /** Calibration file of runs in virtual time; the shipped one when absent. */
  readonly calibration?: string;
  readonly outDir: string;
  readonly timeoutMs: number;
  readonly grep?: RegExp;
  readonly quiet: boolean;
  readonly failOnInconclusive: boolean;
  /** Errors with their stacks. */
  readonly verbose: boolean;
}

/** Answers the exit code. The reports are written whatever the verdict, also after Ctrl-C. */
export async function runPlans(options: RunPlansOptions, environment: CommandEnvironment): Promise<number> {
  const { stdout, stderr } = environment;
  const display = createDisplay({ stream: stderr, quiet: options.quiet, colour: wantsColour(stderr) });
  const outDir = resolve(options.outDir);
  await environment.preflight(namedInputs(options));
  const interrupt = listenForInterrupt((line) => display.say(line));
  const clock = new WallClock();
  prepareOutput(outDir);
  let executor: Promise<RunExecutor> | undefined;
  try {
    const session = await runSession({
      files: options.files,
      selection: options.selection,
      seed: options.seed,
      port: options.port,
      realTime: options.realTime ?? true,
      outDir,
      timeoutMs: options.timeoutMs,
      abort: interrupt.signal,
      executor: () => {
        executor ??= environment.executor(options.calibration);
        return executor;
      },
      emit: (event) => display.event(event),
      ...(options.grep === undefined ? {} : { grep: options.grep }),
    });
    display.stop();
    const written = writeReports(session, outDir, hostFacts(clock), options);
    stdout.write(
      `${summary(session, { colour: wantsColour(stdout), quiet: options.quiet, verbose: options.verbose })}\n`,
    );
    stdout.write(`reports: ${[written.runJson, written.junit, written.hostJson].map(shown).join(', ')}\n`);
    stdout.write(`HTML report: ${shown(written.html)}\n`);
    return sessionExitCode(session, options.failOnInconclusive);
  } finally {
    display.stop();
    interrupt.release();
  }
}

function namedInputs({ selection: { profiles, recording }, calibration }: RunPlansOptions): PreflightRequest {
  return {
    ...(profiles === undefined ? {} : { profiles }),
    ...(calibration === undefined ? {} : { calibrationPath: calibration }),
    ...(recording === undefined ? {} : { recordingPath: findRecording(recording) }),
  };
}

function shown(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith('..') ? path : near;
}

interface SummaryOptions {
  readonly colour: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
}

/** The tables, everything that did not pass with its sentence, and the verdict. */
function summary(session: SessionRecord, { colour, quiet, verbose }: SummaryOptions): string {
  const verdict = sessionVerdict(session);
  const counts = countVerdicts(session);
  const line = GRAVITY.flatMap((v) => (counts[v] === undefined ? [] : [`${counts[v]} ${v}`])).join(', ');
  const parts = [`${paint(verdict, colour)}: ${line || 'no test was run'}`];
  const troubles = troubleLines(session, colour);
  if (verbose) troubles.push(...sessionErrors(session).flatMap((error) => error.stack ?? []));
  if (troubles.length > 0) parts.unshift(troubles.join('\n'));
  if (!quiet && session.cells.length > 0) {
    const differential = differentialTables(session);
    const techniques = techniqueText(acrossEngines(techniqueTables(session.cells)));
    if (techniques !== '') parts.unshift(techniques);
    if (differential !== '') parts.unshift(differential);
    parts.unshift(resultTable(session, colour));
  }
  return parts.join('\n\n');
}

/** One entry for each sentence, with every place it holds for; the gravest first. */
function troubleLines(session: SessionRecord, colour: boolean): string[] {
  const places = new Map<string, { readonly verdict: Verdict; readonly sentence: string; readonly where: string[] }>();
  const add: AddTrouble = (verdict, where, message, error) => {
    const named = verdict === 'ERROR' || verdict === 'TIMEOUT' || verdict === 'ABORTED';
    const layer = named && error !== undefined ? ` (${error.layer}: ${error.code})` : '';
    const sentence = `${advice(message, error?.hint)}${layer}`;
    const key = `${verdict} ${sentence}`;
    const known = places.get(key);
    if (known === undefined) places.set(key, { verdict, sentence, where: [where] });
    else known.where.push(where);
  };
  for (const { during, verdict, error } of session.failures) add(verdict, during, error.message, error);
  for (const { cell, tests, failures } of session.cells) {
    const place = `${cell.plan} [${cellLabel(cell)}]`;
    for (const f of failures) add(f.verdict, `${place}: ${f.during}`, f.error.message, f.error);
    for (const t of tests) addTest(t, `${place}: ${t.title}`, add);
  }
  for (const t of session.outside) addTest(t, t.title, add);
  return [...places.values()]
    .sort((a, b) => GRAVITY.indexOf(a.verdict) - GRAVITY.indexOf(b.verdict))
    .map(({ verdict, sentence, where }) => `${paint(verdict, colour)}  ${sentence}\n${placeLines(where)}`);
}

const PLACES_SHOWN = 4;

function placeLines(where: readonly string[]): string {
  const lines = where.slice(0, PLACES_SHOWN).map((place) => `    ${place}`);
  if (where.length > PLACES_SHOWN) lines.push(`    and ${where.length - PLACES_SHOWN} more, see run.json`);
  return lines.join('\n');
}

type AddTrouble = (verdict: Verdict, where: string, message: string, error: ErrorRecord | undefined) => void;

function addTest(test: TestRecord, place: string, add: AddTrouble): void {
  if (test.verdict !== 'PASS') add(test.verdict, place, test.error?.message ?? test.reason ?? '', test.error);
}

function hostFacts(clock: WallClock): HostFacts {
  return {
    startedAtMs: Number(clock.originUnixNs / 1_000_000n),
    wallMs: Math.round(clock.now() / 1e6),
    node: process.versions.node,
    platform: platform(),
    arch: arch(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    command: process.argv.slice(2),
  };
}
