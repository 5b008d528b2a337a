/** Files that are not what they should be, each wrong in one way, for tests of what is said about them. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { GUESTS_DIR, PROFILES_DIR } from '../paths.js';
import { rig } from './rig-process.js';

const PLAN_INDEX = new URL('../index.js', import.meta.url).href;

/** Fills `folder`; the names are what the tests name on the command line. */
export async function writeBadFiles(folder: string): Promise<void> {
  const write = (name: string, content: string | Uint8Array): void => writeFileSync(join(folder, name), content);
  writeProfiles(write);
  const recording = ['record', '--port', 'sim:gnss-nmea-1hz', '--for', '3 s', '-o'];
  await rig([...recording, 'device.pcapng'], { cwd: folder });
  await rig([...recording, 'run.pcapng', '--guest', 'gnss-logger'], { cwd: folder });
  writeTraces(write, readFileSync(join(folder, 'run.pcapng')), readFileSync(join(folder, 'device.pcapng')));
  const elf = readFileSync(join(GUESTS_DIR, 'gnss-logger', 'gnss-logger.elf'));
  write('truncated.elf', elf.subarray(0, elf.length >> 2));
  write('text.elf', 'This is no program.\n'.repeat(50));
  write('empty.elf', '');
  writePlans(write);
}

type Write = (name: string, content: string | Uint8Array) => void;

function writeProfiles(write: Write): void {
  const profile = readFileSync(join(PROFILES_DIR, 'gnss-nmea-1hz.json'), 'utf8');
  write(
    'wrong-field.json',
    profile.replace('"gnss-nmea-1hz"', '"wrong-field"').replace('"rateHz": 1,', '"rateHz": "x",'),
  );
  write('cut-off.json', profile.slice(0, profile.length >> 1));
}

function writeTraces(write: Write, run: Buffer, device: Buffer): void {
  write('cut-run.pcapng', run.subarray(0, Math.floor(run.length * 0.6) + 1));
  write('cut-device.pcapng', device.subarray(0, Math.floor(device.length * 0.6) + 1));
  write('first-bytes.pcapng', device.subarray(0, 20));
  write('gzip.pcapng', gzipSync(run));
  write('text.pcapng', 'a line of text\n');
  write('empty.pcapng', '');
  // Classic pcap, version 2.4, Ethernet.
  write('classic.pcapng', Buffer.from('d4c3b2a1020004000000000000000000ffff000001000000', 'hex'));
}

function writePlans(write: Write): void {
  const plan = (name: string, options: string, run: string): void =>
    write(
      name,
      `import { expect, plan } from '${PLAN_INDEX}';
       plan('bad', { architectures: ['hosted'], ${options} }, (rig) => {
         it('runs', async () => { expect(await rig.run({ ${run} })).to.be.certified; });
       });`,
    );
  const good = `profile: 'gnss-nmea-1hz', guest: 'gnss-logger'`;
  plan('good.plan.mjs', good, `for: '1 s'`);
  plan('endless.plan.mjs', `profile: 'gnss-nmea-1hz', guest: 'spin'`, `for: '900 h'`);
  plan('limited.plan.mjs', `profile: 'gnss-nmea-1hz', guest: 'spin'`, `for: '900 h', limits: { instructions: 100000 }`);
  plan('claimed.plan.mjs', `${good}, architectures: ['partitioned']`, `for: '1 s', guests: 2`);
  plan('unknown-guest.plan.mjs', `profile: 'gnss-nmea-1hz', guest: 'nobody'`, `for: '1 s'`);
  plan('broken-image.plan.mjs', `profile: 'gnss-nmea-1hz', guest: './truncated.elf'`, `for: '1 s'`);
  plan('half-good.plan.mjs', `profiles: ['gnss-nmea-1hz', 'nope'], guest: 'gnss-logger'`, `for: '1 s'`);
  write('syntax.plan.ts', `import { plan from '${PLAN_INDEX}';\n`);
}
