/** QEMU as a contender: one vCPU of its translator (TCG) on the `virt` board, in a process of its own. */

import { spawnSync } from 'node:child_process';
import { timeNs } from './clock.js';
import { elfPath, type Xlen } from './engine-programs.js';

/** `icount` counts instructions as our engines do (`-icount shift=0`); `tcg` does not, and so cannot replay. */
export type QemuMode = 'tcg' | 'icount';

const TIMEOUT_MS = 300_000;
const ICOUNT: Readonly<Record<QemuMode, readonly string[]>> = { tcg: [], icount: ['-icount', 'shift=0'] };

const command = (xlen: Xlen): string => `qemu-system-riscv${xlen}`;

/** The first line of `--version`; undefined when QEMU is not installed. */
export function qemuVersion(xlen: Xlen): string | undefined {
  const done = spawnSync(command(xlen), ['--version'], { encoding: 'utf8' });
  return done.status === 0 ? done.stdout.split('\n')[0].trim() : undefined;
}

/** Seconds from the start of the process to its end. Throws when the program does not say that its result is right. */
export function runQemu(mode: QemuMode, name: string, xlen: Xlen): number {
  const args = ['-M', 'virt', '-accel', 'tcg', '-smp', '1', '-bios', 'none', '-nographic', ...ICOUNT[mode]];
  let output = '';
  const ns = timeNs(() => {
    const done = spawnSync(command(xlen), [...args, '-kernel', elfPath(name, xlen)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: TIMEOUT_MS,
    });
    output = `${done.stdout}${done.stderr}`;
  });
  if (!output.startsWith(`${name} ok `))
    throw new Error(`${name} on ${command(xlen)} did not end well: ${output.trim()}`);
  return ns / 1e9;
}
