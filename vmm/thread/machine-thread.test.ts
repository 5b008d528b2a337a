import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { parseImage } from '../boot/image.js';
import { SERIAL_RING } from '../devices/serial-ring.js';
import { assemble } from '../isa/assembler.js';
import { characterAcquisition } from '../machine/acquisition.js';
import { ENGINE_NAMES } from '../machine/create-vcpu.js';
import { planMemory } from '../machine/memory-plan.js';
import { shippedGuest, ThreadedGuest } from './thread-test-kit.js';

const KINDS = ['ns16550a', 'virtio-console', 'serial-ring'] as const;
const RUNS = process.env.RIGVISOR_NIGHTLY === '1' ? 1000 : 12;

describe('a machine in a thread of its own', function () {
  this.timeout(60_000 + RUNS * 2_000);

  /** Sends bursts at moments that nobody chose, and waits for their echo. */
  async function echo(guest: ThreadedGuest, seed: string, bursts: number): Promise<number[]> {
    const random = createRandom(seed);
    const { frontend, flush } = characterAcquisition(guest.thread);
    const expected: number[] = [];
    for (let burst = 0; burst < bursts; burst++) {
      const length = 1 + random.below(40);
      for (let i = 0; i < length; i++) {
        const byte = random.below(256);
        expected.push(byte);
        expect(frontend.receive(byte, 0), 'there was room').to.equal(true);
      }
      flush();
      if (random.below(3) === 0) await new Promise((resolve) => setTimeout(resolve, random.below(3)));
      else await guest.until(() => guest.sent.length === expected.length, 'the echo of a burst');
    }
    await guest.until(() => guest.sent.length === expected.length, 'the last echo');
    return expected;
  }

  it(`echoes what comes at any moment, and replays exactly on both engines: ${RUNS} runs`, async () => {
    const image = shippedGuest('echo');
    let identical = 0;
    for (let run = 0; run < RUNS; run++) {
      const kind = KINDS[run % KINDS.length];
      const engine = ENGINE_NAMES[run % ENGINE_NAMES.length];
      const where = `run ${run}: ${kind}, ${engine}`;
      const guest = new ThreadedGuest({ image, engine, kind, reportRing: kind === 'serial-ring' });
      await guest.thread.ready();
      guest.thread.run();
      await guest.until(() => guest.thread.activity === 'idle', 'a guest that waits');
      const expected = await echo(guest, `echo ${run}`, 10);
      const end = await guest.seal();
      expect(guest.sent, where).to.deep.equal(expected);
      if (kind === 'serial-ring') expect(guest.thread.exits.of('acquisition'), where).to.equal(0);
      else expect(guest.thread.exits.of('acquisition'), where).to.be.above(0);
      const replays = ENGINE_NAMES.map((name) => guest.replay(name));
      for (const { divergence, instret } of replays) {
        expect(divergence?.sentence, where).to.equal(undefined);
        expect(instret, where).to.equal(end.instret);
      }
      if (replays.every((replay) => replay.identical)) identical++;
    }
    console.log(`      ${identical} of ${RUNS} identical on both engines`);
    expect(identical).to.equal(RUNS);
  });

  it('replays a guest that never rests and sees memory change under it', async () => {
    const program = (gpa: number) =>
      parseImage(
        assemble(`
        li s1, ${gpa}
      again:
        lw a0, ${SERIAL_RING.rxHead}(s1)
        addi s2, s2, 1
        add s3, s3, a0
        xor s4, s4, s2
        j again`).bytes,
        'watcher',
      );
    const acquisition = { kind: 'serial-ring', baudRate: 115_200 } as const;
    const { serialRing } = planMemory({ name: 'guest', image: program(0), acquisition, reportRing: true });
    const image = program(serialRing?.gpa ?? 0);
    for (const engine of ENGINE_NAMES) {
      const guest = new ThreadedGuest({ image, engine, kind: 'serial-ring', reportRing: true });
      await guest.thread.ready();
      guest.thread.run();
      const { frontend, flush } = characterAcquisition(guest.thread);
      for (let i = 0; i < 50; i++) {
        frontend.receive(i, 0);
        flush();
        await new Promise((resolve) => setTimeout(resolve, i % 3));
      }
      const before = guest.thread.instret;
      await guest.until(() => guest.thread.instret > before, 'another slice');
      await guest.seal();
      const head = guest.thread.memory.readU32((serialRing?.gpa ?? 0) + SERIAL_RING.rxHead);
      expect(head, 'characters that the guest saw come').to.equal(50);
      for (const name of ENGINE_NAMES) expect(guest.replay(name).identical, `${engine}, ${name}`).to.equal(true);
    }
  });

  it('hands on the reports of a guest and its console', async () => {
    const guest = new ThreadedGuest({ image: shippedGuest('hello'), engine: 'interpreter' });
    await guest.thread.ready();
    guest.thread.run();
    await guest.until(() => guest.thread.end !== undefined, 'an end');
    await guest.seal();
    expect(guest.thread.end?.kind).to.equal('pass');
    expect(guest.console).to.match(/hello/i);
    expect(guest.replay('translator').identical).to.equal(true);
  });

  it('tells of news when it is listened to, without being polled', async () => {
    const guest = new ThreadedGuest({ image: shippedGuest('echo'), engine: 'interpreter', kind: 'ns16550a' });
    await guest.thread.ready();
    guest.thread.run();
    await guest.until(() => guest.thread.activity === 'idle', 'a guest that waits');
    const { frontend, flush } = characterAcquisition(guest.thread);
    frontend.receive(0x41, 0);
    flush();
    while (guest.sent.length === 0) await guest.news();
    expect(guest.sent).to.deep.equal([0x41]);
    await guest.seal();
  });

  it('runs in the windows of its schedule alone, and replays all the same', async () => {
    const image = parseImage(assemble('again: j again').bytes, 'spin');
    const windows = [
      { owner: 'a', offsetNs: 0, durationNs: 2e6 },
      { owner: 'b', offsetNs: 2e6, durationNs: 2e6 },
    ];
    const guests = ['a', 'b', 'nobody'].map(
      (owner) =>
        new ThreadedGuest({ image, engine: 'interpreter', options: { schedule: { owner, frameNs: 5e6, windows } } }),
    );
    for (const { thread } of guests) {
      await thread.ready();
      thread.run();
    }
    for (const guest of guests.slice(0, 2)) await guest.until(() => guest.thread.instret > 1e6, 'turns');
    expect(guests[2].thread.instret).to.equal(0);
    for (const guest of guests) {
      await guest.seal();
      expect(guest.replay('interpreter').identical).to.equal(true);
    }
  });

  it('stops a guest at its limit of instructions', async () => {
    const image = parseImage(assemble('again: j again').bytes, 'spin');
    const guest = new ThreadedGuest({ image, engine: 'interpreter', instructions: 50_000 });
    await guest.thread.ready();
    guest.thread.run();
    await guest.until(() => guest.thread.end !== undefined, 'an end');
    expect(guest.thread.end?.kind).to.equal('limit');
    expect((await guest.seal()).instret).to.equal(50_000);
  });

  it('keeps what its journal held when it is killed', async () => {
    const image = parseImage(assemble('again: j again').bytes, 'spin');
    const killed = new ThreadedGuest({ image, engine: 'translator' });
    await killed.thread.ready();
    killed.thread.run();
    await killed.until(() => killed.thread.instret > 100_000, 'some instructions');
    expect(killed.thread.activity).to.equal('running');
    killed.thread.flushJournal();
    await killed.until(() => killed.journal.length > 0, 'a chunk of the journal');
    await killed.thread.kill();
    const { complete, divergence } = killed.replay('interpreter');
    expect({ complete, divergence }).to.deep.equal({ complete: false, divergence: undefined });
  });

  it('refuses a machine that cannot be, with the sentence of whoever found out', async () => {
    const image = parseImage(assemble('again: j again').bytes, 'spin');
    let message = '';
    try {
      const guest = new ThreadedGuest({ image: { ...image, entry: 0 }, engine: 'none' as 'interpreter' });
      await guest.thread.ready();
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).to.include('none');
  });
});
