/** Tests of the three ways to an instrument with the C drivers of the SDK at the other end: the committed echo guest. */

import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { parseImage } from '../boot/image.js';
import { characterAcquisition } from '../machine/acquisition.js';
import { bench } from '../machine/test-support.js';
import { LINE_STATUS } from './character.js';
import { TestBackend } from './device-test-kit.js';

const ECHO = new URL('../../../guests/echo/echo.elf', import.meta.url);
const BAUD = 38_400;
const BYTE_NS = 1e10 / BAUD;
const BURST = 16;
const BYTES = 1024;
/** Every so many characters one arrives with a parity error. */
const ERROR_EVERY = 100;

/** Sends random characters to the echo guest in bursts at the line's mean rate; returns what came back. */
function echo(kind: 'ns16550a' | 'virtio-console' | 'serial-ring') {
  const { scheduler, machine } = bench(parseImage(readFileSync(ECHO), 'echo.elf'), {
    acquisition: { kind, baudRate: BAUD },
  });
  const acquisition = characterAcquisition(machine);
  const backend = new TestBackend();
  acquisition.frontend.attach(backend);
  const random = createRandom(kind);
  const sent = Array.from({ length: BYTES }, () => random.below(256));
  let nowNs = 10_000_000;
  scheduler.runUntil(nowNs);
  acquisition.poll();
  for (let i = 0; i < BYTES; i += BURST) {
    for (let j = i; j < i + BURST; j++)
      expect(acquisition.frontend.receive(sent[j], j % ERROR_EVERY === 0 ? LINE_STATUS.parity : 0)).to.equal(true);
    acquisition.flush();
    nowNs += Math.ceil(1.5 * BURST * BYTE_NS);
    scheduler.runUntil(nowNs);
    acquisition.poll();
  }
  scheduler.runUntil(nowNs + 20_000_000);
  acquisition.poll();
  return { sent, backend, fault: acquisition.fault, end: machine.end, exits: machine.exits.of('acquisition') };
}

describe('the drivers of the guest SDK', () => {
  for (const [kind, showsErrors, fewest, most] of [
    ['ns16550a', true, 2, 20],
    ['virtio-console', false, 0.05, 1],
    ['serial-ring', true, 0, 0],
  ] as const) {
    it(`echo ${BYTES} characters through ${kind} (skipped where guests are not checked out)`, function () {
      if (!existsSync(ECHO)) {
        console.log('      guests/echo/echo.elf is missing');
        this.skip();
      }
      const { sent, backend, fault, end, exits } = echo(kind);
      const expected = sent.map((byte, i) => (showsErrors && i % ERROR_EVERY === 0 ? 0x3f : byte));
      expect(backend.transmitted).to.deep.equal(expected);
      expect([fault, end]).to.deep.equal(['', undefined]);
      if (kind !== 'virtio-console')
        expect(backend.lines.at(-1)).to.deep.equal({ baudRate: BAUD, dataBits: 8, parity: 'none', stopBits: 1 });
      expect(exits / BYTES, 'exits a byte').to.be.within(fewest, most);
    });
  }
});
