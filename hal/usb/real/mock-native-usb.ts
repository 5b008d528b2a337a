/**
 * A stand-in for package `usb` inside tests: one device, with the library's ways. It takes one transfer an endpoint, cuts
 * off what was not asked for, drops what came when it times out, speaks in texts, detaches no driver, and forgets no claim
 * at `close`. Loaded by the host process from a URL whose query names the folders of `MockUsbStand`.
 */

import {
  appendFileSync,
  existsSync,
  lstatSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { MOCK_CONFIGURATION, MOCK_REQUEST, MOCK_USB } from './mock-usb-stand.js';

const query = new URL(import.meta.url).searchParams;
const sysfs = query.get('sysfs') ?? '';
const state = query.get('state') ?? '';
const devices = join(sysfs, 'bus/usb/devices');

interface PendingIn {
  readonly wanted: number;
  readonly asked: number;
  readonly got: number[];
  readonly resolve: (bytes: Uint8Array) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

interface InEndpoint {
  readonly packetSize: number;
  readonly packets: Uint8Array[];
  pending: PendingIn | undefined;
  halted: boolean;
}

let open = false;
let gone = false;
const claimed = new Set<number>();
const held = new Map<number, (error: Error) => void>();
const holding = new Set<number>();
const ins = new Map<number, InEndpoint>();
for (const { alternates } of MOCK_CONFIGURATION.interfaces)
  for (const { endpoints } of alternates)
    for (const { direction, endpointNumber, packetSize } of endpoints)
      if (direction === 'in') ins.set(endpointNumber, { packetSize, packets: [], pending: undefined, halted: false });

function log(line: string): void {
  appendFileSync(join(state, 'log'), `${line}\n`);
}

const driverLink = (number: number): string => join(devices, `${MOCK_USB.portPath}:1.${number}`, 'driver');

function hasDriver(number: number): boolean {
  try {
    return lstatSync(driverLink(number)).isSymbolicLink();
  } catch {
    return false;
  }
}

/** A claim ends with its process, as the kernel does it. */
function claimedElsewhere(number: number): boolean {
  try {
    const pid = Number(readFileSync(join(state, `claim-${number}`), 'utf8'));
    if (pid === process.pid) return claimed.has(number);
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function refuse(what: string, why: string): never {
  throw new Error(`${what} error: ${why}`);
}

function check(what: string): void {
  if (gone) refuse(what, 'Disconnected');
  if (!open) refuse(what, 'invalid state');
}

function endpointOf(what: string, endpointNumber: number, direction: USBDirection): void {
  check(what);
  const owner = MOCK_CONFIGURATION.interfaces.find(({ alternates }) =>
    alternates.some(({ endpoints }) =>
      endpoints.some((each) => each.endpointNumber === endpointNumber && each.direction === direction),
    ),
  );
  if (owner === undefined || !claimed.has(owner.interfaceNumber)) refuse(what, 'endpoint not found');
}

function pump(endpoint: InEndpoint): void {
  const { pending, packets, packetSize } = endpoint;
  if (pending === undefined) return;
  while (packets.length > 0) {
    const packet = packets.shift() as Uint8Array;
    pending.got.push(...packet);
    if (packet.length === packetSize && pending.got.length < pending.asked) continue;
    endpoint.pending = undefined;
    clearTimeout(pending.timer);
    const bytes = pending.got.slice(0, pending.wanted);
    // A piece of a pool, as a native library may hand it out.
    const pool = new Uint8Array(bytes.length + 32).fill(0xee);
    pool.set(bytes, 16);
    pending.resolve(pool.subarray(16, 16 + bytes.length));
    return;
  }
}

function failIn(endpoint: InEndpoint | undefined, why: string): void {
  const pending = endpoint?.pending;
  if (endpoint === undefined || pending === undefined) return;
  endpoint.pending = undefined;
  clearTimeout(pending.timer);
  pending.reject(new Error(`transferIn error: ${why}`));
}

function unplug(): void {
  gone = true;
  for (const number of [0, 1])
    rmSync(join(devices, `${MOCK_USB.portPath}:1.${number}`), { recursive: true, force: true });
  rmSync(join(devices, MOCK_USB.portPath), { recursive: true, force: true });
  for (const endpoint of ins.values()) failIn(endpoint, 'Disconnected');
  for (const reject of held.values()) reject(new Error('transferOut error: Disconnected'));
}

function act({ request, index, value }: USBControlTransferParameters, data: Uint8Array): void {
  const endpoint = ins.get(index & 0x0f);
  if (request === MOCK_REQUEST.feed && endpoint !== undefined) {
    const { packetSize } = endpoint;
    for (let at = 0; at < data.length; at += packetSize) endpoint.packets.push(data.slice(at, at + packetSize));
    if (data.length === 0) endpoint.packets.push(data);
    pump(endpoint);
  } else if (request === MOCK_REQUEST.halt && endpoint !== undefined) {
    endpoint.halted = true;
    failIn(endpoint, 'Stall');
  } else if (request === MOCK_REQUEST.fail) {
    failIn(endpoint, ['Fault', 'Cancelled', 'Unknown(99)'][value]);
  } else if (request === MOCK_REQUEST.holdOut) {
    holding.add(index);
  } else if (request === MOCK_REQUEST.unplug) {
    setImmediate(unplug);
  } else if (request === MOCK_REQUEST.crash) {
    setImmediate(() => {
      process.stderr.write('nusb: bad magic\n', () => process.kill(process.pid, 'SIGSEGV'));
    });
  } else if (request === MOCK_REQUEST.hang) {
    setImmediate(() => {
      for (;;);
    });
  } else if (request !== MOCK_REQUEST.nothing) {
    refuse('controlTransferOut', 'Stall');
  }
}

function getter<T>(name: string, value: T): T {
  if (!open) {
    log(`${name} opened the device`);
    if (existsSync(join(state, 'denied'))) refuse('open', 'permission denied');
  }
  return value;
}

const device = {
  vendorId: MOCK_USB.vendorId,
  productId: MOCK_USB.productId,
  usbVersionMajor: 2,
  usbVersionMinor: 0,
  usbVersionSubminor: 0,
  deviceVersionMajor: 1,
  deviceVersionMinor: 2,
  deviceVersionSubminor: 3,
  deviceClass: 0,
  deviceSubclass: 0,
  deviceProtocol: 0,
  bus: '001',
  address: MOCK_USB.deviceAddress,
  ports: [1, 2],
  speed: 'Full',
  get manufacturerName() {
    return getter('manufacturerName', 'Nobody');
  },
  get productName() {
    return getter('productName', 'Mock');
  },
  get serialNumber() {
    return getter('serialNumber', MOCK_USB.serialNumber);
  },
  get configuration() {
    return getter('configuration', MOCK_CONFIGURATION);
  },
  get configurations() {
    return getter('configurations', [MOCK_CONFIGURATION]);
  },
  async open() {
    if (existsSync(join(state, 'denied'))) refuse('open', 'permission denied');
    if (gone) refuse('open', 'Disconnected');
    open = true;
    log('open');
  },
  async close() {
    open = false;
    log(`close${claimed.size === 0 ? '' : ' with interfaces claimed'}`);
  },
  async reset() {
    check('reset');
    log('reset');
  },
  async selectConfiguration(value: number) {
    check('selectConfiguration');
    if (value !== 1) refuse('selectConfiguration', 'invalid configuration');
    if (hasDriver(0) || hasDriver(1)) refuse('selectConfiguration', 'device is busy');
  },
  async claimInterface(number: number) {
    check('claimInterface');
    if (hasDriver(number) || claimedElsewhere(number)) refuse('claimInterface', 'interface is busy');
    claimed.add(number);
    writeFileSync(join(state, `claim-${number}`), String(process.pid));
    log(`claim ${number}`);
  },
  async releaseInterface(number: number) {
    check('releaseInterface');
    if (!claimed.has(number)) refuse('releaseInterface', 'not claimed');
    // Pending transfers keep the interface.
    if (![...ins.values()].some(({ pending }) => pending !== undefined)) claimed.delete(number);
    log(`release ${number}`);
  },
  async selectAlternateInterface(number: number, setting: number) {
    check('selectAlternateInterface');
    log(`alternate ${number} ${setting}`);
  },
  async clearHalt(_direction: USBDirection, endpointNumber: number) {
    check('clearHalt');
    const endpoint = ins.get(endpointNumber);
    if (endpoint !== undefined) endpoint.halted = false;
  },
  async detachKernelDriver(number: number) {
    check('detachKernelDriver');
    if (!hasDriver(number)) refuse('detachKernelDriver', 'no kernel driver attached');
    unlinkSync(driverLink(number));
    log(`detach ${number}`);
  },
  async attachKernelDriver(number: number) {
    check('attachKernelDriver');
    if (hasDriver(number) || claimedElsewhere(number)) refuse('attachKernelDriver', 'kernel driver already attached');
    symlinkSync('../../drivers/usbhid', driverLink(number));
    log(`attach ${number}`);
  },
  async nativeControlTransferIn({ request, value }: USBControlTransferParameters, timeoutMs: number, length: number) {
    check('controlTransferIn');
    if (request === MOCK_REQUEST.silence)
      return new Promise<Uint8Array>((_, reject) => {
        setTimeout(() => reject(new Error('controlTransferIn error: Cancelled')), timeoutMs);
      });
    if (request !== MOCK_REQUEST.count) refuse('controlTransferIn', 'Stall');
    return Uint8Array.from({ length: Math.min(length, value) }, (_, i) => i & 0xff);
  },
  async nativeControlTransferOut(setup: USBControlTransferParameters, _timeoutMs: number, data: Uint8Array) {
    check('controlTransferOut');
    const { length } = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    act(setup, data);
    return length;
  },
  async nativeTransferIn(endpointNumber: number, timeoutMs: number, length: number) {
    endpointOf('transferIn', endpointNumber, 'in');
    const endpoint = ins.get(endpointNumber) as InEndpoint;
    if (endpoint.pending !== undefined) refuse('transferIn', 'endpoint not found');
    if (endpoint.halted) refuse('transferIn', 'Stall');
    log(`in ${endpointNumber} ${length}`);
    return new Promise<Uint8Array>((resolve, reject) => {
      endpoint.pending = {
        wanted: length,
        asked: Math.ceil(length / endpoint.packetSize) * endpoint.packetSize,
        got: [],
        resolve,
        reject,
        timer: setTimeout(() => failIn(endpoint, 'Cancelled'), Math.min(timeoutMs, 0x7fffffff)),
      };
      pump(endpoint);
    });
  },
  async nativeTransferOut(endpointNumber: number, _timeoutMs: number, data: Uint8Array) {
    endpointOf('transferOut', endpointNumber, 'out');
    if (held.has(endpointNumber)) refuse('transferOut', 'endpoint not found');
    log(`out ${endpointNumber} ${Buffer.from(data).toString('hex')}`);
    if (holding.has(endpointNumber))
      return new Promise<number>((_, reject) => {
        held.set(endpointNumber, reject);
      });
    return data.length;
  },
};

/** What the package exports. */
export const usb = {
  async getDevices() {
    if (!existsSync(devices)) throw new Error('/sys/bus/usb/devices/ not found');
    return existsSync(join(devices, MOCK_USB.portPath)) ? [device] : [];
  },
  addEventListener(_type: string, listener: () => void) {
    if (!existsSync(devices))
      setTimeout(() => {
        throw new Error('/sys/bus/usb/devices/ not found');
      });
    let there = existsSync(join(devices, MOCK_USB.portPath));
    setInterval(() => {
      const now = existsSync(join(devices, MOCK_USB.portPath));
      if (now !== there) listener();
      there = now;
    }, 10);
  },
};
