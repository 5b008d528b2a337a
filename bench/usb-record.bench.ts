/** What recording USB costs: for each URB that crosses a tapped port, and for a stream of a simulated converter. */

import { Urb, VirtualClock } from '../base/index.js';
import {
  createSimulatedUsbPort,
  describeDevice,
  HANDSHAKE,
  STANDARD_REQUEST,
  setupPacket,
  TRANSFER_TYPE,
  TraceRecorder,
  type TraceSink,
  tapUsbPort,
  type UsbDescription,
  type UsbPeripheral,
} from '../hal/index.js';
import { timeNs } from './clock.js';
import { type Row, toRow } from './table.js';

const URBS = 200_000;
const BAR_NS = 5000;
const BULK_BAR_MBPS = 40;
const BULK_BYTES = 64 << 20;
const BULK_IN = 0x81;

/** Takes everything and keeps nothing: the disk is not what is measured. */
export const NOWHERE: TraceSink = { write: () => {}, close: () => {} };

export const BULK_DEVICE: UsbDescription = describeDevice({
  speed: 'high',
  vendorId: 0x1209,
  productId: 0x0002,
  interfaces: [
    {
      number: 0,
      interfaceClass: 0xff,
      endpoints: [{ address: BULK_IN, type: TRANSFER_TYPE.bulk, maxPacketBytes: 512 }],
    },
  ],
});

/** Always has a packet to send. */
class BulkSource implements UsbPeripheral {
  readonly description = BULK_DEVICE;
  #next = 0;

  start(): void {}
  configured(): void {}
  stop(): void {}

  control(): number {
    return HANDSHAKE.stall;
  }

  out(): number {
    return HANDSHAKE.stall;
  }

  in(_endpointAddress: number, packet: Uint8Array, offset: number, maxLength: number): number {
    packet.fill(this.#next++ & 0xff, offset, offset + maxLength);
    return maxLength;
  }
}

function bulkUrb(length: number): Urb {
  const urb = new Urb();
  urb.transferType = TRANSFER_TYPE.bulk;
  urb.endpointAddress = BULK_IN;
  urb.data = new Uint8Array(length);
  urb.length = length;
  urb.actualLength = length;
  urb.status = 0;
  return urb;
}

/** Submission and completion of one URB. */
function recordOnce(length: number): { ns: number; heapBytes: number } {
  const recorder = new TraceRecorder({ to: NOWHERE, clock: new VirtualClock() });
  const tap = recorder.addUsb('bench', BULK_DEVICE);
  const urb = bulkUrb(length);
  const before = process.memoryUsage().heapUsed;
  const ns = timeNs(() => {
    for (let i = 1; i <= URBS; i++) {
      urb.id = i;
      tap.submitted(urb, i * 1000);
      tap.completed(urb, i * 1000 + 500);
    }
  });
  const heapBytes = Math.max(0, process.memoryUsage().heapUsed - before);
  recorder.close();
  return { ns: ns / URBS, heapBytes: heapBytes / URBS };
}

/** Megabytes a second of a device that sends without a pause, simulated and recorded. */
function streamOnce(): number {
  const clock = new VirtualClock();
  const recorder = new TraceRecorder({ to: NOWHERE, clock });
  const simulated = createSimulatedUsbPort({ name: 'sim:bench', clock, device: new BulkSource() });
  const port = tapUsbPort(simulated, recorder.addUsb('bench', BULK_DEVICE), clock);
  let received = 0;
  port.attach({
    completed: (urb) => {
      received += urb.inbound ? urb.actualLength : 0;
      if (urb.transferType === TRANSFER_TYPE.bulk && received < BULK_BYTES) port.submit(urb);
    },
    disconnected: () => {},
  });
  const configure = new Urb();
  configure.setup.set(
    setupPacket({ bmRequestType: 0, bRequest: STANDARD_REQUEST.setConfiguration, wValue: 1, wIndex: 0, wLength: 0 }),
  );
  port.submit(configure);
  clock.runUntilIdle(1e9);
  const ns = timeNs(() => {
    for (let i = 0; i < 4; i++) port.submit(bulkUrb(16_384));
    clock.runUntilIdle(Number.MAX_SAFE_INTEGER);
  });
  recorder.close();
  return (received / ns) * 1000;
}

export function benchUsbRecord(rounds: number): Row[] {
  const rows: Row[] = [];
  for (const length of [64, 512, 16_384]) {
    recordOnce(length);
    const costs = Array.from({ length: rounds }, () => recordOnce(length));
    const ns = costs.map((cost) => cost.ns);
    const row = toRow(`recording a URB of ${length} bytes`, ns, 'ns');
    rows.push({ ...row, bar: { text: `< ${BAR_NS} ns`, met: row.value < BAR_NS } });
    const heap = costs.map((cost) => cost.heapBytes);
    rows.push(toRow(`  heap growth, ${length} bytes`, heap, 'bytes a URB'));
  }
  const speeds = Array.from({ length: rounds }, streamOnce);
  const stream = toRow('simulated bulk, recorded', speeds, 'MB/s');
  rows.push({ ...stream, bar: { text: `>= ${BULK_BAR_MBPS} MB/s`, met: stream.value >= BULK_BAR_MBPS } });
  return rows;
}
