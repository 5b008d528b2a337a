/** What there is to say about recordings of other programs before they are converted. */

import {
  importGpsdLog,
  importHidRecorder,
  importUmockdev,
  MemorySink,
  type RecordingKind,
  SigrokFile,
  suggestedLines,
  type UmockdevFiles,
} from '../../hal/index.js';
import type { TraceInfo } from '../run/services.js';
import { seconds } from './duration-text.js';

type Facts = [label: string, value: string][];

/** Takes whatever is recorded and keeps nothing. */
class NullSink extends MemorySink {
  override write(): void {}
}

const hex = (id: number): string => id.toString(16).padStart(4, '0');

async function sigrokFacts(path: string): Promise<Facts> {
  const file = await SigrokFile.open(path);
  try {
    const { sampleRate, unitSize, probes } = file.metadata;
    const { uart, usb } = suggestedLines(file);
    const lines = [
      uart === undefined
        ? ''
        : `serial line on ${[uart.rx, uart.tx].filter((name) => name !== undefined).join(' and ')}`,
      usb === undefined ? '' : `USB on ${usb.dp} and ${usb.dm}`,
    ].filter((text) => text !== '');
    return [
      ['samples', `${file.samples} of ${unitSize} bytes, ${sampleRate / 1e6} MHz`],
      ['duration', seconds(file.timeNs(file.samples))],
      ['probes', probes.map(({ name, bit }) => `${name} (bit ${bit})`).join(', ') || 'none with a name'],
      ['decodes as', lines.join(', ') || 'name the probes with --uart or --usb of "rig trace convert"'],
    ];
  } finally {
    file.close();
  }
}

function hidRecorderFacts(path: string): Facts {
  const { devices, reports, durationNs, unknownLines } = importHidRecorder(path, new NullSink());
  return [
    ...devices.map(({ name, vendorId, productId, reports: own }): [string, string] => [
      'device',
      `${hex(vendorId)}:${hex(productId)} ${name}: ${own} reports`,
    ]),
    ['reports', `${reports} in ${seconds(durationNs)}`],
    ...(unknownLines > 0 ? ([['lines not understood', String(unknownLines)]] as Facts) : []),
  ];
}

function gpsdFacts(path: string): Facts {
  const { bytes, baudRate, timeSource, epochs, durationNs } = importGpsdLog(path, new NullSink());
  return [
    ['characters', `${bytes} at ${baudRate} baud`],
    ['times', timeSource === undefined ? 'none' : `${timeSource}, ${epochs} epochs`],
    ['duration', seconds(durationNs)],
  ];
}

function umockdevFacts(path: string, kind: RecordingKind): Facts {
  const files: UmockdevFiles =
    kind === 'umockdev description'
      ? { description: path }
      : kind === 'umockdev script'
        ? { scripts: [path] }
        : { ioctls: [path] };
  const { device, reads, writes, urbs, ioctls, durationNs } = importUmockdev(files, new NullSink());
  const word = (at: number): string => hex((device?.device[at] ?? 0) | ((device?.device[at + 1] ?? 0) << 8));
  const names = [device?.strings.get(device.device[14]), device?.strings.get(device.device[15])];
  return [
    ...(kind === 'umockdev description' && device !== undefined
      ? ([
          ['device', [`${word(8)}:${word(10)}`, ...names].filter((text) => text !== undefined).join(' ')],
          ['speed', device.speed],
          ['configurations', String(device.configurations.length)],
          [
            'report descriptors',
            [...device.reports].map(([n, { length }]) => `interface ${n}: ${length} bytes`).join(', ') || 'none',
          ],
        ] as Facts)
      : []),
    ...(kind === 'umockdev script'
      ? ([['operations', `${reads} reads, ${writes} writes in ${seconds(durationNs)}`]] as Facts)
      : []),
    ...(kind === 'umockdev ioctl tree' ? ([['ioctls', `${urbs} transfers, ${ioctls} others`]] as Facts) : []),
  ];
}

/** Facts of a recording that is no pcapng. */
export async function recordingFacts(path: string, kind: RecordingKind): Promise<TraceInfo> {
  const facts: Facts = [['kind', `${kind} ("rig trace convert" makes a trace of it)`]];
  if (kind === 'sigrok') facts.push(...(await sigrokFacts(path)));
  else if (kind === 'hid-recorder') facts.push(...hidRecorderFacts(path));
  else if (kind === 'gpsd log') facts.push(...gpsdFacts(path));
  else if (kind.startsWith('umockdev')) facts.push(...umockdevFacts(path, kind));
  return { facts, interfaces: [], endpoints: [], damage: [] };
}
