/** Makes traces of other programs' recordings, in the words of the command line. */

import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  describeSigrokImport,
  HalError,
  importCapture,
  importGpsdLog,
  importHidRecorder,
  importSigrok,
  importUmockdev,
  parseLine,
  type RecordingKind,
  recordingKind,
  SigrokFile,
  type SigrokLines,
  suggestedLines,
} from '../../hal/index.js';
import { RigError } from '../errors.js';
import type { ConvertRequest, ConvertResult } from '../run/services.js';
import { seconds } from './duration-text.js';
import { fileTrouble, openInput, refuseExisting } from './trace-files.js';

/** Short names that a person may give a kind, with what they mean. */
const KIND_NAMES: Readonly<Record<string, RecordingKind>> = {
  usbmon: 'pcapng',
  usbpcap: 'pcapng',
  sigrok: 'sigrok',
  'hid-recorder': 'hid-recorder',
  'umockdev-device': 'umockdev description',
  'umockdev-script': 'umockdev script',
  'umockdev-ioctl': 'umockdev ioctl tree',
  gpsd: 'gpsd log',
};

/** Keys and values of `rx=RX,tx=TX,inverted`; a key alone is `yes`. `RIG_USAGE` for one that is not `known`. */
function pairsOf(option: string, text: string, known: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const part of text.split(',')) {
    const equals = part.indexOf('=');
    const key = (equals < 0 ? part : part.slice(0, equals)).trim();
    if (!known.includes(key) || found.has(key))
      throw new RigError('RIG_USAGE', `${option} does not know "${part.trim()}"`, {
        hint: `it takes ${known.map((name) => `${name}=…`).join(', ')}, each once`,
      });
    found.set(key, equals < 0 ? 'yes' : part.slice(equals + 1).trim());
  }
  return found;
}

function uartLines(text: string): NonNullable<SigrokLines['uart']> {
  const given = pairsOf('--uart', text, ['rx', 'tx', 'baud', 'format', 'inverted']);
  const baudRate = given.has('baud') ? Number(given.get('baud')) : undefined;
  if (baudRate !== undefined && !(baudRate >= 1 && baudRate <= 50_000_000))
    throw new RigError('RIG_USAGE', `--uart baud=${given.get('baud')} is no baud rate`, { hint: 'write baud=9600' });
  const inverted = given.get('inverted');
  if (inverted !== undefined && inverted !== 'yes' && inverted !== 'no')
    throw new RigError('RIG_USAGE', `--uart inverted=${inverted} is neither yes nor no`);
  if (!given.has('rx') && !given.has('tx'))
    throw new RigError('RIG_USAGE', '--uart names no probe', { hint: 'write --uart rx=PROBE,tx=PROBE' });
  return {
    rx: given.get('rx'),
    tx: given.get('tx'),
    baudRate,
    format: given.has('format') ? parseLine(`${baudRate ?? 9600} ${given.get('format')}`) : undefined,
    inverted: inverted === undefined ? undefined : inverted === 'yes',
  };
}

function usbLines(text: string): NonNullable<SigrokLines['usb']> {
  const given = pairsOf('--usb', text, ['dp', 'dm', 'speed']);
  const dp = given.get('dp');
  const dm = given.get('dm');
  const speed = given.get('speed');
  if (dp === undefined || dm === undefined)
    throw new RigError('RIG_USAGE', '--usb needs the probes of both lines', { hint: 'write --usb dp=PROBE,dm=PROBE' });
  if (speed !== undefined && speed !== 'full' && speed !== 'low')
    throw new RigError('RIG_USAGE', `--usb speed=${speed} cannot be decoded`, { hint: 'choose full or low' });
  return { dp, dm, speed };
}

function sigrokLines({ uart, usb }: ConvertRequest): SigrokLines | undefined {
  if (uart === undefined && usb === undefined) return undefined;
  return {
    ...(uart === undefined ? {} : { uart: uartLines(uart) }),
    ...(usb === undefined ? {} : { usb: usbLines(usb) }),
  };
}

function kindOf(request: ConvertRequest): RecordingKind {
  const named = request.kind === undefined ? undefined : KIND_NAMES[request.kind];
  return named ?? recordingKind(request.inPath);
}

/** Options that go with one kind alone are refused with any other: a person would believe they did something. */
function checkOptions(request: ConvertRequest, kind: RecordingKind): void {
  const umockdev = kind.startsWith('umockdev');
  const wrong =
    (request.uart !== undefined || request.usb !== undefined) && kind !== 'sigrok'
      ? '--uart and --usb go with sigrok sessions'
      : request.devicePath !== undefined && !umockdev && kind !== 'pcapng'
        ? '--device goes with USB captures and umockdev files'
        : (request.scriptPaths?.length ?? 0) + (request.ioctlPaths?.length ?? 0) > 0 && !umockdev
          ? '--script and --ioctl go with umockdev files'
          : request.baudRate !== undefined && kind !== 'gpsd log'
            ? '--baud goes with gpsd logs'
            : undefined;
  if (wrong === undefined) return;
  throw new RigError('RIG_USAGE', `${wrong}, and ${request.inPath} is taken for ${kind}`, {
    where: request.inPath,
    hint: 'leave the option out, or say what the file is with --format',
  });
}

/**
 * A file that is not there, or that no decoder's options fit, is `RIG_INPUT_MISSING`; a malformed one `HAL_TRACE`; what
 * cannot be written, or exists already, `RIG_OUTPUT`; options that make no sense `RIG_USAGE`. What was written until then is removed.
 */
export async function convertTrace(request: ConvertRequest): Promise<ConvertResult> {
  const outPath = resolve(request.outPath);
  const lines = sigrokLines(request);
  let kind: RecordingKind;
  try {
    kind = kindOf(request);
  } catch (error) {
    throw fileTrouble(error, 'RIG_INPUT_MISSING');
  }
  checkOptions(request, kind);
  refuseExisting(outPath);
  try {
    return { kind, sentences: await convert({ ...request, outPath }, kind, lines) };
  } catch (error) {
    rmSync(outPath, { force: true });
    const isOutput = error instanceof HalError && error.where !== undefined && resolve(error.where) === outPath;
    throw fileTrouble(error, isOutput ? 'RIG_OUTPUT' : 'RIG_INPUT_MISSING');
  }
}

async function convert(
  request: ConvertRequest,
  kind: RecordingKind,
  lines: SigrokLines | undefined,
): Promise<string[]> {
  const { inPath, outPath } = request;
  switch (kind) {
    case 'sigrok':
      return describeSigrokImport(await importSigrok(inPath, outPath, lines ?? (await linesByName(inPath))));
    case 'hid-recorder':
      return hidRecorder(inPath, outPath);
    case 'umockdev description':
    case 'umockdev script':
    case 'umockdev ioctl tree':
      return umockdev(request, kind);
    case 'gpsd log':
      return gpsd(request);
    case 'pcapng':
      return capture(request);
    default:
      throw new HalError('HAL_TRACE', `${inPath} is no recording of a known kind`, {
        where: inPath,
        hint: `say what it is with --format: ${Object.keys(KIND_NAMES).join(', ')}`,
      });
  }
}

/** What the probes' names suggest; `RIG_USAGE` when they suggest nothing. */
async function linesByName(inPath: string): Promise<SigrokLines> {
  const file = await SigrokFile.open(inPath);
  file.close();
  const lines = suggestedLines(file);
  if (lines.uart !== undefined || lines.usb !== undefined) return lines;
  const names = file.metadata.probes.map(({ name }) => name).join(', ') || 'none with a name';
  throw new RigError('RIG_USAGE', `no probe of ${inPath} is called like a line that can be decoded; it has ${names}`, {
    where: inPath,
    hint: 'say what is on them with --uart rx=PROBE,tx=PROBE or --usb dp=PROBE,dm=PROBE',
  });
}

function hidRecorder(inPath: string, outPath: string): string[] {
  const { devices, reports, durationNs, timesBack } = importHidRecorder(inPath, outPath);
  const hex = (id: number): string => id.toString(16).padStart(4, '0');
  return [
    ...devices.map(
      ({ name, vendorId, productId, reports: own }) => `${hex(vendorId)}:${hex(productId)} ${name}: ${own} reports`,
    ),
    `${reports} reports in ${seconds(durationNs)}${timesBack > 0 ? `, ${timesBack} with a time before that of the one before` : ''}`,
    'descriptors but for the report descriptor are made up: a full-speed device with the endpoints 81h and 01h',
  ];
}

function umockdev(request: ConvertRequest, kind: RecordingKind): string[] {
  const { inPath, outPath, devicePath, scriptPaths = [], ioctlPaths = [] } = request;
  if (devicePath !== undefined && kind === 'umockdev description')
    throw new RigError('RIG_USAGE', '--device names a second description', { hint: 'give the script first' });
  const done = importUmockdev(
    {
      description: kind === 'umockdev description' ? inPath : devicePath,
      scripts: [...(kind === 'umockdev script' ? [inPath] : []), ...scriptPaths],
      ioctls: [...(kind === 'umockdev ioctl tree' ? [inPath] : []), ...ioctlPaths],
    },
    outPath,
  );
  return [
    `descriptors: ${done.descriptors}`,
    `${done.reads} reads, ${done.writes} writes, ${done.urbs} URBs, ${done.ioctls} other ioctls in ${seconds(done.durationNs)}`,
    ...(done.urbs > 0 ? ['ioctl trees tell no times: a millisecond stands between transfers'] : []),
    ...(done.cutUrbs > 0 ? [`the data of ${done.cutUrbs} URBs are not whole in the tree`] : []),
  ];
}

function gpsd(request: ConvertRequest): string[] {
  const { baudRate } = request;
  const done = importGpsdLog(request.inPath, request.outPath, baudRate === undefined ? {} : { baudRate });
  const paced = done.timeSource === undefined ? 'back to back, as no times are in it' : `by ${done.timeSource} times`;
  return [`${done.bytes} characters at ${done.baudRate} baud, ${paced}: ${seconds(done.durationNs)}`];
}

function capture({ inPath, outPath, devicePath }: ConvertRequest): string[] {
  const trace = openInput(inPath);
  if (trace.manifest !== undefined)
    throw new RigError('RIG_USAGE', `${inPath} is a trace of this project already`, {
      where: inPath,
      hint: 'use it as it is',
    });
  const { devices, urbs, isochronous, orphans } = importCapture(inPath, outPath, devicePath);
  return [
    ...devices.map(({ label, bus, device, descriptors }) => `${label} (${bus}.${device}), descriptors: ${descriptors}`),
    `${urbs} URBs, ${orphans} completions of earlier ones`,
    ...(isochronous > 0 ? [`${isochronous} isochronous packets were left out`] : []),
  ];
}
