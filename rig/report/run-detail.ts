/** What a report shows of a run and a record does not keep: series for the plots, the console, and where the files lie. */

import { basename, relative } from 'node:path';
import { differences } from '../metrics/statistics.js';
import type { GuestReport, RunResult } from '../run/run-types.js';
import type { ChannelView } from '../view/channel-view.js';
import { RunView } from '../view/run-view.js';
import {
  type Histogram,
  histogram,
  type PercentileCurve,
  percentileCurve,
  type TimeSeries,
  timeSeries,
} from './series.js';

export interface ChannelDetail {
  readonly name: string;
  /** Absent on channels whose reports name no cause. */
  readonly latency?: PercentileCurve;
  /** Between consecutive epochs, or reports where there are no epochs, by the rig's stamps. */
  readonly intervals: TimeSeries;
  readonly histogram: Histogram;
  /** When the first report after a gap in the sequence came; the first 100 of them. */
  readonly gapsNs: readonly number[];
}

export interface GuestDetail {
  /** The console as the guest wrote it, its middle left out where it is long. */
  readonly console: string;
  /** Relative to the output folder; absent when the guest wrote nothing. */
  readonly consoleFile?: string;
  /** The first 16. */
  readonly channels: readonly ChannelDetail[];
}

export interface RunDetail {
  /** Relative to the output folder. */
  readonly traceFile: string;
  readonly guests: readonly GuestDetail[];
}

/** A guest chooses how many channels it reports on and how much it prints: the report does not grow with it. */
const MOST_CHANNELS = 16;
const MOST_GAPS = 100;
const CONSOLE_END = 2000;

/** Where a run put its files: the session's output folder and its own in it. */
export interface RunFolders {
  readonly outDir: string;
  readonly runDir: string;
}

export function detailRun(result: RunResult, { outDir, runDir }: RunFolders): RunDetail {
  const within = (path: string): string => {
    const inside = relative(outDir, path).replaceAll('\\', '/');
    return inside.startsWith('../') ? basename(path) : inside;
  };
  return {
    traceFile: within(result.trace.path),
    guests: result.guests.map((guest, index) => {
      const view = new RunView(result, index);
      return {
        console: withoutMiddle(guest.console),
        ...(guest.console === '' ? {} : { consoleFile: within(`${runDir}/${consoleFileName(index)}`) }),
        channels: view.channelNames.slice(0, MOST_CHANNELS).map((name) => detailChannel(name, view.channel(name))),
      };
    }),
  };
}

/** Name of the file in the run's folder that holds what a guest printed. */
export function consoleFileName(guestIndex: number): string {
  return `console-${guestIndex}.txt`;
}

function withoutMiddle(text: string): string {
  if (text.length <= 2 * CONSOLE_END) return text;
  const left = text.length - 2 * CONSOLE_END;
  return `${text.slice(0, CONSOLE_END)}\n[... ${left} characters ...]\n${text.slice(-CONSOLE_END)}`;
}

function detailChannel(name: string, channel: ChannelView): ChannelDetail {
  const { epochs } = channel;
  const { times } = epochs.count > 0 ? epochs : channel;
  const intervals = differences(times);
  const { latency } = channel;
  return {
    name,
    ...(latency.count > 0 ? { latency: percentileCurve(latency.samples) } : {}),
    intervals: timeSeries(times.subarray(1), intervals),
    histogram: histogram(intervals),
    gapsNs: gaps(channel.reports),
  };
}

function gaps(reports: readonly GuestReport[]): number[] {
  const found: number[] = [];
  for (let i = 1; i < reports.length && found.length < MOST_GAPS; i++) {
    const step = (reports[i].sequence - reports[i - 1].sequence) >>> 0;
    // A step back is a repetition, not a loss.
    if (step > 1 && step < 0x8000_0000) found.push(reports[i].reportedAtNs);
  }
  return found;
}
