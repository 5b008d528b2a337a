/** Boots operating systems with a journal, and runs them again from it with the other engine. */

import { expect } from 'chai';
import { VirtualClock } from '../../base/index.js';
import { createMachine, ENGINE_NAMES, type EngineName, replayJournal, VirtualScheduler } from '../../vmm/index.js';
import { INITRD, KERNEL, missing, nightly, OPENSBI, skipNote, U_BOOT } from '../test-support/debian-linux.js';
import { ConsoleFeed } from './console-feed.js';
import { loadImage } from './guest-image.js';
import type { GuestRequest } from './guest-request.js';
import { TextWatch } from './text-watch.js';

interface Boot {
  readonly request: Pick<GuestRequest, 'bios' | 'kernel' | 'initrd' | 'append' | 'ramBytes'>;
  readonly after: string;
  readonly typed: string;
}

/** Journal chunks of a boot to its power-off, and its last digests. */
function record(engine: EngineName, { request, after, typed }: Boot) {
  const clock = new VirtualClock();
  const scheduler = new VirtualScheduler(clock);
  const loaded = loadImage({ engine, time: 'virtual', drives: [], rng: false, seed: '1', ...request });
  const chunks: Uint8Array[] = [];
  const watch = new TextWatch(after);
  let hasTyped = false;
  const machine = createMachine({
    ...loaded,
    ...(request.append === undefined ? {} : { bootargs: request.append }),
    name: 'guest',
    engine,
    clock,
    xlen: 64,
    seed: '1',
    isConsolePaced: false,
    journal: { chunk: (bytes) => chunks.push(bytes.slice()) },
    onConsole: (byte) => {
      if (hasTyped || !watch.see(byte)) return;
      hasTyped = true;
      feed.type(new TextEncoder().encode(typed));
    },
  });
  const feed = new ConsoleFeed(clock, machine.console);
  scheduler.add(machine);
  scheduler.runUntil(120e9);
  expect(machine.end).to.include({ kind: 'pass' });
  return { image: loaded.image, chunks, end: machine.seal() };
}

describe('a journaled boot', function () {
  this.timeout(600_000);
  const bios = `${OPENSBI}/fw_jump.bin`;
  const uBoot: Boot = {
    request: { bios, kernel: U_BOOT, ramBytes: 2 ** 27 },
    after: 'Hit any key',
    typed: '\nversion\npoweroff\n',
  };
  const linux: Boot = {
    request: { kernel: KERNEL, initrd: INITRD, append: 'console=ttyS0 panic=-1', ramBytes: 2 ** 28 },
    after: '~ # ',
    typed: 'echo $((6*7))-shells; exit\n',
  };
  const noLinux = nightly ? missing([KERNEL, INITRD], 'run scripts/fetch-linux.sh') : 'set RIGVISOR_NIGHTLY=1';
  for (const [name, boot, reason] of [
    ['U-Boot', uBoot, missing([bios, U_BOOT], 'install opensbi and u-boot-qemu')],
    ['Linux', linux, noLinux],
  ] as const) {
    it(`of ${name} is the same again with the engine that did not run it${skipNote(reason)}`, function () {
      if (reason !== undefined) this.skip();
      const [interpreted, translated] = ENGINE_NAMES.map((engine) => record(engine, boot));
      expect(translated.end).to.deep.equal(interpreted.end);
      expect(Buffer.concat(translated.chunks).equals(Buffer.concat(interpreted.chunks)), 'journals').to.equal(true);
      const { image, chunks, end } = interpreted;
      const again = replayJournal({ image, engine: 'translator' }, chunks);
      expect(again.divergence).to.equal(undefined);
      expect(again).to.include({ identical: true, complete: true, instret: end.instret });
      const back = replayJournal({ image, engine: 'interpreter' }, translated.chunks);
      expect(back).to.include({ identical: true, complete: true, divergence: undefined });
    });
  }
});
