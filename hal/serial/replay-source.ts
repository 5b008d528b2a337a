/** What is replayed: one serial interface of a trace. */

import { LINK_TYPE } from '../trace/pcapng-format.js';
import type { TraceInterface } from '../trace/trace-block.js';
import { type InterfaceSelector, selectInterface, type TraceFile } from '../trace/trace-file.js';
import { parseLine } from './line-settings.js';
import type { LineSettings } from './serial-port.js';

export interface ReplaySource {
  readonly trace: TraceFile;
  readonly interface: TraceInterface;
  /** Line settings at the start of the recording. */
  readonly line: LineSettings;
  readonly strict: boolean;
}

/** Settings as text, or `fallback` when the text is something else. */
export function lineOr(text: string, fallback: LineSettings): LineSettings {
  try {
    return parseLine(text);
  } catch {
    return fallback;
  }
}

/** Throws `HAL_NOT_FOUND` or `HAL_INVALID`, naming the choices, when `selector` names no serial interface. */
export function replaySource(trace: TraceFile, selector: InterfaceSelector | undefined, strict: boolean): ReplaySource {
  const described = selectInterface(trace, selector, LINK_TYPE.rtacSerial);
  const fallback: LineSettings = {
    baudRate: described.speed > 0 ? described.speed : 9600,
    dataBits: 8,
    parity: 'none',
    stopBits: 1,
  };
  return { trace, interface: described, line: lineOr(described.custom.get('line') ?? '', fallback), strict };
}
