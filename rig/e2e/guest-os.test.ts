/** Boots operating systems that nobody here wrote, where they are installed: OpenSBI with U-Boot, and Debian's Linux. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { EXIT } from '../cli/exit-codes.js';
import { INITRD, KERNEL, missing, nightly, OPENSBI, skipNote, U_BOOT } from '../test-support/debian-linux.js';
import { type TestFolder, testFolder } from '../test-support/session.js';
import { type Ended, endAll, rig } from './rig-process.js';

/** In the order in which the plain run takes the first. */
const ENGINES = ['translator', 'interpreter'];

describe('an operating system', function () {
  this.timeout(300_000);
  let folder: TestFolder;
  beforeEach(() => {
    folder = testFolder();
  });
  afterEach(async () => {
    await endAll();
    folder.remove();
  });

  const boot = (typed: string, after: string, args: readonly string[]): Promise<Ended> => {
    const input = join(folder.path, 'typed');
    writeFileSync(input, typed);
    return rig(['guest', 'run', '--input', input, '--input-after', after, '--timeout', '2 min', ...args]);
  };

  for (const firmware of ['fw_jump.bin', 'fw_jump.elf', 'fw_dynamic.bin']) {
    const bios = join(OPENSBI, firmware);
    const reason = missing([bios, U_BOOT], 'install opensbi and u-boot-qemu');
    it(`is U-Boot under ${firmware}, the same with every engine${skipNote(reason)}`, async function () {
      if (reason !== undefined) this.skip();
      const outputs: string[] = [];
      for (const engine of ENGINES) {
        const args = ['--bios', bios, '--kernel', U_BOOT, '--engine', engine];
        // The first key only ends the countdown.
        const { code, out, err } = await boot('\nversion\npoweroff\n', 'Hit any key', args);
        expect([code, err], out).to.deep.equal([EXIT.pass, '']);
        outputs.push(out);
      }
      expect(outputs[0]).to.match(/^Domain0 Next Mode +: S-mode\r?$/m);
      expect(outputs[0]).to.match(/^Model: rigvisor,virt\r?$/m);
      expect(outputs[0]).to.match(/^=> version\r?\nU-Boot 20/m);
      expect(outputs[1]).to.equal(outputs[0]);
    });
  }

  const withoutLinux = missing([KERNEL, INITRD], 'run scripts/fetch-linux.sh');
  for (const [what, more, needed] of [
    ['with the rig as its SBI', [], []],
    ['under OpenSBI', ['--bios', join(OPENSBI, 'fw_jump.bin')], [join(OPENSBI, 'fw_jump.bin')]],
  ] as const) {
    const reason = withoutLinux ?? missing(needed, 'install opensbi');
    it(`is Linux ${what}, up to its shell and off again${skipNote(reason)}`, async function () {
      if (reason !== undefined) this.skip();
      const outputs: string[] = [];
      for (const engine of nightly ? ENGINES : ENGINES.slice(0, 1)) {
        const args = ['--kernel', KERNEL, '--initrd', INITRD, '--append', 'console=ttyS0 panic=-1'];
        const { code, out, err } = await boot('echo $((6*7))-shells; exit\n', '~ # ', [
          ...args,
          ...['--memory', '512M', '--engine', engine, '--net', '--rng', ...more],
        ]);
        expect([code, err], out.slice(-2000)).to.deep.equal([EXIT.pass, '']);
        outputs.push(out);
      }
      expect(outputs[0]).to.match(/^Linux 6\.\S+ on riscv64, busybox on the console/m);
      expect(outputs[0]).to.match(/^42-shells\r?$/m);
      expect(outputs[0]).to.match(/reboot: Power down/);
      for (const out of outputs) expect(out).to.equal(outputs[0]);
    });
  }
});
