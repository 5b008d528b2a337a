/** The `metadata` entry of a sigrok session: sample rate, sample size and probe names, read with suspicion. */

import { HalError } from '../../../errors.js';

export interface SigrokProbe {
  readonly name: string;
  /** Position in a sample: bit `bit & 7` of byte `bit >> 3`. */
  readonly bit: number;
}

export interface SigrokMetadata {
  /** Hertz. */
  readonly sampleRate: number;
  /** Bytes of one sample. */
  readonly unitSize: number;
  /** Name of the logic data without its number: `logic-1`. */
  readonly captureFile: string;
  /** In order of their bits. */
  readonly probes: readonly SigrokProbe[];
}

const MAX_SAMPLE_RATE = 100e9;
const MAX_UNIT_SIZE = 8;
const MAX_PROBES = MAX_UNIT_SIZE * 8;
const MULTIPLES: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9 };

function refuse(where: string, what: string, hint: string): never {
  throw new HalError('HAL_TRACE', `${where} ${what}`, { where, hint });
}

/** Hertz of `50 MHz`, `200 kHz`, `1000000`; `NaN` for anything else. */
export function parseSampleRate(text: string): number {
  const match = /^(\d{1,15}(?:\.\d{1,9})?)\s*([kKmMgG]?)(?:[hH][zZ])?$/.exec(text.trim());
  return match === null ? Number.NaN : Number(match[1]) * MULTIPLES[match[2].toLowerCase()];
}

/** Keys of the first `[device N]` section that has logic data; an INI line is `key=value`. */
function deviceSection(text: string): ReadonlyMap<string, string> | undefined {
  let section: Map<string, string> | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (/^\[device \d+\]$/.test(line.trim())) {
      if (section?.has('capturefile')) break;
      section = new Map();
      continue;
    }
    if (line.startsWith('[')) {
      if (section?.has('capturefile')) break;
      section = undefined;
      continue;
    }
    const equals = line.indexOf('=');
    if (section === undefined || equals <= 0) continue;
    const key = line.slice(0, equals).trim();
    if (!section.has(key)) section.set(key, line.slice(equals + 1).trim());
  }
  return section?.has('capturefile') ? section : undefined;
}

/**
 * Reads `metadata` as libsigrok's session files have it (srzip, version 1 and 2). `where` names the file. Throws
 * `HAL_TRACE` when it holds no logic data, a sample rate or a sample size that no analyser has, or a probe outside the sample.
 */
export function parseSigrokMetadata(text: string, where: string): SigrokMetadata {
  const section = deviceSection(text);
  if (section === undefined)
    refuse(where, 'holds no logic data', 'Record digital channels; analogue ones alone cannot be decoded.');
  const sampleRate = parseSampleRate(section.get('samplerate') ?? '');
  if (!(sampleRate >= 1 && sampleRate <= MAX_SAMPLE_RATE))
    refuse(
      where,
      `tells no usable sample rate ("${(section.get('samplerate') ?? '').slice(0, 40)}")`,
      'Record it with one: sigrok-cli --config samplerate=24m.',
    );
  const unitSize = Number(section.get('unitsize') ?? '1');
  if (!Number.isInteger(unitSize) || unitSize < 1 || unitSize > MAX_UNIT_SIZE)
    refuse(
      where,
      `has samples of ${(section.get('unitsize') ?? '').slice(0, 40)} bytes`,
      `Record at most ${MAX_PROBES} channels.`,
    );
  const captureFile = section.get('capturefile') ?? '';
  if (!/^[\w.-]{1,64}$/.test(captureFile))
    refuse(where, 'names logic data that no session has', 'Save it again with sigrok.');
  const probes: SigrokProbe[] = [];
  for (const [key, name] of section) {
    const number = /^probe(\d{1,3})$/.exec(key);
    if (number === null) continue;
    const bit = Number(number[1]) - 1;
    if (bit < 0 || bit >= unitSize * 8)
      refuse(where, `has a probe ${bit + 1} outside its samples of ${unitSize} bytes`, 'Save it again with sigrok.');
    probes.push({ name: name.slice(0, 64), bit });
  }
  return { sampleRate, unitSize, captureFile, probes: probes.sort((a, b) => a.bit - b.bit) };
}
