/** Shows how a session gets on: a moving line on a terminal, plain lines elsewhere, nothing when quiet. */

import ora from 'ora';
import { formatValue } from '../metrics/measurement.js';
import type { SessionEvent } from '../plan/context.js';
import { cellLabel } from '../plan/matrix.js';
import { paint } from '../report/table.js';
import type { Verdict } from '../verdict/verdict.js';

export interface Display {
  event(event: SessionEvent): void;
  /** A line of its own, above what moves. */
  say(line: string): void;
  stop(): void;
}

export interface DisplayOptions {
  readonly stream: NodeJS.WriteStream;
  readonly quiet: boolean;
  readonly colour: boolean;
}

export function createDisplay(options: DisplayOptions): Display {
  if (options.quiet) return { event: () => {}, say: (line) => writeLine(options.stream, line), stop: () => {} };
  return isLive(options.stream) ? liveDisplay(options) : plainDisplay(options);
}

/** A terminal that a person looks at, wide enough for a line; CI systems set `CI` and keep every line. */
export function isLive(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && stream.columns >= 20 && !process.env.CI && process.env.TERM !== 'dumb';
}

/** Colour on a terminal, unless `NO_COLOR` is set to something. */
export function wantsColour(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
}

function plainDisplay({ stream, colour }: DisplayOptions): Display {
  return {
    event: (event) => {
      if (event.kind === 'run-begins')
        writeLine(stream, `run   ${event.cell.plan} [${cellLabel(event.cell)}] for ${event.asked}`);
      if (event.kind === 'test-ends') writeLine(stream, testLine(event, colour));
    },
    say: (line) => writeLine(stream, line),
    stop: () => {},
  };
}

function liveDisplay({ stream, colour }: DisplayOptions): Display {
  // The process ends by itself when the session is done, and Ctrl-C belongs to the session.
  const spinner = ora({ stream, discardStdin: false, hideCursor: true });
  const above = (line: string): void => {
    const moving = spinner.isSpinning;
    spinner.stop();
    writeLine(stream, line);
    if (moving) spinner.start();
  };
  return {
    event: (event) => {
      if (event.kind === 'run-begins') spinner.start(`${event.cell.plan} [${cellLabel(event.cell)}]: preparing`);
      else if (event.kind === 'run-progress') spinner.text = progressText(event);
      else {
        // No run is under way when a test ends; the next one starts the line again.
        spinner.stop();
        writeLine(stream, testLine(event, colour));
      }
    },
    say: above,
    stop: () => void spinner.stop(),
  };
}

function progressText(event: Extract<SessionEvent, { kind: 'run-progress' }>): string {
  const { phase, elapsedNs, durationNs, characters, reports } = event.progress;
  const time = `${formatValue(elapsedNs, 'ns')} of ${formatValue(durationNs, 'ns')}`;
  return `${event.cell.plan} [${cellLabel(event.cell)}]: ${phase}, ${time}, ${characters} characters, ${reports} reports`;
}

function testLine(event: Extract<SessionEvent, { kind: 'test-ends' }>, colour: boolean): string {
  const cell = event.cell === undefined ? '' : ` [${cellLabel(event.cell)}]`;
  const verdict = paint(event.verdict as Verdict, colour);
  return `${verdict}${' '.repeat(Math.max(1, 13 - event.verdict.length))}${event.title}${cell}`;
}

function writeLine(stream: NodeJS.WritableStream, line: string): void {
  stream.write(`${line}\n`);
}
