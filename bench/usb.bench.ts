/** How fast simulated USB runs: bulk data a second of host time at full and high speed, and instruments as multiples of real time. */

import { createRandom, TRANSFER_TYPE, Urb, VirtualClock } from '../base/index.js';
import {
  createMccUsb1608fsPlus,
  createSimulatedUsbPort,
  createVellemanK8055,
  describeDevice,
  HANDSHAKE,
  type SetupFields,
  STANDARD_REQUEST,
  setupPacket,
  type UsbDescription,
  type UsbPeripheral,
  type UsbPort,
} from '../hal/index.js';
import { timeNs } from './clock.js';
import { alternate, type Row, toRow } from './table.js';

const BULK_IN = 0x81;
const BULK_BYTES = 32 << 20;
const TRANSFER_BYTES = 16_384;
const IN_FLIGHT = 4;
const BAR_MBPS = 40;
const INSTRUMENT_NS = 5e9;

/** Always has a whole packet to send. */
class Source implements UsbPeripheral {
  readonly description: UsbDescription;

  constructor(speed: 'full' | 'high') {
    const maxPacketBytes = speed === 'full' ? 64 : 512;
    this.description = describeDevice({
      speed,
      vendorId: 0x1209,
      productId: 2,
      interfaces: [
        {
          number: 0,
          interfaceClass: 0xff,
          endpoints: [{ address: BULK_IN, type: TRANSFER_TYPE.bulk, maxPacketBytes }],
        },
      ],
    });
  }

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
    packet.fill(offset & 0xff, offset, offset + maxLength);
    return maxLength;
  }
}

function control(fields: Omit<SetupFields, 'wLength'>, data: Uint8Array): Urb {
  const urb = new Urb();
  urb.setup.set(setupPacket({ ...fields, wLength: data.length }));
  urb.data = data;
  urb.length = data.length;
  return urb;
}

/** Keeps transfers of `length` bytes going at an IN endpoint until `enough` says so; answers the bytes that came. */
function stream(port: UsbPort, clock: VirtualClock, type: Urb['transferType'], length: number, start: readonly Urb[]) {
  const state = { bytes: 0, wanted: Number.POSITIVE_INFINITY };
  port.attach({
    completed: (urb) => {
      if (!urb.inbound) return;
      state.bytes += urb.actualLength;
      if (state.bytes < state.wanted) port.submit(urb);
    },
    disconnected: () => {},
  });
  const configure = { bmRequestType: 0, bRequest: STANDARD_REQUEST.setConfiguration, wValue: 1, wIndex: 0 };
  port.submit(control(configure, new Uint8Array(0)));
  clock.advanceTo(clock.now() + 10e6);
  for (const urb of start) port.submit(urb);
  clock.advanceTo(clock.now() + 10e6);
  for (let i = 0; i < IN_FLIGHT; i++) {
    const urb = new Urb();
    urb.id = i + 1;
    urb.transferType = type;
    urb.endpointAddress = BULK_IN;
    urb.data = new Uint8Array(length);
    urb.length = length;
    port.submit(urb);
  }
  return state;
}

function bulkOnce(speed: 'full' | 'high'): number {
  const clock = new VirtualClock();
  const port = createSimulatedUsbPort({ name: 'sim:bench', clock, device: new Source(speed) });
  const state = stream(port, clock, TRANSFER_TYPE.bulk, TRANSFER_BYTES, []);
  state.wanted = BULK_BYTES;
  const before = state.bytes;
  const ns = timeNs(() => clock.runUntilIdle(Number.MAX_SAFE_INTEGER));
  return ((state.bytes - before) / ns) * 1000;
}

/** Simulated time by host time. */
function instrumentOnce(make: (clock: VirtualClock) => UsbPeripheral, bulk: boolean, start: readonly Urb[]): number {
  const clock = new VirtualClock();
  const port = createSimulatedUsbPort({ name: 'sim:bench', clock, device: make(clock) });
  const type = bulk ? TRANSFER_TYPE.bulk : TRANSFER_TYPE.interrupt;
  const state = stream(port, clock, type, bulk ? 8192 : 8, start);
  const ns = timeNs(() => clock.advanceTo(clock.now() + INSTRUMENT_NS));
  state.wanted = 0;
  port.close();
  return INSTRUMENT_NS / ns;
}

/** Eight channels at 50 kHz each: what the converter can stream. */
function scanStart(): Urb {
  const data = new Uint8Array(10);
  new DataView(data.buffer).setUint32(4, 40e6 / 50_000 - 1, true);
  data[8] = 0xff;
  return control({ bmRequestType: 0x40, bRequest: 0x11, wValue: 0, wIndex: 0 }, data);
}

/** Nothing is recorded here; `usb-record` tells what that adds. */
export function benchUsbSimulated(rounds: number): Row[] {
  const random = createRandom('bench');
  const sine = { kind: 'sine' as const, amplitude: 5, frequencyHz: 50 };
  const mcc = (clock: VirtualClock): UsbPeripheral =>
    createMccUsb1608fsPlus({ signals: Array.from({ length: 8 }, () => sine) }, { clock, random });
  const k8055 = (clock: VirtualClock): UsbPeripheral =>
    createVellemanK8055({ digital: [{ kind: 'square', frequencyHz: 40 }] }, { clock, random });
  const measurements = new Map([
    ['simulated bulk, full speed', () => bulkOnce('full')],
    ['simulated bulk, high speed', () => bulkOnce('high')],
    ['USB-1608FS-Plus at 400 kS/s of sines', () => instrumentOnce(mcc, true, [scanStart()])],
    ['K8055, a report each 10 ms', () => instrumentOnce(k8055, false, [])],
  ]);
  for (const measure of measurements.values()) measure();
  return [...alternate(rounds, measurements)].map(([name, values]) => {
    if (!name.startsWith('simulated bulk')) return toRow(name, values, 'times real time');
    const row = toRow(name, values, 'MB/s');
    return name.endsWith('high speed')
      ? { ...row, bar: { text: `>= ${BAR_MBPS} MB/s`, met: row.value >= BAR_MBPS } }
      : row;
  });
}
