/** Shows simulators to kernels: in wall time, as USB devices that a Linux machine attaches over USB/IP. */

import { createRandom, TRANSFER_TYPE, URB_STATUS, type Urb, WallClock } from '../../base/index.js';
import {
  cdcAcmPeripheral,
  createSimulatedUsbPort,
  createSimulator,
  createUsbSimulator,
  type HardwareProfile,
  serveUsbip,
  tapUsbPort,
  type UsbPeripheral,
  type UsbPort,
  type UsbTap,
} from '../../hal/index.js';
import { RigError } from '../errors.js';
import type { UsbipRequest, UsbipResult } from '../run/services.js';
import { seconds } from './duration-text.js';
import { findProfile } from './executor.js';
import { sleepMs } from './host-time.js';
import { SIMULATED } from './record.js';
import { openInput } from './trace-files.js';
import { openUsbRecording } from './usb-recording.js';

/** Counts what crosses, however long it goes on. */
class Counter implements UsbTap {
  transfers = 0;
  received = 0;

  completed(urb: Urb): void {
    if (urb.status !== URB_STATUS.ok) return;
    this.transfers++;
    if (urb.inbound && urb.transferType !== TRANSFER_TYPE.control) this.received += urb.actualLength;
  }

  submitted(): void {}
  cancelled(): void {}
  reset(): void {}
  plugged(): void {}
  disconnected(): void {}
  closed(): void {}
}

/** How often it is looked whether it is over. */
const TURN_MS = 50;
/** pid.codes' number for tests (https://pid.codes/1209/0001/); a serial device of a profile names none of its own. */
const TEST_IDS = { vendorId: 0x1209, productId: 0x0001 } as const;

/**
 * Serves every source until the length is over or the signal. Rejects with `RIG_PROFILE_UNKNOWN`, `RIG_INPUT_MISSING`,
 * `HAL_TRACE`, `HAL_IN_USE` and what else `serveUsbip` says.
 */
export async function showUsbip(request: UsbipRequest): Promise<UsbipResult> {
  const clock = new WallClock();
  const counter = new Counter();
  const ports = request.sources.map((source) => tapUsbPort(openShown(source, request.seed, clock), counter, clock));
  const { host, port } = request.address ?? {};
  const server = await serveUsbip({
    ports,
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    onEvent: (sentence) => request.event?.(sentence),
  });
  const counts = () => ({ transfers: counter.transfers, received: counter.received });
  try {
    request.ready({
      host: server.host,
      port: server.port,
      devices: server.devices.map(({ busid, vendorId, productId }, i) => ({
        busid,
        vendorId,
        productId,
        source: request.sources[i],
      })),
    });
    const endNs = request.durationNs ?? Number.POSITIVE_INFINITY;
    while (!(request.abort?.aborted ?? false) && clock.now() < endNs) {
      request.progress?.({ elapsedNs: clock.now(), attached: server.attached, ...counts() });
      await sleepMs(Math.min(TURN_MS, Math.max(1, (endNs - clock.now()) / 1e6)));
    }
    const sentence = clock.now() >= endNs ? `shown for ${seconds(endNs)}` : 'stopped';
    return { durationNs: clock.now(), sentence, ...counts() };
  } finally {
    await server.close();
  }
}

function openShown(source: string, seed: string, clock: WallClock): UsbPort {
  if (!source.startsWith(SIMULATED)) return openUsbRecording(openInput(source), clock);
  const profile = findProfile(source.slice(SIMULATED.length));
  const device = peripheralOf(profile, seed, clock);
  return createSimulatedUsbPort({ name: `${SIMULATED}${profile.name}`, clock, device });
}

/** A serial device is shown as one of the communication class, which every kernel has a driver for. */
function peripheralOf(profile: HardwareProfile, seed: string, clock: WallClock): UsbPeripheral {
  const environment = { clock, random: createRandom(seed).fork('device') };
  if (profile.kind === 'board')
    throw new RigError('RIG_USAGE', `${profile.name} is a board on a memory bus and cannot be shown as a USB device`, {
      where: profile.name,
      hint: 'name the profile of a serial or USB device; "rig list profiles" shows what there is',
    });
  if (profile.kind !== 'serial') return createUsbSimulator(profile, {}, environment);
  return cdcAcmPeripheral({
    clock,
    device: createSimulator(profile, {}, environment),
    ...TEST_IDS,
    product: profile.title,
    serialNumber: profile.name,
  });
}
