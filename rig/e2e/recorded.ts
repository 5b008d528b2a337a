/** What a trace holds, read block by block: the characters a device sent, and whether everything in the file is whole. */

import { statSync } from 'node:fs';
import { openTrace, SerialRecord, type TraceFile, upperPayloadOffset } from '../../hal/index.js';

/** Characters received, in order; of the trace's one serial interface. */
export function recordedCharacters(path: string): Buffer {
  const trace = openTrace(path);
  const record = new SerialRecord();
  const parts: Buffer[] = [];
  for (const packet of trace.packets()) {
    if (!isSerial(trace, packet.interfaceIndex) || !record.decode(packet) || !record.hasData || record.outbound)
      continue;
    parts.push(Buffer.from(record.bytes.slice(record.offset, record.offset + record.length)));
  }
  return Buffer.concat(parts);
}

/** What the recorder was told to note, in order. */
export function recordedNotes(path: string): string[] {
  const trace = openTrace(path);
  // Described in front of the first note, so not among those that the file begins with.
  const notes = trace.info().interfaces.find((totals) => totals.interface.name === 'notes');
  const texts: string[] = [];
  for (const { interfaceIndex, bytes, offset, length } of trace.packets()) {
    if (interfaceIndex !== notes?.interface.index) continue;
    const skip = Math.max(0, upperPayloadOffset(bytes, offset, length));
    texts.push(Buffer.from(bytes.slice(offset + skip, offset + length)).toString('utf8'));
  }
  return texts;
}

function isSerial(trace: TraceFile, index: number): boolean {
  return trace.interfaces.find((described) => described.index === index)?.linkType === 250;
}

/** Whether the recording at `path` has begun and holds more than `count` characters by now. */
export function hasRecorded(path: string, count: number): boolean {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return size > 0 && recordedCharacters(path).length > count;
}

/** Bytes of whole blocks, from the start of the file without a gap. */
export function wholeBytes(path: string): number {
  const reader = openTrace(path).reader();
  try {
    let end = 0;
    while (reader.next()) {
      if (reader.blockOffset !== end) return end;
      end += reader.blockLength;
    }
    return end;
  } finally {
    reader.close();
  }
}
