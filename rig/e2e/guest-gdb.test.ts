/** Debugs a guest with GDB, and with a peer that is none. */

import { spawn, spawnSync } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { EXIT } from '../cli/exit-codes.js';
import { framePacket } from '../guest/gdb/gdb-packet.js';
import { GUESTS_DIR } from '../paths.js';
import { endAll, type RigProcess, startRig, waitUntil } from './rig-process.js';

const GDB = 'gdb-multiarch';
const HELLO = 'hello from hart 0, hypercalls answered\r\n';
const HELLO_ELF = join(GUESTS_DIR, 'hello', 'hello.elf');

/** A guest that waits for its debugger, and the port. */
async function start(...args: readonly string[]): Promise<{ readonly guest: RigProcess; readonly port: number }> {
  const guest = startRig(['guest', 'run', ...args, '--gdb', '0']);
  await guest.says(/localhost:\d+/);
  return { guest, port: Number(/localhost:(\d+)/.exec(guest.err)?.[1]) };
}

function gdb(port: number, commands: readonly string[]): Promise<string> {
  const args = ['-q', '-nx', '-batch', HELLO_ELF, '-ex', 'set architecture riscv:rv32'];
  args.push('-ex', `target remote localhost:${port}`, ...commands.flatMap((command) => ['-ex', command]));
  const child = spawn(GDB, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000, killSignal: 'SIGKILL' });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
  return new Promise((resolve) => child.on('close', () => resolve(text)));
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.on('error', reject);
  });
}

describe('a debugger', function () {
  this.timeout(120_000);
  afterEach(endAll);

  const missing = spawnSync(GDB, ['--version']).status === 0 ? undefined : `${GDB} is not installed`;
  const note = missing === undefined ? '' : ` (skipped: ${missing})`;

  for (const time of ['virtual', 'wall']) {
    it(`breaks, steps, reads, writes and continues to the end in ${time} time${note}`, async function () {
      if (missing !== undefined) this.skip();
      const { guest, port } = await start('hello', '--time', time);
      const said = await gdb(port, [
        'info registers pc',
        'break main',
        'continue',
        'x/i $pc',
        'stepi',
        'stepi',
        'info registers pc a1 mtvec',
        'set var *(unsigned *)0x80100000 = 0x12345678',
        'print/x *(unsigned *)0x80100000',
        'set $t3 = 77',
        'print $t3',
        'print/x $mscratch = 5',
        'delete',
        'break board_finish',
        'continue',
        'continue',
      ]);
      expect(said).to.match(/^pc +0x80000000/m);
      expect(said).to.match(/^Breakpoint 1, 0x[0-9a-f]+ in main/m);
      expect(said).to.match(/^0x[0-9a-f]+ in board_has_hypervisor/m);
      expect(said).to.match(/^a1 +0x80ffc000/m);
      expect(said).to.match(/^mtvec +0x8000/m);
      expect(said).to.contain('$1 = 0x12345678').and.contain('$2 = 77').and.contain('$3 = 0x5');
      expect(said).to.match(/^Breakpoint 2, 0x[0-9a-f]+ in board_finish/m);
      expect(said).to.match(/exited normally/);
      expect(await guest.ended).to.include({ code: EXIT.pass, out: HELLO });
    });
  }

  it(`leaves a guest that goes on without it, and ends one that it kills${note}`, async function () {
    if (missing !== undefined) this.skip();
    const left = await start('hello');
    await gdb(left.port, ['break main', 'continue', 'detach']);
    expect(await left.guest.ended).to.include({ code: EXIT.pass, out: HELLO });
    const killed = await start('spin');
    await gdb(killed.port, ['break main', 'continue', 'kill']);
    expect((await killed.guest.ended).code).to.equal(EXIT.aborted);
  });

  it('interrupts a guest that runs, and lets it run when it hangs up', async () => {
    const { guest, port } = await start('spin', '--time', 'wall');
    const socket = await open(port);
    let text = '';
    socket.on('data', (bytes) => {
      text += String(bytes);
    });
    socket.write(framePacket('c'));
    await guest.says(/spinning/);
    socket.write('\x03');
    await waitUntil('the guest has stopped', () => text.includes('$T02'));
    socket.write(framePacket('p20'));
    await waitUntil('pc is told', () => /#..\+\$[0-9a-f]{8}#/.test(text));
    socket.destroy();
    guest.signal('SIGINT');
    expect((await guest.ended).code).to.equal(EXIT.aborted);
  });

  it('may send anything at all, and a second one is turned away', async () => {
    const { guest, port } = await start('hello');
    const socket = await open(port);
    const second = await open(port);
    await new Promise((resolve) => second.on('close', resolve));
    const random = createRandom('noise');
    socket.on('data', () => {});
    for (let i = 0; i < 200; i++) {
      socket.write(Uint8Array.from({ length: 500 }, () => random.uint32()));
      // Letters that are commands, but none that lets the guest go.
      socket.write(framePacket('gGpPmMZzHTqQv?'[random.below(14)] + random.uint32().toString(16)));
    }
    // All of it has been read when the guest goes on.
    socket.write(framePacket('zz'));
    socket.write(framePacket('D'));
    expect(await guest.ended).to.include({ code: EXIT.pass, out: HELLO });
    socket.destroy();
  });

  it('is told when its port is taken', async () => {
    const { port } = await start('hello');
    const other = await startRig(['guest', 'run', 'hello', '--gdb', String(port)]).ended;
    expect(other.code).to.equal(EXIT.usage);
    expect(other.err).to.match(/^rig: no debugger can be awaited at port \d+: [^\n]+\n$/);
  });
});
