/** Debian's Linux from power-on to power-off, through a shell: QEMU and our engines in alternating rounds. */

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { timeNsAsync } from './clock.js';
import { count } from './options.js';
import { median, type Row, toRow } from './table.js';

const FOLDER = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'rigvisor', 'linux');
const KERNEL = join(FOLDER, 'vmlinux');
const INITRD = join(FOLDER, 'initramfs.cpio');
const BIOS = '/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_jump.bin';
const RIG = fileURLToPath(new URL('../rig/cli/main.js', import.meta.url));
const PROMPT = '~ #';
const TYPED = 'uname -a; poweroff -f\n';
const BAR = 3;

const QEMU = [
  ...['-M', 'virt', '-m', '512', '-nographic', '-bios', BIOS],
  ...['-kernel', KERNEL, '-initrd', INITRD, '-append', 'console=ttyS0'],
];

/** Types the commands once the shell's prompt has come; resolves when the process has ended. */
function converse(command: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] });
    let output = '';
    let hasTyped = false;
    child.stdout.on('data', (bytes: Buffer) => {
      output += bytes.toString('latin1');
      if (hasTyped || !output.includes(PROMPT)) return;
      hasTyped = true;
      child.stdin.write(TYPED);
    });
    child.on('error', reject);
    child.on('close', () => (hasTyped ? resolve() : reject(new Error(`${command} ended without a prompt`))));
  });
}

function runRig(engine: string, input: string): Promise<void> {
  const images = ['--bios', BIOS, '--kernel', KERNEL, '--initrd', INITRD, '--append', 'console=ttyS0'];
  const typing = ['--input', input, '--input-after', PROMPT];
  const args = [RIG, 'guest', 'run', ...images, '--memory', '512M', '--engine', engine, ...typing];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: 'ignore' });
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`rig ended with ${code}`))));
  });
}

/** `--rounds N`; wall time of whole processes. */
export async function benchLinux(args: readonly string[]): Promise<Row[]> {
  const absent = [KERNEL, INITRD, BIOS].find((path) => !existsSync(path));
  if (absent !== undefined) {
    process.stdout.write(`${absent} is missing: run scripts/fetch-linux.sh, and install Debian's opensbi\n`);
    return [];
  }
  const folder = mkdtempSync(join(tmpdir(), 'rigvisor-bench-'));
  const input = join(folder, 'typed');
  writeFileSync(input, TYPED);
  const contenders = new Map<string, () => Promise<void>>([
    ['QEMU TCG', () => converse('qemu-system-riscv64', QEMU)],
    ['translator', () => runRig('translator', input)],
    ['interpreter', () => runRig('interpreter', input)],
  ]);
  const seconds = new Map([...contenders.keys()].map((name) => [name, [] as number[]]));
  try {
    for (let round = count(args, 'rounds', 3); round > 0; round--) {
      for (const [name, run] of contenders) seconds.get(name)?.push((await timeNsAsync(run)) / 1e9);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  const reference = median(seconds.get('QEMU TCG') ?? []);
  return [...seconds].map(([name, values]) => {
    const row = toRow(`Linux, power-on to power-off: ${name}`, values, 's');
    if (name !== 'translator') return row;
    return { ...row, bar: { text: `<= ${BAR} x QEMU`, met: row.value <= BAR * reference } };
  });
}
