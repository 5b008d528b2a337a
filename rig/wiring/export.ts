/** Shows a simulator or a recording to programs outside: in wall time, as a pseudo-terminal they open like a device. */

import { createRandom, WallClock } from '../../base/index.js';
import {
  createSimulatedPort,
  createSimulator,
  importGpsdLog,
  type LineSettings,
  MemorySink,
  openPty,
  openTraceBytes,
  type PtyExport,
  type SerialPort,
  type SerialTap,
  serveTcp,
  type TcpExport,
  type TraceFile,
  tapPort,
} from '../../hal/index.js';
import type { TerminalRequest, TerminalResult } from '../run/services.js';
import { seconds } from './duration-text.js';
import { findProfile } from './executor.js';
import { sleepMs } from './host-time.js';
import { SIMULATED } from './record.js';
import { looksLikeLog } from './recording.js';
import { serialProfile } from './run-source.js';
import { openInput, openReplay } from './trace-files.js';

/** How often it is looked whether it is over. */
const TURN_MS = 50;

/** Counts what crosses, whoever listens. */
class Counter implements SerialTap {
  sent = 0;
  heard = 0;

  received(): void {
    this.sent++;
  }

  transmitted(_bytes: Uint8Array, _offset: number, length: number): void {
    this.heard += length;
  }

  configured(): void {}
  modemControl(): void {}
  modemStatus(): void {}
  disconnected(): void {}
  closed(): void {}
  fault(): void {}
}

interface Shown {
  readonly port: SerialPort;
  readonly line: LineSettings;
  /** Whether everything was sent that ever will be. */
  readonly ended: () => boolean;
}

/**
 * Runs until the length is over, a recording has ended and its reader has left, or the signal.
 * Rejects with `RIG_INPUT_MISSING`, `RIG_PROFILE_UNKNOWN`, `HAL_TRACE`, and what `openPty` says.
 */
export async function showTerminal(request: TerminalRequest): Promise<TerminalResult> {
  const clock = new WallClock();
  const { port, line, ended } = openShown(request, clock);
  const counter = new Counter();
  const { linkPath, tcp } = request;
  const shown = tapPort(port, counter, clock);
  const terminal: PtyExport | TcpExport =
    tcp === undefined
      ? await openPty({ port: shown, clock, line, ...(linkPath === undefined ? {} : { linkPath }) })
      : await serveTcp({
          port: shown,
          ...(tcp.host === undefined ? {} : { host: tcp.host }),
          ...(tcp.port === undefined ? {} : { tcpPort: tcp.port }),
        });
  try {
    request.ready(linkPath ?? terminal.path);
    const sentence = await untilOver(request, clock, terminal, counter, ended);
    return { durationNs: clock.now(), characters: counter.sent, heard: counter.heard, lost: terminal.lost, sentence };
  } finally {
    await terminal.close();
  }
}

async function untilOver(
  request: TerminalRequest,
  clock: WallClock,
  terminal: PtyExport | TcpExport,
  counter: Counter,
  ended: () => boolean,
): Promise<string> {
  const endNs = request.durationNs ?? Number.POSITIVE_INFINITY;
  while (!(request.abort?.aborted ?? false)) {
    const nowNs = clock.now();
    if (nowNs >= endNs) return `shown for ${seconds(endNs)}`;
    if (terminal.ended !== undefined) return terminal.ended.message;
    // The last characters stay readable as long as the program that reads them stays.
    if (ended() && !terminal.opened) return 'the recording ended, and its reader left';
    request.progress?.({ elapsedNs: nowNs, characters: counter.sent, opened: terminal.opened });
    await sleepMs(Math.min(TURN_MS, Math.max(1, (endNs - nowNs) / 1e6)));
  }
  return 'stopped';
}

function openShown(request: TerminalRequest, clock: WallClock): Shown {
  const { source, seed } = request;
  if (!source.startsWith(SIMULATED)) return replayed(source, clock);
  const profile = serialProfile(findProfile(source.slice(SIMULATED.length)), 'a terminal');
  const device = createSimulator(profile, {}, { clock, random: createRandom(seed).fork('device') });
  const port = createSimulatedPort({ name: `${SIMULATED}${profile.name}`, clock, device });
  return { port, line: profile.bind.serial, ended: () => false };
}

function replayed(path: string, clock: WallClock): Shown {
  const trace = looksLikeLog(path) ? importedLog(path) : openInput(path);
  const port = openReplay(trace, clock);
  return { port, line: port.line, ended: () => port.ended };
}

function importedLog(path: string): TraceFile {
  const sink = new MemorySink();
  importGpsdLog(path, sink);
  return openTraceBytes(sink.bytes(), path);
}
