/** Looking into traces and taking them apart, in the words of the command line. */

import {
  exportTrace as exportInterface,
  LINK_TYPE,
  selectInterface,
  type TraceInfo as TraceFacts,
} from '../../hal/index.js';
import type { ExportRequest, TraceInfo } from '../run/services.js';
import { seconds } from './duration-text.js';
import { fileTrouble, openInput, refuseExisting } from './trace-files.js';

export async function traceInfo(path: string): Promise<TraceInfo> {
  const info = openInput(path).info();
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
  for (const { interface: described, received, transmitted, lineErrors, dropped } of info.interfaces) {
    if (described.linkType !== LINK_TYPE.rtacSerial) continue;
    facts.push([
      described.name,
      `${received} characters received, ${transmitted} sent, ${lineErrors} line errors, ${dropped} dropped`,
    ]);
  }
  return {
    facts,
    interfaces: info.interfaces.map(({ interface: described, packets, bytes }) => ({
      name: described.name,
      linkType: described.linkType,
      blocks: packets,
      bytes,
    })),
    damage: info.damage.map(
      ({ offset, length, reason }) => `${length} bytes at offset ${offset} were skipped: ${reason}`,
    ),
  };
}

function endOf(info: TraceFacts): string {
  if (info.truncatedAt !== undefined) return `cut off at byte ${info.truncatedAt}; everything before is whole`;
  return info.summaryText === undefined
    ? 'no summary: the recording was killed, everything written is whole'
    : 'complete';
}

/** An interface that is not there is `RIG_INPUT_MISSING`; what cannot be written, or exists already, `RIG_OUTPUT`. */
export async function exportTrace(request: ExportRequest): Promise<string> {
  const { tracePath, outPath, format } = request;
  const wanted = interfaceOf(tracePath, request.interface);
  refuseExisting(outPath);
  try {
    const done = exportInterface(tracePath, { format, to: outPath, interface: wanted });
    return `${done.packets} packets, ${done.bytes} bytes of "${done.interface.name}" written to ${outPath}`;
  } catch (error) {
    throw fileTrouble(error, 'RIG_OUTPUT');
  }
}

function interfaceOf(path: string, named: string | undefined): number {
  const trace = openInput(path);
  const serial = trace.interfaces.find((described) => described.linkType === LINK_TYPE.rtacSerial)?.index;
  if (named === undefined && serial !== undefined) return serial;
  try {
    return selectInterface(trace, named).index;
  } catch (error) {
    throw fileTrouble(error, 'RIG_INPUT_MISSING');
  }
}
