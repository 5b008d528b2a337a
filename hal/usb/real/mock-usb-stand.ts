/** What tests of the real USB binding stand on: a made-up sysfs with one device, a mock of the library, and how to drive both. */

import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RealUsbDevice } from './real-device.js';
import type { RealUsbOptions } from './real-usb.js';

export const MOCK_USB = {
  portPath: '1-1.2',
  deviceAddress: 5,
  vendorId: 0x1209,
  productId: 0x0001,
  serialNumber: 'R1',
} as const;

/** Vendor requests by which a test drives the mock; all but `count` and `silence` are OUT, `index` is the endpoint. */
export const MOCK_REQUEST = {
  nothing: 0,
  /** The device sends these bytes. */
  feed: 1,
  halt: 2,
  /** The pending transfer fails: `value` 0 Fault, 1 Cancelled, 2 Unknown. */
  fail: 3,
  /** OUT transfers are never done from now on. */
  holdOut: 4,
  unplug: 5,
  crash: 6,
  hang: 7,
  /** IN: `value` bytes that count. */
  count: 8,
  /** IN: no answer. */
  silence: 9,
} as const;

const endpoint = (
  endpointNumber: number,
  direction: USBDirection,
  type: USBEndpointType,
  packetSize: number,
): USBEndpoint => ({ endpointNumber, direction, type, packetSize });

const alternate = (alternateSetting: number, interfaceClass: number, endpoints: USBEndpoint[]) => ({
  alternateSetting,
  interfaceClass,
  interfaceSubclass: 0,
  interfaceProtocol: 0,
  interfaceName: null,
  endpoints,
});

const VENDOR = [
  alternate(0, 0xff, [
    endpoint(1, 'in', 'bulk', 64),
    endpoint(2, 'out', 'bulk', 64),
    endpoint(3, 'in', 'interrupt', 8),
    endpoint(4, 'in', 'isochronous', 192),
  ]),
  alternate(1, 0xff, [endpoint(1, 'in', 'bulk', 32)]),
];
const HID = [alternate(0, 3, [endpoint(5, 'in', 'interrupt', 8)])];

export const MOCK_CONFIGURATION: USBConfiguration = {
  configurationValue: 1,
  configurationName: null,
  interfaces: [
    { interfaceNumber: 0, claimed: false, alternate: VENDOR[0], alternates: VENDOR },
    { interfaceNumber: 1, claimed: false, alternate: HID[0], alternates: HID },
  ],
};

export class MockUsbStand {
  readonly folder = mkdtempSync(join(tmpdir(), 'rigvisor-usb-'));
  readonly sysfs = join(this.folder, 'sys');
  readonly options: RealUsbOptions;
  readonly #devices = join(this.sysfs, 'bus/usb/devices');

  /** `module`: which stand-in for the library. */
  constructor(module = 'mock-native-usb.js') {
    mkdirSync(join(this.sysfs, 'bus/usb/drivers/usbhid'), { recursive: true });
    mkdirSync(this.#devices, { recursive: true });
    writeFileSync(join(this.folder, 'log'), '');
    const mock = new URL(`./${module}`, import.meta.url);
    mock.searchParams.set('sysfs', this.sysfs);
    mock.searchParams.set('state', this.folder);
    this.options = { nativeModule: mock.href, sysfs: this.sysfs, locks: join(this.folder, 'locks') };
    this.plugIn();
  }

  /** Puts a device into sysfs; without arguments the one that the mock has. */
  plugIn(portPath: string = MOCK_USB.portPath, serialNumber: string = MOCK_USB.serialNumber): void {
    this.#write(portPath, {
      idVendor: '1209',
      idProduct: '0001',
      busnum: '1',
      devnum: String(portPath === MOCK_USB.portPath ? MOCK_USB.deviceAddress : 9),
      speed: '12',
      bConfigurationValue: '1',
      product: 'Mock',
      serial: serialNumber,
    });
    for (const [number, interfaceClass] of [
      [0, 'ff'],
      [1, '03'],
    ] as const)
      this.#write(`${portPath}:1.${number}`, {
        bInterfaceNumber: `0${number}`,
        bInterfaceClass: interfaceClass,
        bInterfaceSubClass: '00',
        bInterfaceProtocol: '00',
      });
    symlinkSync('../../drivers/usbhid', this.driverLink(1, portPath));
  }

  pullOut(portPath: string = MOCK_USB.portPath): void {
    for (const name of [portPath, `${portPath}:1.0`, `${portPath}:1.1`])
      rmSync(join(this.#devices, name), { recursive: true, force: true });
  }

  driverLink(interfaceNumber: number, portPath: string = MOCK_USB.portPath): string {
    return join(this.#devices, `${portPath}:1.${interfaceNumber}`, 'driver');
  }

  /** What the library was asked to do, in every process. */
  log(): string[] {
    return readFileSync(join(this.folder, 'log'), 'utf8').split('\n').slice(0, -1);
  }

  /** Files of locks that are held, or were left. */
  locks(): string[] {
    return readdirSync(join(this.folder, 'locks'));
  }

  deny(): void {
    writeFileSync(join(this.folder, 'denied'), '');
  }

  hideUsb(): void {
    rmSync(join(this.sysfs, 'bus'), { recursive: true });
  }

  get driverAttached(): boolean {
    return lstatSync(this.driverLink(1), { throwIfNoEntry: false }) !== undefined;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #write(name: string, attributes: Readonly<Record<string, string>>): void {
    mkdirSync(join(this.#devices, name), { recursive: true });
    for (const [attribute, text] of Object.entries(attributes))
      writeFileSync(join(this.#devices, name, attribute), `${text}\n`);
  }
}

/** Asks the mock for something; see `MOCK_REQUEST`. */
export async function drive(
  device: RealUsbDevice,
  request: keyof typeof MOCK_REQUEST,
  { index = 0, value = 0, data }: { index?: number; value?: number; data?: Uint8Array } = {},
): Promise<USBOutTransferResult> {
  const setup: USBControlTransferParameters = {
    requestType: 'vendor',
    recipient: 'device',
    request: MOCK_REQUEST[request],
    value,
    index,
  };
  return device.controlTransferOut(setup, data);
}
