/** Our simulators as USB devices of the lab's machine: served over USB/IP by the host, with what they know to be true. */

import { createRandom, WallClock } from '../base/index.js';
import {
  cdcAcmPeripheral,
  createSimulatedUsbPort,
  createSimulator,
  createUsbSimulator,
  type K8055Device,
  loadProfile,
  type MccDevice,
  serveUsbip,
  type UsbipServer,
  type UsbPeripheral,
} from '../hal/index.js';
import { TestPeripheral } from '../hal/usb/test-peripheral.js';
import { PROFILES } from './machine.js';

/** Busids in the order in which they are served. */
export const BUSID = { loopback: '1-1', board: '1-2', converter: '1-3', receiver: '1-4' } as const;
export const RECEIVER_ID = { vendorId: 0x1209, productId: 0x0002 } as const;
const SEED = 'lab';
const RECEIVER = 'gnss-nmea-10hz';

/** The inputs of the board stand still, so that a report does not depend on when it is read. */
const BOARD = {
  digital: [
    { kind: 'constant', closed: true },
    { kind: 'constant', closed: false },
    { kind: 'constant', closed: true },
  ],
};

export class SimulatedDevices {
  readonly #clock = new WallClock();
  readonly #board: K8055Device;
  readonly #converter: MccDevice;
  #server: UsbipServer | undefined;

  private constructor() {
    this.#board = this.#simulator('velleman-k8055', BOARD) as K8055Device;
    this.#converter = this.#simulator('mcc-usb-1608fs-plus', {}) as MccDevice;
  }

  static async start(): Promise<SimulatedDevices> {
    const devices = new SimulatedDevices();
    const shown = { loopback: new TestPeripheral(), board: devices.#board, converter: devices.#converter };
    const peripherals: readonly UsbPeripheral[] = [...Object.values(shown), devices.#receiver()];
    const ports = peripherals.map((device, i) =>
      createSimulatedUsbPort({ name: `sim:${Object.keys(BUSID)[i]}`, clock: devices.#clock, device }),
    );
    devices.#server = await serveUsbip({ ports, port: 0 });
    return devices;
  }

  get port(): number {
    return this.#server?.port ?? 0;
  }

  /** The input report that the board sends now. */
  boardReport(): number[] {
    return [...this.#board.report];
  }

  /** What the converter gave in its latest scan, in the order of the samples. */
  converterCodes(scans: number): { readonly scans: number; readonly codes: readonly number[] } {
    const scan = this.#converter.scans.at(-1);
    if (scan === undefined) throw new Error('the converter was not asked to scan');
    const codes: number[] = [];
    for (let index = 0; index < scans; index++)
      for (const channel of scan.channels) codes.push(this.#converter.codeOf(scan, channel, index));
    return { scans: scan.scans, codes };
  }

  async close(): Promise<void> {
    await this.#server?.close();
  }

  #simulator(profileName: string, overrides: Record<string, unknown>): UsbPeripheral {
    const profile = loadProfile(profileName, [PROFILES]);
    if (profile.kind === 'serial') throw new Error(`${profileName} is no USB device`);
    return createUsbSimulator(profile, overrides, { clock: this.#clock, random: createRandom(SEED).fork('device') });
  }

  #receiver(): UsbPeripheral {
    const profile = loadProfile(RECEIVER, [PROFILES]);
    if (profile.kind !== 'serial') throw new Error(`${RECEIVER} is no serial device`);
    const device = createSimulator(profile, {}, { clock: this.#clock, random: createRandom(SEED).fork('device') });
    return cdcAcmPeripheral({ clock: this.#clock, device, ...RECEIVER_ID, serialNumber: 'RECEIVER' });
  }
}
