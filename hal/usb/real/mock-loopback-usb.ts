/**
 * A stand-in for package `usb` inside tests, with the contract suite's loopback device behind it and the library's ways in
 * front: texts for errors, one transfer an endpoint, whole packets asked for and the rest cut off. Loaded as `mock-native-usb.ts` is.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { WallClock } from '../../../base/index.js';
import type { HalError } from '../../errors.js';
import { usbDeviceFromPort } from '../device-from-port.js';
import { createSimulatedUsbPort } from '../simulated-port.js';
import { TestPeripheral } from '../test-peripheral.js';
import { MOCK_USB } from './mock-usb-stand.js';
import type { NativeUsbDevice } from './native-usb.js';

const state = new URL(import.meta.url).searchParams.get('state') ?? '';
const clock = new WallClock();
const port = createSimulatedUsbPort({ name: 'sim:loop', clock, device: new TestPeripheral() });
const inner = usbDeviceFromPort(port, { clock });
const busy = new Set<number>();

const TEXTS: Partial<Record<HalError['code'], string>> = {
  HAL_DISCONNECTED: 'Disconnected',
  HAL_CLOSED: 'invalid state',
  HAL_TIMEOUT: 'Cancelled',
};

async function inTexts<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const { code, message } = error as HalError;
    throw new Error(`${what} error: ${TEXTS[code] ?? message}`);
  }
}

/** One transfer of an endpoint at a time; a stall is a text. */
async function transfer<T extends { status?: USBTransferStatus | undefined }>(
  what: string,
  endpointAddress: number,
  call: () => Promise<T>,
): Promise<T> {
  if (busy.has(endpointAddress)) throw new Error(`${what} error: endpoint not found`);
  busy.add(endpointAddress);
  try {
    const result = await inTexts(what, call);
    if (result.status === 'stall') throw new Error(`${what} error: Stall`);
    return result;
  } finally {
    busy.delete(endpointAddress);
  }
}

function cut(data: DataView | undefined, length: number): Uint8Array {
  if (data === undefined) return new Uint8Array(0);
  return new Uint8Array(data.buffer, data.byteOffset, Math.min(length, data.byteLength));
}

function packetSizeOf(endpointNumber: number): number {
  const endpoints = inner.configuration?.interfaces.flatMap(({ alternate }) => alternate.endpoints) ?? [];
  return endpoints.find((each) => each.direction === 'in' && each.endpointNumber === endpointNumber)?.packetSize ?? 1;
}

const device: NativeUsbDevice = {
  vendorId: inner.vendorId,
  productId: inner.productId,
  usbVersionMajor: inner.usbVersionMajor,
  usbVersionMinor: inner.usbVersionMinor,
  usbVersionSubminor: inner.usbVersionSubminor,
  deviceVersionMajor: inner.deviceVersionMajor,
  deviceVersionMinor: inner.deviceVersionMinor,
  deviceVersionSubminor: inner.deviceVersionSubminor,
  deviceClass: inner.deviceClass,
  deviceSubclass: inner.deviceSubclass,
  deviceProtocol: inner.deviceProtocol,
  bus: '001',
  address: MOCK_USB.deviceAddress,
  ports: [1, 2],
  speed: 'Full',
  get manufacturerName() {
    return inner.manufacturerName;
  },
  get productName() {
    return inner.productName;
  },
  get serialNumber() {
    return inner.serialNumber;
  },
  get configuration() {
    if (inner.configuration === null) throw new Error('no descriptor found for active configuration 0');
    return inner.configuration;
  },
  get configurations() {
    return inner.configurations;
  },
  open: () => inTexts('open', () => inner.open()),
  close: () => inner.close(),
  reset: () => inTexts('reset', () => inner.reset()),
  selectConfiguration: (value) => inTexts('selectConfiguration', () => inner.selectConfiguration(value)),
  claimInterface: (number) => inTexts('claimInterface', () => inner.claimInterface(number)),
  releaseInterface: (number) => inTexts('releaseInterface', () => inner.releaseInterface(number)),
  selectAlternateInterface: (number, setting) =>
    inTexts('selectAlternateInterface', () => inner.selectAlternateInterface(number, setting)),
  clearHalt: (direction, number) => inTexts('clearHalt', () => inner.clearHalt(direction, number)),
  async detachKernelDriver() {
    throw new Error('detachKernelDriver error: no kernel driver attached');
  },
  async attachKernelDriver() {
    throw new Error('attachKernelDriver error: failed to attach kernel driver');
  },
  async nativeControlTransferIn(setup, _timeoutMs, length) {
    const { status, data } = await inTexts('controlTransferIn', () => inner.controlTransferIn(setup, length));
    if (status === 'stall') throw new Error('controlTransferIn error: Stall');
    return cut(data, length);
  },
  async nativeControlTransferOut(setup, _timeoutMs, data) {
    const { status, bytesWritten } = await inTexts('controlTransferOut', () => inner.controlTransferOut(setup, data));
    if (status === 'stall') throw new Error('controlTransferOut error: Stall');
    return bytesWritten;
  },
  async nativeTransferIn(number, _timeoutMs, length) {
    const packet = packetSizeOf(number);
    const asked = Math.ceil(length / packet) * packet;
    const { data } = await transfer('transferIn', number | 0x80, () => inner.transferIn(number, asked));
    return cut(data, length);
  },
  async nativeTransferOut(number, _timeoutMs, data) {
    return (await transfer('transferOut', number, () => inner.transferOut(number, data))).bytesWritten;
  },
};

// A test pulls the device by a file, as it can reach this process by nothing else.
setInterval(() => {
  if (existsSync(join(state, 'unplug'))) port.unplug();
}, 5);

/** What the package exports. */
export const usb = { getDevices: async (): Promise<NativeUsbDevice[]> => [device] };
