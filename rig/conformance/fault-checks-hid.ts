/** What must hold of the K8055 logger under faults: every report that came is a sample, and no other. */

import { URB_STATUS } from '../../base/index.js';
import { checkUsbEvents, equal, must, ofChannel, type Tally } from './fault-checks.js';
import type { Played } from './fault-sequences.js';

const INPUT = 0x81;
const REPORT_BYTES = 8;

export function checkHid(played: Played, tally: Tally): void {
  checkUsbEvents(played, tally);
  const came = played.transfers.filter(({ endpointAddress, completedNs }) => endpointAddress === INPUT && completedNs);
  const reports = came.filter(({ status, data }) => status === URB_STATUS.ok && data.length >= REPORT_BYTES);
  const samples = ofChannel(played, 'samples');
  samples.forEach(({ fields }, i) => {
    const data = reports[i]?.data ?? new Uint8Array(REPORT_BYTES);
    equal(fields.sequence, i, 'sequence');
    const { status, a1, a2, counter1, counter2 } = fields;
    const wanted = [data[1], data[2], data[3], data[4] | (data[5] << 8), data[6] | (data[7] << 8)];
    equal([status, a1, a2, counter1, counter2].join(), wanted.join(), `sample ${i}`);
  });
  equal(samples.length, reports.length, 'samples');
  const counters = ofChannel(played, 'counters').at(-1)?.fields;
  const bytes = came.reduce((sum, { data }) => sum + data.length, 0);
  equal(counters?.bytes, bytes, 'bytes that the guest counted');
  const dropped = played.faults.reduce((sum, { kind, count }) => sum + (kind === 'drop' ? count : 0), 0);
  equal(bytes + dropped, played.sentBytes, 'bytes seen and dropped');
  const short = came.filter(({ status, data }) => status === URB_STATUS.ok && data.length < REPORT_BYTES).length;
  equal(counters?.shortReports, short, 'short reports');
  must((counters?.losses ?? 0) >= 1, () => 'the pull at the end is no loss');
}
