/** Runs an image on QEMU's `virt` board and hands back its RAM: the reference that nobody here wrote. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WallClock } from '../../base/index.js';
import { Timer } from '../../base/index.js';
import type { ProgramImage } from './image-builder.js';
import { SIGNAL } from './image-layout.js';

/** QEMU puts the device tree at the end of RAM: room that is not compared. */
const SPARE_BYTES = 0x80_0000;

/** What our harts have, and nothing more, so that every other encoding and CSR is illegal on both. */
const WITHOUT = 'h=off,zbc=off,zbs=off,sstc=off,debug=off,pmu-num=0,marchid=0,mimpid=0';
const CPU = {
  32: `rv32,s=off,f=off,d=off,zba=off,zbb=off,${WITHOUT}`,
  64: `rv64,${WITHOUT}`,
} as const;

const programName = (xlen: 32 | 64): string => `qemu-system-riscv${xlen}`;

/** Undefined when QEMU for this width can be started, else why not. */
export function qemuIsMissing(xlen: 32 | 64): string | undefined {
  const { error, status } = spawnSync(programName(xlen), ['--version'], { stdio: 'ignore' });
  if (error !== undefined) return `${programName(xlen)} cannot be started (${error.message}).`;
  return status === 0 ? undefined : `${programName(xlen)} --version ends with ${status}.`;
}

/** How often programs signalled their end, and whether the image did. */
interface Progress {
  ended: number;
  isComplete: boolean;
}

/**
 * RAM from `IMAGE_BASE` after the image has signalled its end. Rejects with an `Error` that names the program that did
 * not end when that takes longer than `limitMs`. The process is gone when the promise settles.
 */
export async function runOnQemu(image: ProgramImage, clock: WallClock, limitMs: number): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'rigvisor-differential-'));
  try {
    const ram = join(folder, 'ram');
    const ramBytes = image.bytes.length + SPARE_BYTES;
    writeFileSync(ram, image.bytes);
    truncateSync(ram, ramBytes);
    await runProcess(image, ram, ramBytes, clock, limitMs);
    return new Uint8Array(readFileSync(ram).subarray(0, image.bytes.length));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runProcess(
  image: ProgramImage,
  ram: string,
  ramBytes: number,
  clock: WallClock,
  limitMs: number,
): Promise<void> {
  const backend = `memory-backend-file,id=ram,size=${ramBytes},mem-path=${ram},share=on`;
  const machine = ['-M', 'virt,memory-backend=ram', '-m', `${ramBytes}b`, '-cpu', CPU[image.xlen], '-bios', 'none'];
  const quiet = ['-display', 'none', '-monitor', 'none', '-serial', 'stdio', '-nodefaults', '-no-reboot'];
  const child = spawn(programName(image.xlen), ['-object', backend, ...machine, ...quiet], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
  try {
    await awaitSignal(child, image, clock, limitMs);
  } finally {
    child.kill('SIGKILL');
    await exited;
  }
}

function awaitSignal(child: ChildProcess, image: ProgramImage, clock: WallClock, limitMs: number): Promise<void> {
  const progress: Progress = { ended: 0, isComplete: false };
  let complaints = '';
  return new Promise((resolve, reject) => {
    const fail = (what: string): void => {
      const current = image.programs[progress.ended];
      reject(new Error(`QEMU ${what} at program ${current?.seed} of RV${image.xlen}. ${complaints}`.trim()));
    };
    const timer = new Timer(() => fail(`did not end within ${limitMs} ms`));
    clock.schedule(timer, clock.now() + limitMs * 1e6);
    const settle = (action: () => void): void => {
      clock.cancel(timer);
      action();
    };
    child.once('error', (error) => settle(() => fail(`cannot be started (${error.message})`)));
    child.once('close', (code, signal) => settle(() => fail(`ended by itself (${code ?? signal})`)));
    child.stderr?.on('data', (chunk: Buffer) => {
      complaints += chunk.toString();
    });
    child.stdout?.on('data', (chunk: Buffer) => {
      for (const byte of chunk) {
        if (byte === SIGNAL.programEnded) progress.ended++;
        if (byte === SIGNAL.imageEnded) progress.isComplete = true;
      }
      if (progress.isComplete) settle(resolve);
    });
  });
}
