/** Debian's Linux with the board's devices: drives, network, random bytes, date; and GDB inside its paged kernel. */

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { EXIT } from '../cli/exit-codes.js';
import { INITRD, KERNEL, MODULES, missing, nightly, skipNote } from '../test-support/debian-linux.js';
import { type TestFolder, testFolder } from '../test-support/session.js';
import { endAll, startRig } from './rig-process.js';

const ENGINES = ['translator', 'interpreter'];
const GDB = 'gdb-multiarch';
const SECTOR = 512;
const DISK_BYTES = 256 * 1024;
const PAGE = 'served by the host\n';
const LIMIT_MS = 300_000;

const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

describe('Linux', function () {
  this.timeout(2 * LIMIT_MS);
  let folder: TestFolder;
  let server: Server | undefined;
  beforeEach(() => {
    folder = testFolder();
  });
  afterEach(async () => {
    await endAll();
    server?.close();
    server = undefined;
    folder.remove();
  });

  const absent = nightly
    ? missing([KERNEL, INITRD, MODULES], 'run scripts/fetch-linux.sh')
    : 'it takes minutes; set RIGVISOR_NIGHTLY=1';
  const noGdb = spawnSync(GDB, ['--version']).status === 0 ? undefined : `${GDB} is not installed`;

  const bootArgs = [
    ...['guest', 'run', '--kernel', KERNEL, '--initrd', INITRD, '--append', 'console=ttyS0 panic=-1 quiet'],
    ...['--memory', '256M'],
  ];
  const args = (typed: readonly string[], more: readonly string[]): string[] => {
    const input = join(folder.path, 'typed');
    writeFileSync(input, `${typed.join('\n')}\n`);
    return [...bootArgs, '--input', input, '--input-after', '~ # ', ...more];
  };
  /** What the shell prints for `typed`, line ends as a file has them. */
  const shell = async (typed: readonly string[], more: readonly string[]): Promise<string> => {
    const { code, out, err } = await startRig(args([...typed, 'exit'], more), { limitMs: LIMIT_MS }).ended;
    expect([code, err], out.slice(-2000)).to.deep.equal([EXIT.pass, '']);
    return out.replaceAll('\r', '');
  };

  it(`reads its drives, writes to a snapshot and to a file, draws random bytes and knows the date, the same with every engine${skipNote(absent)}`, async function () {
    if (absent !== undefined) this.skip();
    const random = createRandom('disk');
    const disk = Uint8Array.from({ length: DISK_BYTES }, () => random.below(256));
    const changed = disk.slice().fill(0, 0, 8 * SECTOR);
    const [kept, written] = ['kept.img', 'written.img'].map((name) => join(folder.path, name));
    const outputs: string[] = [];
    for (const engine of ENGINES) {
      for (const path of [kept, written]) writeFileSync(path, disk);
      const out = await shell(
        [
          'virtio',
          'md5sum /dev/vda /dev/vdb',
          'for d in vda vdb; do dd if=/dev/zero of=/dev/$d bs=512 count=8 conv=fsync 2>/dev/null; done',
          'echo 3 >/proc/sys/vm/drop_caches; md5sum /dev/vda /dev/vdb',
          'cat /sys/class/misc/hw_random/rng_current',
          'dd if=/dev/hwrng bs=64 count=1 2>/dev/null | wc -c',
          'dd if=/dev/hwrng bs=64 count=1 2>/dev/null | md5sum',
          'date -u +%F; cat /sys/class/rtc/rtc0/date',
        ],
        ['--engine', engine, '--drive', kept, '--drive', `${written},write`, '--rng'],
      );
      for (const drive of ['vda', 'vdb'])
        for (const bytes of [disk, changed]) expect(out).to.contain(`\n${md5(bytes)}  /dev/${drive}\n`);
      expect(out)
        .to.match(/^virtio_rng\.0$/m)
        .and.match(/^64$/m);
      expect(out.match(/^2026-01-01$/gm)).to.have.length(2);
      expect(md5(readFileSync(kept))).to.equal(md5(disk));
      expect(md5(readFileSync(written))).to.equal(md5(changed));
      outputs.push(out);
    }
    expect(outputs[1]).to.equal(outputs[0]);
  });

  it(`gets its address by DHCP and reaches a server of this computer${skipNote(absent)}`, async function () {
    if (absent !== undefined) this.skip();
    server = createServer((_, response) => void response.end(PAGE));
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    for (const engine of ENGINES) {
      const out = await shell(
        [
          'virtio',
          'ip link set eth0 up; udhcpc -i eth0 -q -n 2>&1',
          'ip -4 addr show eth0; ping -c 2 10.0.2.2',
          `wget -q -O - http://10.0.2.2:${port}/`,
        ],
        ['--engine', engine, '--net-forward', String(port)],
      );
      expect(out, engine).to.match(/lease of 10\.0\.2\.15 obtained from 10\.0\.2\.2/);
      expect(out, engine).to.match(/inet 10\.0\.2\.15\/24/);
      expect(out, engine).to.match(/2 packets transmitted, 2 packets received, 0% packet loss/);
      expect(out, engine).to.contain(`\n${PAGE}`);
    }
  });

  const debugged = absent ?? noGdb;
  it(`is debugged at a function of its kernel, by virtual addresses${skipNote(debugged)}`, async function () {
    if (debugged !== undefined) this.skip();
    // Debian's kernel comes without symbols, but knows them, and is where it was in every run.
    const names = ['__do_sys_newuname', 'linux_banner'];
    const symbols = await shell([`grep -E ' (${names.join('|')})$' /proc/kallsyms`], []);
    const [uname, banner] = names.map((name) => new RegExp(`^([0-9a-f]{16}) . ${name}$`, 'm').exec(symbols)?.[1]);
    expect([uname, banner]).not.to.include(undefined);
    for (const engine of ENGINES) {
      const guest = startRig([...bootArgs, '--engine', engine, '--gdb', '0'], { limitMs: LIMIT_MS, stdin: 'pipe' });
      await guest.says(/localhost:\d+/);
      const port = /localhost:(\d+)/.exec(guest.err)?.[1] ?? '';
      // With a breakpoint set, a guest is stepped: it boots without.
      await gdb(port, ['detach']);
      await guest.says(/~ # /);
      const commands = [`hbreak *0x${uname}`, 'continue', 'info registers pc satp', `x/s 0x${banner}`];
      // Typed once GDB holds the guest and has set its breakpoint: earlier, the shell might be quicker.
      const said = await gdb(port, [...commands, 'delete', 'detach'], /breakpoint 1 at/, () =>
        guest.type('uname -s; exit\n'),
      );
      expect(said, engine).to.match(new RegExp(`^pc +0x${uname}`, 'm'));
      expect(said, engine).to.match(/^satp +0x[89a][0-9a-f]{15}/m);
      expect(said, engine).to.match(/"Linux version 6\./);
      const { code, out } = await guest.ended;
      expect(code, out.slice(-2000)).to.equal(EXIT.pass);
      expect(out, engine).to.match(/^Linux\r?$/m);
    }
  });
});

/** What GDB says to `commands`; `then` is called once when it has said `awaited`. */
function gdb(port: string, commands: readonly string[], awaited?: RegExp, then?: () => void): Promise<string> {
  const args = ['-q', '-nx', '-batch', '-ex', 'set architecture riscv:rv64', '-ex', `target remote localhost:${port}`];
  args.push(...commands.flatMap((command) => ['-ex', command]));
  const child = spawn(GDB, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: LIMIT_MS, killSignal: 'SIGKILL' });
  let text = '';
  let isAwaited = awaited !== undefined;
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      if (!isAwaited || awaited?.test(text) !== true) return;
      isAwaited = false;
      then?.();
    });
  return new Promise((resolve) => child.on('close', () => resolve(text)));
}
