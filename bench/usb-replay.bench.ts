/** Replays a trace of 1 GB against its own host: how fast, and in how much memory. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Urb, VirtualClock } from '../base/index.js';
import { openUsbReplay, playUsbHost, TRANSFER_TYPE, TraceRecorder } from '../hal/index.js';
import { timeNs } from './clock.js';
import type { Row } from './table.js';
import { BULK_DEVICE } from './usb-record.bench.js';

const TRACE_BYTES = 1e9;
const TRANSFER_BYTES = 16_384;
const MEMORY_BAR_MB = 64;
const SLICE_NS = 1e9;

/** Bulk transfers of 16 KiB with an interrupt-sized one in between, as a converter sends them. */
function writeTrace(path: string): { bytes: number; urbs: number } {
  const recorder = new TraceRecorder({ to: path, clock: new VirtualClock() });
  const tap = recorder.addUsb('bench', BULK_DEVICE);
  const urb = new Urb();
  urb.transferType = TRANSFER_TYPE.bulk;
  urb.endpointAddress = 0x81;
  urb.data = new Uint8Array(TRANSFER_BYTES);
  let urbs = 0;
  for (let atNs = 0; recorder.bytesWritten < TRACE_BYTES; atNs += 400_000) {
    urb.id = ++urbs;
    urb.length = urbs % 8 === 0 ? 64 : TRANSFER_BYTES;
    urb.data.fill(urbs, 0, 64);
    tap.submitted(urb, atNs);
    urb.status = 0;
    urb.actualLength = urb.length;
    tap.completed(urb, atNs + 350_000);
  }
  return { bytes: recorder.close().bytesWritten, urbs };
}

function residentMb(): number {
  const { rss } = process.memoryUsage();
  return rss / 1e6;
}

export function benchUsbReplay(): Row[] {
  const folder = mkdtempSync(join(tmpdir(), 'rigvisor-usb-bench-'));
  try {
    const path = join(folder, 'bulk.pcapng');
    const { bytes, urbs } = writeTrace(path);
    const clock = new VirtualClock();
    const port = openUsbReplay(path, { clock });
    const host = playUsbHost(path, { clock, port });
    let atStart = 0;
    let most = 0;
    const ns = timeNs(() => {
      while (clock.nextDueNs() !== Number.POSITIVE_INFINITY) {
        clock.runUntilIdle(clock.now() + SLICE_NS);
        // The first tenth warms up: code is compiled, buffers find their size.
        if (host.report().completed < urbs / 10) atStart = residentMb();
        most = Math.max(most, residentMb());
      }
    });
    const { matched, differences } = port.divergence();
    if (matched !== urbs || differences !== 0 || host.report().differing !== 0)
      throw new Error(`${matched} of ${urbs} URBs were replayed as recorded`);
    port.close();
    const growth = Math.max(0, most - atStart);
    return [
      { what: 'replay of a 1 GB trace and its host', value: (bytes / ns) * 1000, unit: 'MB/s' },
      { what: '  time', value: ns / 1e9, unit: 's' },
      {
        what: '  memory it adds behind the first tenth',
        value: growth,
        unit: 'MB',
        bar: { text: `< ${MEMORY_BAR_MB} MB`, met: growth < MEMORY_BAR_MB },
      },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
