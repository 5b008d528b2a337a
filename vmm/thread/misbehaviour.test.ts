import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import type { GuestImage } from '../boot/guest-image.js';
import { SERIAL_RING } from '../devices/serial-ring.js';
import { characterAcquisition } from '../machine/acquisition.js';
import { ENGINE_NAMES } from '../machine/create-vcpu.js';
import { planMemory } from '../machine/memory-plan.js';
import { PASS, program } from '../machine/test-support.js';
import { shippedGuest, ThreadedGuest } from './thread-test-kit.js';

const WILD_RUNS = process.env.RIGVISOR_NIGHTLY === '1' ? 200 : 8;
const WILD_INSTRUCTIONS = 2_000_000;
const KILLS = process.env.RIGVISOR_NIGHTLY === '1' ? 200 : 6;

/** Where the serial ring of a guest lies; the image has no part in it. */
function ringAt(): number {
  const acquisition = { kind: 'serial-ring', baudRate: 115_200 } as const;
  const gpa = planMemory({ name: 'guest', image: program(PASS), acquisition, reportRing: true }).serialRing?.gpa;
  if (gpa === undefined) throw new Error('a machine with a serial ring has no place for it');
  return gpa;
}

/** Puts `value` into one index of its ring, and counts until its limit. */
function wildGuest(offset: number, value: number): GuestImage {
  return program(`
    li s1, ${ringAt()}
    li a0, ${value}
    sw a0, ${offset}(s1)
  again:
    addi s2, s2, 1
    j again`);
}

async function start(guest: ThreadedGuest): Promise<ThreadedGuest> {
  await guest.thread.ready();
  guest.thread.run();
  return guest;
}

function expectIdentical(guest: ThreadedGuest, where: string): void {
  for (const name of ENGINE_NAMES) {
    const { divergence, identical } = guest.replay(name);
    expect(divergence?.sentence, `${where}, replayed by the ${name}`).to.equal(undefined);
    expect(identical, `${where}, replayed by the ${name}`).to.equal(true);
  }
}

describe('a machine in a thread, when something goes wrong', function () {
  this.timeout(60_000 + 5_000 * (WILD_RUNS + KILLS));

  it(`stops the ring of a guest that writes impossible indices, while its neighbour echoes on: ${WILD_RUNS} values`, async () => {
    const random = createRandom('wild ring indices');
    for (let run = 0; run < WILD_RUNS; run++) {
      const engine = ENGINE_NAMES[run % ENGINE_NAMES.length];
      // Nothing was received and the ring has 1,024 places: any of these is out of reach.
      const value = 2_000 + random.below(2 ** 31 - 2_000);
      const offset = run % 2 === 0 ? SERIAL_RING.txHead : SERIAL_RING.rxTail;
      const where = `run ${run}: ${value} at ${offset}, ${engine}`;
      const ring = { engine, kind: 'serial-ring', reportRing: true } as const;
      const image = wildGuest(offset, value);
      const wild = await start(new ThreadedGuest({ ...ring, image, instructions: WILD_INSTRUCTIONS }));
      const neighbour = await start(new ThreadedGuest({ ...ring, image: shippedGuest('echo') }));
      await neighbour.until(() => neighbour.thread.activity === 'idle', 'a guest that waits');
      const port = characterAcquisition(wild.thread);
      await wild.until(() => {
        port.frontend.room();
        return port.fault !== '';
      }, `a fault of the ring (${where})`);
      expect(port.frontend.receive(0x41, 0), where).to.equal(false);
      const other = characterAcquisition(neighbour.thread);
      const sent = Array.from({ length: 40 }, () => random.below(256));
      for (const byte of sent) expect(other.frontend.receive(byte, 0), where).to.equal(true);
      other.flush();
      await neighbour.until(() => neighbour.sent.length === sent.length, `an echo (${where})`);
      expect(neighbour.sent, where).to.deep.equal(sent);
      expect(other.fault, where).to.equal('');
      await wild.until(() => wild.thread.end !== undefined, `an end of the wild guest (${where})`);
      expect(wild.thread.end?.kind, where).to.equal('limit');
      await Promise.all([wild.seal(), neighbour.seal()]);
      expectIdentical(wild, where);
      expectIdentical(neighbour, `${where}: its neighbour`);
    }
  });

  it(`leaves a journal that replays as far as it goes when it is killed amid traffic: ${KILLS} times`, async () => {
    const kinds = ['ns16550a', 'virtio-console', 'serial-ring'] as const;
    const random = createRandom('killed amid traffic');
    for (let run = 0; run < KILLS; run++) {
      const engine = ENGINE_NAMES[run % ENGINE_NAMES.length];
      const kind = kinds[run % kinds.length];
      const where = `run ${run}: ${kind}, ${engine}`;
      const image = shippedGuest('echo');
      const guest = await start(new ThreadedGuest({ image, engine, kind, reportRing: kind === 'serial-ring' }));
      await guest.until(() => guest.thread.activity === 'idle', 'a guest that waits');
      const { frontend, flush } = characterAcquisition(guest.thread);
      const bursts = 3 + random.below(10);
      for (let burst = 0; burst < bursts; burst++) {
        for (let i = random.below(30); i >= 0; i--) frontend.receive(random.below(256), 0);
        flush();
        guest.thread.flushJournal();
        await new Promise((resolve) => setTimeout(resolve, random.below(3)));
        guest.thread.poll();
      }
      await guest.until(() => guest.journal.length > 0, `a chunk of the journal (${where})`);
      for (let i = 0; i < 10; i++) frontend.receive(i, 0);
      flush();
      await guest.thread.kill();
      for (const name of ENGINE_NAMES) {
        const { complete, divergence } = guest.replay(name);
        expect({ complete, divergence }, `${where}, replayed by the ${name}`).to.deep.equal({
          complete: false,
          divergence: undefined,
        });
      }
    }
  });

  it('replays what came for a guest that had ended', async () => {
    for (const kind of ['ns16550a', 'serial-ring'] as const) {
      const image = program(PASS);
      const guest = await start(
        new ThreadedGuest({ image, engine: 'interpreter', kind, reportRing: kind === 'serial-ring' }),
      );
      await guest.until(() => guest.thread.end !== undefined, 'an end');
      const { frontend, flush } = characterAcquisition(guest.thread);
      for (let i = 0; i < 20; i++) frontend.receive(i, 0);
      flush();
      await guest.seal();
      expect(guest.thread.end?.kind).to.equal('pass');
      expectIdentical(guest, kind);
    }
  });

  it('does not hold up whoever tells a killed guest more than its inbox holds', async () => {
    const guest = await start(
      new ThreadedGuest({ image: program('again: j again'), engine: 'interpreter', kind: 'ns16550a' }),
    );
    await guest.thread.kill();
    const { frontend } = characterAcquisition(guest.thread);
    for (let i = 0; i < 200_000; i++) frontend.modemStatus(i & 0x0f);
  });

  it('takes more than its inbox holds for a guest that floods its console meanwhile', async () => {
    const image = program(
      `
      again:
        li a7, 0x4442434E
        li a6, 0
        li a0, 4096
        li a1, 0x80000000
        ecall
        j again`,
      true,
    );
    const guest = await start(new ThreadedGuest({ image, engine: 'interpreter', kind: 'ns16550a' }));
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { frontend } = characterAcquisition(guest.thread);
    for (let i = 0; i < 200_000; i++) frontend.modemStatus(i & 0x0f);
    await guest.until(() => guest.console.length > 0, 'characters of the console');
    await guest.thread.kill();
  });
});
