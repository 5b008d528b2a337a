/** Looking into traces and taking them apart, in the words of the command line. */

import { exportTrace as exportInterface, LINK_TYPE, openTrace, traceInfo as readInfo } from '../../hal/index.js';
import type { ExportRequest, TraceInfo } from '../run/services.js';
import { seconds } from './duration-text.js';

export async function traceInfo(path: string): Promise<TraceInfo> {
  const info = readInfo(path);
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

function endOf(info: ReturnType<typeof readInfo>): string {
  if (info.truncatedAt !== undefined) return `cut off at byte ${info.truncatedAt}; everything before is whole`;
  return info.summaryText === undefined
    ? 'no summary: the recording was killed, everything written is whole'
    : 'complete';
}

export async function exportTrace(request: ExportRequest): Promise<string> {
  const { tracePath, outPath, format } = request;
  const wanted = request.interface ?? firstSerial(tracePath);
  const done = exportInterface(tracePath, {
    format,
    to: outPath,
    ...(wanted === undefined ? {} : { interface: wanted }),
  });
  return `${done.packets} packets, ${done.bytes} bytes of "${done.interface.name}" written to ${outPath}`;
}

function firstSerial(path: string): number | undefined {
  return openTrace(path).interfaces.find((described) => described.linkType === LINK_TYPE.rtacSerial)?.index;
}
