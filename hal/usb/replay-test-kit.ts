/** What tests of USB replays share: a host side, and captures packet by packet. */

import { Urb, VirtualClock } from '../../base/index.js';
import type { HalError } from '../errors.js';
import { LINK_TYPE } from '../trace/pcapng-format.js';
import { openTraceBytes, type TraceFile } from '../trace/trace-file.js';
import { rawTrace, type UsbmonPacket, usbmonBytes } from '../trace/usb-test-packets.js';
import type { UsbDivergence } from './replay-divergence.js';
import { openUsbReplay, type ReplayedUsbPort, type UsbReplayOptions } from './replayed-port.js';
import { setupPacket } from './setup-packet.js';
import { ENDPOINT_IN, TRANSFER_TYPE } from './usb-port.js';

export const GET_DEVICE = setupPacket({ bmRequestType: 0x80, bRequest: 6, wValue: 0x0100, wIndex: 0, wLength: 18 });
export const SET_CONFIGURATION = setupPacket({ bmRequestType: 0, bRequest: 9, wValue: 1, wIndex: 0, wLength: 0 });
export const vendor = (bRequest: number, wValue: number, wLength = 0): Uint8Array =>
  setupPacket({ bmRequestType: wLength > 0 ? 0xc0 : 0x40, bRequest, wValue, wIndex: 0, wLength });

export interface Done {
  readonly urb: Urb;
  readonly status: number;
  readonly data: readonly number[];
  readonly atNs: number;
}

/** The host side of a port, with everything that came to it. */
export class Host {
  readonly clock = new VirtualClock();
  readonly done: Done[] = [];
  readonly told: string[] = [];
  readonly divergences: UsbDivergence[] = [];
  readonly port: ReplayedUsbPort;
  error: HalError | undefined;
  ends = 0;
  #id = 0;

  constructor(trace: TraceFile, options: Partial<UsbReplayOptions> = {}, goesOn = false) {
    const onDivergence = (found: UsbDivergence): void => void this.divergences.push(found);
    this.port = openUsbReplay(trace, {
      clock: this.clock,
      ...options,
      ...(goesOn ? { onDivergence } : {}),
      onEnd: () => this.ends++,
    });
    this.port.attach({
      completed: (urb) => {
        const { status, actualLength } = urb;
        const data = urb.inbound ? [...urb.data.subarray(0, actualLength)] : [actualLength];
        this.done.push({ urb, status, data, atNs: this.clock.now() });
      },
      plugged: (present) => this.told.push(present ? 'plugged' : 'unplugged'),
      disconnected: (error) => {
        this.error = error;
      },
    });
  }

  control(setup: Uint8Array, data: readonly number[] = []): Urb {
    const urb = new Urb();
    urb.setup.set(setup);
    urb.transferType = TRANSFER_TYPE.control;
    urb.length = setup[6] | (setup[7] << 8);
    urb.endpointAddress = urb.length > 0 ? setup[0] & ENDPOINT_IN : 0;
    urb.data = Uint8Array.from({ length: urb.length }, (_, i) => data[i] ?? 0);
    return this.#submit(urb);
  }

  in(length = 64, endpointAddress = 0x81): Urb {
    return this.#bulk(endpointAddress, new Uint8Array(length));
  }

  out(data: readonly number[], endpointAddress = 0x02): Urb {
    return this.#bulk(endpointAddress, Uint8Array.from(data));
  }

  run(untilNs = 10e9): this {
    this.clock.runUntilIdle(untilNs);
    return this;
  }

  /** Data of what completed, in order. */
  get replies(): (readonly number[])[] {
    return this.done.map(({ data }) => data);
  }

  #bulk(endpointAddress: number, data: Uint8Array): Urb {
    const urb = new Urb();
    urb.transferType = TRANSFER_TYPE.bulk;
    urb.endpointAddress = endpointAddress;
    urb.data = data;
    urb.length = data.length;
    return this.#submit(urb);
  }

  #submit(urb: Urb): Urb {
    urb.id = ++this.#id;
    this.port.submit(urb);
    return urb;
  }
}

export const bulk = { transferType: TRANSFER_TYPE.bulk } as const;
export const S = (id: number, packet: Partial<UsbmonPacket>): Partial<UsbmonPacket> => ({
  id,
  event: 'S',
  ...bulk,
  ...packet,
});
export const C = (id: number, packet: Partial<UsbmonPacket>): Partial<UsbmonPacket> => ({
  id,
  event: 'C',
  ...bulk,
  ...packet,
});

/** Times in microseconds. */
export function captured(...packets: readonly (readonly [us: number, packet: Partial<UsbmonPacket>])[]): TraceFile {
  const parts = packets.map(([us, packet]) => ({ timeNs: us * 1000, bytes: usbmonBytes(packet) }));
  return openTraceBytes(rawTrace(LINK_TYPE.usbmon, parts), 'capture');
}

export const CONTROL = { transferType: TRANSFER_TYPE.control } as const;

/** A question, its answer on another endpoint, and the same question with another answer. */
export const DIALOGUE = captured(
  [0, S(1, { endpoint: 0x81, length: 64 })],
  [100, S(2, { endpoint: 0x02, data: [7, 8] })],
  [150, C(2, { endpoint: 0x02, length: 2 })],
  [400, C(1, { endpoint: 0x81, data: [1, 2, 3] })],
  [500, S(1, { endpoint: 0x81, length: 64 })],
  [600, S(2, { endpoint: 0x02, data: [7, 8] })],
  [650, C(2, { endpoint: 0x02, length: 2 })],
  [900, C(1, { endpoint: 0x81, data: [4] })],
);

/** Enumeration by the kernel, then a vendor request. */
export const ENUMERATED = captured(
  [0, S(1, { ...CONTROL, endpoint: 0x80, setup: GET_DEVICE, length: 18 })],
  [200, C(1, { ...CONTROL, endpoint: 0x80, data: [18, 1, 0, 2, 255, 0, 0, 64, 9, 18, 2, 0, 0, 1, 0, 0, 0, 1] })],
  [300, S(2, { ...CONTROL, endpoint: 0, setup: SET_CONFIGURATION })],
  [400, C(2, { ...CONTROL, endpoint: 0 })],
  [1000, S(3, { ...CONTROL, endpoint: 0x80, setup: vendor(5, 0x10, 4), length: 4 })],
  [1200, C(3, { ...CONTROL, endpoint: 0x80, data: [0xca, 0xfe] })],
);
