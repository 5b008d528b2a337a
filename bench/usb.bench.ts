/** Simulated USB in host time: bulk traffic through a tap, thrown away and recorded, with the bar it has to meet. */

import { ENDPOINT_IN, TRANSFER_TYPE, Urb, VirtualClock } from '../base/index.js';
import {
  createSimulatedUsbPort,
  describeDevice,
  HANDSHAKE,
  MemorySink,
  setupPacket,
  TraceRecorder,
  tapUsbPort,
  type UsbDescription,
  type UsbPeripheral,
  type UsbPort,
  type UsbSpeed,
  type UsbTap,
} from '../hal/index.js';
import { timeNs } from './clock.js';
import { alternate, type Row, toRow } from './table.js';

const BULK_IN = 0x81;
const BULK_OUT = 0x02;
/** What a host of a data logger keeps waiting. */
const TRANSFERS_WAITING = 4;
const TRANSFER_BYTES = 16_384;
const BYTES = 32 * 1024 * 1024;
/** Bytes a second of one core. */
const BAR = 40e6;
/** A recording lies in memory: less of it. */
const RECORDING_BYTES = 8 * 1024 * 1024;

/** A device that always has a packet and always has room: the bus's own cost. */
class Firehose implements UsbPeripheral {
  readonly description: UsbDescription;
  #next = 0;

  constructor(speed: UsbSpeed) {
    const bulk = { type: TRANSFER_TYPE.bulk, maxPacketBytes: speed === 'high' ? 512 : 64 };
    this.description = describeDevice({
      speed,
      vendorId: 0x1209,
      productId: 0x0001,
      interfaces: [
        {
          number: 0,
          interfaceClass: 0xff,
          endpoints: [
            { address: BULK_IN, ...bulk },
            { address: BULK_OUT, ...bulk },
          ],
        },
      ],
    });
  }

  start(): void {}

  configured(): void {
    this.#next = 0;
  }

  control(): number {
    return HANDSHAKE.stall;
  }

  out(): number {
    return HANDSHAKE.ack;
  }

  in(_endpointAddress: number, packet: Uint8Array, offset: number, maxLength: number): number {
    packet.fill(this.#next++, offset, offset + maxLength);
    return maxLength;
  }

  stop(): void {}
}

const DISCARD: UsbTap = {
  submitted: () => {},
  completed: () => {},
  cancelled: () => {},
  reset: () => {},
  plugged: () => {},
  disconnected: () => {},
  closed: () => {},
};

/** Megabytes a second of host time, through a tap that discards or one that records. */
function carry(speed: UsbSpeed, endpointAddress: number, bytes: number, isRecorded: boolean): number {
  const clock = new VirtualClock();
  const device = createSimulatedUsbPort({ name: 'sim:firehose', clock, device: new Firehose(speed) });
  const recorder = isRecorded ? new TraceRecorder({ to: new MemorySink(), clock }) : undefined;
  const port = tapUsbPort(device, recorder?.addUsb('firehose', device.description) ?? DISCARD, clock);
  let left = bytes;
  port.attach({
    completed: (urb) => {
      if (urb.transferType === TRANSFER_TYPE.control) return;
      left -= urb.actualLength;
      if (left > 0) port.submit(urb);
    },
    disconnected: () => {},
  });
  configure(port);
  clock.advanceTo(1e6);
  for (let i = 0; i < TRANSFERS_WAITING; i++) port.submit(bulk(i, endpointAddress));
  const ns = timeNs(() => {
    while (left > 0) clock.advanceTo(clock.now() + 1e7);
  });
  port.close();
  recorder?.close();
  return (bytes / ns) * 1e3;
}

function configure(port: UsbPort): void {
  const urb = new Urb();
  urb.setup.set(setupPacket({ bmRequestType: 0, bRequest: 9, wValue: 1, wIndex: 0, wLength: 0 }));
  port.submit(urb);
}

function bulk(id: number, endpointAddress: number): Urb {
  const urb = new Urb();
  urb.id = id + 1;
  urb.transferType = TRANSFER_TYPE.bulk;
  urb.endpointAddress = endpointAddress;
  urb.data = new Uint8Array(TRANSFER_BYTES);
  urb.length = TRANSFER_BYTES;
  return urb;
}

export function benchUsb(rounds: number): Row[] {
  const measurements = new Map<string, () => number>();
  for (const speed of ['full', 'high'] as const)
    for (const address of [BULK_IN, BULK_OUT]) {
      const way = `${speed} speed, ${(address & ENDPOINT_IN) === 0 ? 'OUT' : 'IN'}`;
      measurements.set(`bulk, ${way}`, () => carry(speed, address, BYTES, false));
      measurements.set(`bulk recorded, ${way}`, () => carry(speed, address, RECORDING_BYTES, true));
    }
  return [...alternate(rounds, measurements)].map(([what, values]) => {
    const row = toRow(what, values, 'MB/s');
    return { ...row, bar: { text: `${BAR / 1e6} MB/s`, met: row.value * 1e6 >= BAR } };
  });
}
