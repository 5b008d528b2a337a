/** The checks behind `rig doctor`, over a view of the machine that tests can replace. */

import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { listGuests } from '../guest-manifest.js';
import { listProfiles } from '../paths.js';
import { loadWiring } from '../plan/context.js';
import type { UsbDevices } from '../run/services.js';
import { listPlans } from './plan-files.js';

export interface CheckResult {
  readonly name: string;
  /** `optional`: something a run can do without. */
  readonly state: 'good' | 'missing' | 'optional';
  readonly detail: string;
  readonly hint?: string;
}

export interface MachineProbe {
  readonly nodeVersion: string;
  readonly platform: string;
  /** Loads a package; rejects when it cannot be. */
  load(name: string): Promise<unknown>;
  /** Names in a folder, none when it is missing. */
  names(folder: string): string[];
  mayUse(path: string): boolean;
  /** USB devices as the machine shows them, without opening any. */
  usb(): Promise<UsbDevices>;
  /** Where a command is, along PATH. */
  command(name: string): string | undefined;
}

export const PROCESS_PROBE: MachineProbe = {
  nodeVersion: process.versions.node,
  platform: process.platform,
  load: (name) => import(name),
  usb: async () => (await loadWiring()).usbDevices(),
  names: (folder) => (existsSync(folder) ? readdirSync(folder) : []),
  mayUse: (path) => {
    try {
      accessSync(path, constants.R_OK | constants.W_OK);
      return true;
    } catch {
      return false;
    }
  },
  command: (name) =>
    (process.env.PATH ?? '')
      .split(delimiter)
      .map((folder) => join(folder, name))
      .find(existsSync),
};

/** What each optional tool is good for. */
const TOOLS: readonly (readonly [command: string, purpose: string, debian: string])[] = [
  ['tshark', 'reads traces packet by packet; some tests check traces with it', 'tshark'],
  ['socat', 'makes pseudo-terminals for trying the real binding without a device', 'socat'],
  ['gpsd', 'decodes simulators and replays that are shown on a pseudo-terminal', 'gpsd'],
  ['dtc', 'reads generated device trees back; some tests check them with it', 'device-tree-compiler'],
  ['qemu-system-riscv32', 'runs the same guest images for comparison', 'qemu-system-misc'],
  ['riscv64-unknown-elf-gcc', 'rebuilds the guest images', 'gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf'],
];

export async function checkMachine(probe: MachineProbe): Promise<CheckResult[]> {
  return [
    nodeCheck(probe),
    await libraryCheck(probe, 'koffi', 'pseudo-terminals and system calls'),
    await libraryCheck(probe, 'serialport', 'real serial ports'),
    await libraryCheck(probe, 'usb', 'real USB devices', 'optional'),
    await libraryCheck(probe, 'node-hid', 'real HID devices', 'optional'),
    ...shippedChecks(),
    ...portChecks(probe),
    ...(await usbChecks(probe)),
    ...TOOLS.map((tool) => toolCheck(probe, ...tool)),
  ];
}

function nodeCheck({ nodeVersion }: MachineProbe): CheckResult {
  const [major, minor] = nodeVersion.split('.').map(Number);
  const good = major > 20 || (major === 20 && minor >= 19);
  return {
    name: 'Node.js',
    state: good ? 'good' : 'missing',
    detail: nodeVersion,
    ...(good ? {} : { hint: 'install 20.19 or newer' }),
  };
}

async function libraryCheck(
  probe: MachineProbe,
  name: string,
  purpose: string,
  without: CheckResult['state'] = 'missing',
): Promise<CheckResult> {
  try {
    await probe.load(name);
    return { name, state: 'good', detail: `loads (${purpose})` };
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message.split('\n')[0] : String(thrown);
    return {
      name,
      state: without,
      detail: `does not load (${purpose}): ${message}`,
      hint: /libusb|libudev/.test(message)
        ? 'on Debian: apt-get install libusb-1.0-0 libudev1'
        : 'run "npm ci" again on this machine: its native part belongs to one platform and Node.js version',
    };
  }
}

function shippedChecks(): CheckResult[] {
  const shipped: readonly (readonly [string, string[]])[] = [
    ['plans', listPlans()],
    ['guests', listGuests()],
    ['profiles', listProfiles()],
  ];
  return shipped.map(([name, names]) =>
    names.length > 0
      ? { name, state: 'good', detail: names.join(', ') }
      : { name, state: 'missing', detail: 'none found', hint: 'run "npm start" once: it builds what is missing' },
  );
}

const PORT_NAMES = /^(?:ttyUSB|ttyACM|ttyAMA|ttyXRUSB|cu\.)/;

/** Device files of serial adapters. */
export function serialNodes(probe: MachineProbe): string[] {
  return probe
    .names('/dev')
    .filter((name) => PORT_NAMES.test(name))
    .sort();
}

function portChecks(probe: MachineProbe): CheckResult[] {
  const ports = serialNodes(probe);
  if (ports.length === 0)
    return [
      {
        name: 'serial ports',
        state: 'optional',
        detail: 'none is there',
        hint: 'simulators and recordings need none; plug a device in for --binding real',
      },
    ];
  return ports.map((name) => {
    const path = `/dev/${name}`;
    if (probe.mayUse(path)) return { name: path, state: 'good', detail: 'may be read and written' };
    return {
      name: path,
      state: 'optional',
      detail: 'no permission',
      hint:
        probe.platform === 'linux'
          ? 'add yourself to its group with "sudo usermod -aG dialout $USER" and log in again, or add a udev rule for the device'
          : 'give your user read and write access to it',
    };
  });
}

/** USB devices that are there, which profile knows them, and whether this user may drive them. */
async function usbChecks(probe: MachineProbe): Promise<CheckResult[]> {
  const { devices, reason } = await probe.usb();
  if (devices.length === 0)
    return [
      {
        name: 'USB devices',
        state: 'optional',
        detail: reason ?? 'none is plugged in',
        hint: 'simulators and recordings need none; plug a device in for --binding real',
      },
    ];
  return devices.flatMap(({ name, title, profile, node, rule, hid }) => {
    const known = profile === undefined ? 'no shipped profile knows it' : `profile ${profile}`;
    return [
      permissionCheck(probe, { name, detail: `${title}, ${known}`, node, rule }),
      ...hid.map((each) => permissionCheck(probe, { name: each.node, detail: `HID of ${name}`, ...each })),
    ];
  });
}

function permissionCheck(
  probe: MachineProbe,
  { name, detail, node, rule }: { name: string; detail: string; node: string; rule: string },
): CheckResult {
  if (probe.mayUse(node)) return { name, state: 'good', detail };
  return {
    name,
    state: 'optional',
    detail: `${detail}; no permission`,
    hint: `to use it write this line into /etc/udev/rules.d/70-rigvisor.rules: ${rule} and run "sudo udevadm control --reload && sudo udevadm trigger"`,
  };
}

function toolCheck(probe: MachineProbe, command: string, purpose: string, debian: string): CheckResult {
  const path = probe.command(command);
  if (path !== undefined) return { name: command, state: 'good', detail: purpose };
  return {
    name: command,
    state: 'optional',
    detail: `not there; ${purpose}`,
    hint: `on Debian: apt-get install ${debian}`,
  };
}
