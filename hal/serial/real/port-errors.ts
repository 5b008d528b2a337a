/** What the operating system and the native library say about a port, as a `HalError` with what to do about it. */

import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { HalError } from '../../errors.js';
import { HostRequestError } from '../../host-process/host-process.js';
import { CanceledError } from '../binding-errors.js';
import { nearNames } from '../near-names.js';
import { serialPaths } from './port-list.js';

/** What is asked about the machine to explain an error; injected by tests. */
export interface MachineView {
  ports(): string[];
  /** Processes that have the path open, as far as they may be looked at. */
  holders(path: string): { pid: number; name: string }[];
  /** Name of the group that owns the path; undefined when it has none with a name. */
  group(path: string): string | undefined;
}

export const THIS_MACHINE: MachineView = { ports: serialPaths, holders: findHolders, group: groupOf };

/** `error`, met while doing `what` with `path`, in the terms of the layer. */
export function portError(error: unknown, path: string, what: string, machine = THIS_MACHINE): HalError {
  if (error instanceof HalError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof HostRequestError ? error.code : undefined;
  const details = { where: path, cause: error };
  if (error instanceof HostRequestError && error.canceled) return new CanceledError(path, what);
  if (/cannot lock port|device or resource busy|access denied.*in use/i.test(message))
    return new HalError('HAL_IN_USE', `${path} is in use${heldBy(path, machine)}`, {
      ...details,
      hint: 'End the program that has it open, or use another port.',
    });
  if (what === 'open' && /no such (file|device)|file not found/i.test(message))
    return new HalError('HAL_NOT_FOUND', `there is no port ${path}`, { ...details, hint: nearHint(path, machine) });
  if (/permission denied|operation not permitted/i.test(message) || code === 'EACCES')
    return new HalError('HAL_DENIED', `the operating system refuses access to ${path}`, {
      ...details,
      hint: deniedHint(path, machine),
    });
  if (what === 'open' && /inappropriate ioctl|is a directory/i.test(message))
    return new HalError('HAL_UNSUPPORTED', `${path} is not a serial port`, {
      ...details,
      hint: nearHint(path, machine),
    });
  if (/inappropriate ioctl|not supported|cannot set low latency/i.test(message))
    return new HalError('HAL_UNSUPPORTED', `${path} cannot ${what}: it has no such lines or settings`, details);
  if (/port is not open/i.test(message)) return new CanceledError(path, what);
  if (isGone(message, code))
    return new HalError('HAL_DISCONNECTED', `${path} is gone`, {
      ...details,
      hint: 'Check the cable and open the port again when the device is back.',
    });
  return new HalError('HAL_IO', `${path}: ${what} failed: ${message}`, details);
}

function isGone(message: string, code: string | undefined): boolean {
  return (
    ['EIO', 'ENXIO', 'ENODEV', 'EBADF', 'EPIPE'].includes(code ?? '') ||
    /bad file descriptor|input\/output error|i\/o error|no such device|device not configured/i.test(message)
  );
}

function nearHint(path: string, machine: MachineView): string {
  const ports = machine.ports();
  const near = nearNames(path, ports);
  if (near.length > 0) return `Did you mean ${near.join(', ')}?`;
  return ports.length > 0
    ? `The ports are: ${ports.join(', ')}.`
    : 'This machine shows no serial port: is the device plugged in?';
}

function heldBy(path: string, machine: MachineView): string {
  const holders = machine.holders(path);
  if (holders.length === 0) return '';
  return ` by ${holders.map(({ pid, name }) => `process ${pid} (${name})`).join(', ')}`;
}

function deniedHint(path: string, machine: MachineView): string {
  const group = machine.group(path);
  if (group !== undefined && group !== 'root')
    return `Join the group that owns it: sudo usermod -aG ${group} "$USER", then log in again.`;
  const kernelName = path.split('/').pop() ?? path;
  return `Add the udev rule SUBSYSTEM=="tty", KERNEL=="${kernelName}", GROUP="dialout", MODE="0660" and join the group dialout.`;
}

function findHolders(path: string): { pid: number; name: string }[] {
  const found: { pid: number; name: string }[] = [];
  const target = attempt(() => realpathSync(path)) ?? path;
  for (const entry of attempt(() => readdirSync('/proc')) ?? []) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const descriptors = attempt(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
    if (descriptors.some((fd) => attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) === target))
      found.push({ pid, name: attempt(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim()) ?? '?' });
  }
  return found;
}

function groupOf(path: string): string | undefined {
  const gid = attempt(() => statSync(path).gid);
  const line = (attempt(() => readFileSync('/etc/group', 'utf8')) ?? '')
    .split('\n')
    .find((each) => each.split(':')[2] === String(gid));
  return line?.split(':')[0];
}

/** What cannot be looked at (another user's process, one that has just ended) counts as not there. */
function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
