/** Looking into traces and taking them apart, in the words of the command line. */

import {
  decodeUsbPacket,
  deviceLabel,
  diffTraces as diffFiles,
  type EndpointTotals,
  exportTrace as exportInterface,
  isUsbLink,
  type LaneDiff,
  LINK_TYPE,
  type RecordingKind,
  recordingKind,
  SNAPSHOT_MARK,
  selectInterface,
  type TraceInfo as TraceFacts,
  type TraceFile,
  UsbDeviceTable,
  UsbRecord,
  type UsbTotals,
} from '../../hal/index.js';
import type { DiffRequest, DiffResult, EndpointFacts, ExportRequest, TraceInfo } from '../run/services.js';
import { seconds } from './duration-text.js';
import { recordingFacts } from './recording-facts.js';
import { fileTrouble, openInput, refuseExisting } from './trace-files.js';

/** As `openInput`, for a recording of any kind. */
export async function traceInfo(path: string): Promise<TraceInfo> {
  try {
    const kind: RecordingKind = recordingKind(path);
    if (kind !== 'pcapng' && kind !== 'unknown') return await recordingFacts(path, kind);
  } catch (error) {
    throw fileTrouble(error, 'RIG_INPUT_MISSING');
  }
  const trace = openInput(path);
  const info = trace.info();
  const facts: [string, string][] = [
    ['size', `${info.fileBytes} bytes, ${info.blocks} blocks, ${info.packets} packets`],
    ['duration', seconds(info.durationNs)],
    ['clock', info.clock ?? 'not told (not a recording of this project)'],
    ['end', endOf(info)],
  ];
  const { manifest } = info;
  if (typeof manifest === 'object' && manifest !== null) {
    for (const [key, value] of Object.entries(manifest)) {
      if (value === undefined || key === 'kind') continue;
      facts.push([key, typeof value === 'object' ? JSON.stringify(value) : String(value)]);
    }
  }
  for (const { interface: described, received, transmitted, lineErrors, dropped, usb } of info.interfaces) {
    if (usb !== undefined) facts.push([described.name || `interface ${described.index}`, usbSentence(usb)]);
    if (described.linkType !== LINK_TYPE.rtacSerial) continue;
    facts.push([
      described.name,
      `${received} characters received, ${transmitted} sent, ${lineErrors} line errors, ${dropped} dropped`,
    ]);
  }
  return {
    facts,
    interfaces: info.interfaces.map(({ interface: described, packets, bytes, firstNs, lastNs, dropped, cut }) => ({
      name: described.name,
      linkType: described.linkType,
      blocks: packets,
      bytes,
      from: packets === 0 ? '' : seconds(firstNs),
      to: packets === 0 ? '' : seconds(lastNs),
      dropped,
      cut,
    })),
    endpoints: info.interfaces.some(({ interface: described }) => isUsbLink(described.linkType))
      ? endpointsOf(trace)
      : [],
    damage: info.damage.map(
      ({ offset, length, reason }) => `${length} bytes at offset ${offset} were skipped: ${reason}`,
    ),
  };
}

function usbSentence(usb: UsbTotals): string {
  const failed = [...usb.statuses].sort(([a], [b]) => b - a).map(([status, count]) => `${count} with status ${status}`);
  return [
    `${usb.submitted} URBs submitted, ${usb.completed} completed`,
    ...(failed.length > 0 ? [`(${failed.join(', ')})`] : []),
    `on ${usb.devices.size} ${usb.devices.size === 1 ? 'device' : 'devices'}; ${usb.bytesIn} bytes in, ${usb.bytesOut} out;`,
    usb.truncated === 0 ? 'none truncated' : `${usb.truncated} truncated, which cannot be replayed`,
  ].join(' ');
}

const TRANSFER_NAMES = ['isochronous', 'interrupt', 'control', 'bulk'] as const;

function endpointFacts(device: string, totals: EndpointTotals): EndpointFacts {
  const { address, transferType, submitted, completed, failed, bytes, truncated } = totals;
  const name = (address & 0x0f).toString();
  const endpoint = (address & 0x0f) === 0 ? '0' : `${name} ${(address & 0x80) === 0 ? 'OUT' : 'IN'}`;
  return { device, endpoint, type: TRANSFER_NAMES[transferType], submitted, completed, failed, bytes, truncated };
}

/** Every USB device of a trace by its endpoints; the description in front of a recording is not counted. */
function endpointsOf(trace: TraceFile): EndpointFacts[] {
  const table = new UsbDeviceTable(SNAPSHOT_MARK);
  const record = new UsbRecord();
  const reader = trace.reader();
  try {
    while (reader.next())
      if (reader.kind === 'packet' && decodeUsbPacket(reader, record)) table.take(reader.packet.interfaceIndex, record);
  } finally {
    reader.close();
  }
  return table.devices.flatMap((device) =>
    [...device.endpoints.values()]
      .sort((a, b) => a.address - b.address)
      .map((totals) => endpointFacts(deviceLabel(device), totals)),
  );
}

function laneSentence({ interface: name, lane, difference, same, firstCount, secondCount }: LaneDiff): string {
  if (difference === undefined) return `${name}, ${lane}: ${same} the same`;
  const { position, first = 'nothing more', second = 'nothing more' } = difference;
  return `${name}, ${lane}: ${same} the same, then at ${position} ${shorten(first)} against ${shorten(second)}; ${firstCount} against ${secondCount} in all`;
}

const LONGEST_SHOWN = 160;

function shorten(text: string): string {
  return text.length <= LONGEST_SHOWN ? text : `${text.slice(0, LONGEST_SHOWN)}…`;
}

/** A file that is not there or may not be read is `RIG_INPUT_MISSING`; a foreign one `HAL_TRACE`. */
export async function diffTraces({ firstPath, secondPath, times }: DiffRequest): Promise<DiffResult> {
  const { equal, lanes, onlyFirst, onlySecond } = diffFiles(openInput(firstPath), openInput(secondPath), { times });
  return {
    equal,
    sentences: [
      ...lanes
        .filter(({ difference, firstCount }) => difference !== undefined || firstCount > 0)
        .map((lane) => laneSentence(lane)),
      ...onlyFirst.map((name) => `${name}: only in ${firstPath}`),
      ...onlySecond.map((name) => `${name}: only in ${secondPath}`),
      equal ? 'no difference' : 'different',
    ],
  };
}

function endOf(info: TraceFacts): string {
  if (info.truncatedAt !== undefined) return `cut off at byte ${info.truncatedAt}; everything before is whole`;
  // Only our recorder ends a trace with a summary, and only its traces name their clock.
  return info.clock !== undefined && info.summaryText === undefined
    ? 'no summary: the recording was killed, everything written is whole'
    : 'complete';
}

/** An interface that is not there is `RIG_INPUT_MISSING`; what cannot be written, or exists already, `RIG_OUTPUT`. */
export async function exportTrace(request: ExportRequest): Promise<string> {
  const { tracePath, outPath, format, direction = 'received' } = request;
  const wanted = interfaceOf(tracePath, request.interface);
  refuseExisting(outPath);
  try {
    const done = exportInterface(tracePath, { format, direction, to: outPath, interface: wanted });
    return `${done.packets} packets, ${done.bytes} bytes of "${done.interface.name}" written to ${outPath}`;
  } catch (error) {
    throw fileTrouble(error, 'RIG_OUTPUT');
  }
}

function interfaceOf(path: string, named: string | undefined): number {
  const trace = openInput(path);
  const isSerial = (described: { readonly linkType: number }): boolean => described.linkType === LINK_TYPE.rtacSerial;
  const early = trace.interfaces.find(isSerial);
  if (named === undefined && early !== undefined) return early.index;
  // An interface may be described behind the first packets: a USB device's description stands in front of the next.
  const all = named === undefined ? trace.info().interfaces.map((totals) => totals.interface) : [];
  const device = all.find(isSerial) ?? all.find((described) => isUsbLink(described.linkType));
  if (device !== undefined) return device.index;
  try {
    return selectInterface(trace, named).index;
  } catch (error) {
    throw fileTrouble(error, 'RIG_INPUT_MISSING');
  }
}
