/** Options of section, interface and statistics blocks. */

import { APPLICATION, ENTERPRISE_NUMBER, OPTION } from './pcapng-format.js';
import type { InterfaceStatistics, TraceInterface } from './trace-block.js';
import type { TraceWindow } from './trace-window.js';

/** What one interface may say of itself in all; the rest of a hostile list is ignored. */
const MAX_OPTION_BYTES = 65_536;

/** Calls `visit` for every well-formed option from `at` to `end`. */
function eachOption(
  window: TraceWindow,
  at: number,
  end: number,
  visit: (code: number, value: number, length: number) => void,
): void {
  const limit = Math.min(end, at + MAX_OPTION_BYTES);
  for (let next = at; next + 4 <= limit; ) {
    const code = window.uint16(next);
    const length = window.uint16(next + 2);
    if (code === OPTION.end || next + 4 + length > end) return;
    visit(code, next + 4, length);
    next += 4 + ((length + 3) & ~3);
  }
}

/** Whether a section says that the project wrote it. */
export function readApplication(window: TraceWindow, at: number, end: number): boolean {
  let own = false;
  eachOption(window, at, end, (code, value, length) => {
    if (code === OPTION.sectionApplication && length === APPLICATION.length)
      own ||= window.text(value, length) === APPLICATION;
  });
  return own;
}

/** Ticks per second of `if_tsresol` (bit 7: power of two, else of ten); microseconds when it makes no sense. */
function ticksPerSecond(resolution: number): number {
  const exponent = resolution & 0x7f;
  if ((resolution & 0x80) !== 0) return exponent <= 52 ? 2 ** exponent : 1e6;
  return exponent <= 15 ? 10 ** exponent : 1e6;
}

export function readInterface(
  window: TraceWindow,
  at: number,
  end: number,
  index: number,
  linkType: number,
  own: boolean,
): TraceInterface {
  const custom = new Map<string, string>();
  let name = '';
  let description = '';
  let speed = 0;
  let offsetSeconds = 0;
  let ticks = 1e6;
  eachOption(window, at, end, (code, value, length) => {
    if (code === OPTION.interfaceName) name ||= window.text(value, length);
    else if (code === OPTION.interfaceDescription) description ||= window.text(value, length);
    else if (code === OPTION.interfaceSpeed && length === 8) speed = window.uint64(value);
    else if (code === OPTION.interfaceResolution && length === 1) ticks = ticksPerSecond(window.bytes[value]);
    else if (code === OPTION.interfaceOffset && length === 8) offsetSeconds = window.int64(value);
    else if (own && code === OPTION.customString && length > 4 && window.uint32(value) === ENTERPRISE_NUMBER) {
      const text = window.text(value + 4, length - 4);
      const equals = text.indexOf('=');
      if (equals > 0 && !custom.has(text.slice(0, equals))) custom.set(text.slice(0, equals), text.slice(equals + 1));
    }
  });
  const origin = Number(custom.get('clock-origin-ns') ?? 0);
  return {
    index,
    linkType,
    name,
    description,
    speed,
    custom,
    offsetSeconds: Number.isSafeInteger(offsetSeconds) ? offsetSeconds : 0,
    originNs: Number.isInteger(origin) && origin >= 0 && origin < 1e9 ? origin : 0,
    ticksPerSecond: ticks,
    own,
  };
}

export function readStatistics(
  window: TraceWindow,
  at: number,
  end: number,
  interfaceIndex: number,
  timeOf: (high: number, low: number) => number,
): InterfaceStatistics {
  let startNs = -1;
  let endNs = -1;
  let received = -1;
  let dropped = -1;
  eachOption(window, at, end, (code, value, length) => {
    if (length !== 8) return;
    if (code === OPTION.statisticsStart) startNs = timeOf(window.uint32(value), window.uint32(value + 4));
    else if (code === OPTION.statisticsEnd) endNs = timeOf(window.uint32(value), window.uint32(value + 4));
    else if (code === OPTION.statisticsReceived) received = window.uint64(value);
    else if (code === OPTION.statisticsDropped) dropped = window.uint64(value);
  });
  return { interfaceIndex, startNs, endNs, received, dropped };
}
