/** Our device tree under software that knows nothing of us: OpenSBI and U-Boot boot from it on QEMU, where these are installed. */

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { planMemory } from '../machine/memory-plan.js';
import type { GuestImage } from './guest-image.js';

const QEMU = 'qemu-system-riscv64';
const BIOS = '/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_jump.bin';
const U_BOOT = '/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin';
const RAM_BYTES = 128 * 1024 * 1024;
const LIMIT_MS = 120_000;
/** What U-Boot says, and what is typed then. */
const DIALOGUE: readonly (readonly [prompt: string, answer: string])[] = [
  ['Hit any key', '\n'],
  ['=> ', 'fdt addr $fdtcontroladdr; fdt list /chosen\n'],
  ['=> ', 'poweroff\n'],
];

function missing(): string | undefined {
  if (spawnSync(QEMU, ['--version']).status !== 0) return `${QEMU} is not installed`;
  return [BIOS, U_BOOT].find((path) => !existsSync(path))?.concat(' is not installed');
}

/** Everything that QEMU prints until it ends. */
function boot(tree: string): Promise<string> {
  const machine = ['-M', 'virt', '-m', '128', '-nographic', '-bios', BIOS, '-kernel', U_BOOT, '-dtb', tree];
  const qemu = spawn(QEMU, machine, { stdio: ['pipe', 'pipe', 'ignore'], timeout: LIMIT_MS, killSignal: 'SIGKILL' });
  let out = '';
  let seen = 0;
  let step = 0;
  qemu.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    while (step < DIALOGUE.length) {
      const [prompt, answer] = DIALOGUE[step];
      const at = out.indexOf(prompt, seen);
      if (at < 0) break;
      seen = at + prompt.length;
      step++;
      qemu.stdin.write(answer);
    }
  });
  return new Promise((resolve, reject) => {
    qemu.on('error', reject);
    qemu.on('close', () => resolve(out));
  });
}

describe('the device tree of a 64-bit board', () => {
  const reason = missing();
  it(`boots OpenSBI and U-Boot on QEMU${reason === undefined ? '' : ` (skipped: ${reason})`}`, async function () {
    if (reason !== undefined) this.skip();
    this.timeout(LIMIT_MS);
    const folder = mkdtempSync(join(tmpdir(), 'rigvisor-tree-'));
    try {
      const image: GuestImage = {
        name: 'tree',
        format: 'parts',
        entry: 0x8000_0000,
        xlen: 64,
        segments: [],
        hypercalls: 'none',
        startPrivilege: 3,
      };
      const { tree } = planMemory({ name: 'tree', image, ramBytes: RAM_BYTES, seed: '1' });
      const path = join(folder, 'board.dtb');
      writeFileSync(path, tree);
      const out = await boot(path);
      for (const line of [
        /^Platform Name +: rigvisor,virt\r?$/m,
        /^Platform Console Device +: uart8250\r?$/m,
        /^Platform IPI Device +: aclint-mswi\r?$/m,
        /^Platform Shutdown Device +: sifive_test\r?$/m,
        /^Model: rigvisor,virt\r?$/m,
        /^DRAM: +128 MiB\r?$/m,
        /stdout-path = "\/soc\/serial@10000000"/,
        /rng-seed/,
        /poweroff \.\.\./,
      ])
        expect(out).to.match(line);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
