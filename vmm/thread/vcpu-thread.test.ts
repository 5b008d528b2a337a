import { expect } from 'chai';
import { VmmError } from '../errors.js';
import { ENGINE_NAMES } from '../machine/create-vcpu.js';
import { PASS, program } from '../machine/test-support.js';
import { ThreadedGuest } from './thread-test-kit.js';
import { VcpuThread } from './vcpu-thread.js';

const MACHINES = 30;

describe('a thread for one machine after the other', function () {
  this.timeout(60_000);
  const thread = new VcpuThread();
  afterEach(() => thread.discard());

  const spinning = (marker: number) =>
    new ThreadedGuest({
      image: program(`li s1, ${marker}\nagain: addi s2, s2, 1\nj again`),
      engine: ENGINE_NAMES[marker % ENGINE_NAMES.length],
      kind: 'serial-ring',
      reportRing: true,
      options: { thread },
    });
  const runFor = async (guest: ThreadedGuest): Promise<void> => {
    await guest.thread.ready();
    guest.thread.run();
    await guest.until(() => guest.thread.instret > 1_000, 'instructions');
  };

  it(`runs ${MACHINES} machines, each from its own start, and each is replayed exactly`, async () => {
    const ids = new Set<number | undefined>();
    for (let marker = 0; marker < MACHINES; marker++) {
      const guest = spinning(marker);
      await runFor(guest);
      ids.add(guest.thread.threadId);
      await guest.seal();
      for (const engine of ENGINE_NAMES) expect(guest.replay(engine).identical, `machine ${marker}`).to.equal(true);
    }
    expect(ids.size).to.equal(1);
  });

  it('refuses a second machine until the first is sealed or killed', async () => {
    const first = spinning(1);
    expect(() => spinning(2)).to.throw(VmmError, /still runs another machine/);
    await runFor(first);
    await first.thread.kill();
    const second = spinning(3);
    await runFor(second);
    await second.seal();
  });

  it('is not ended by a machine that has left it', async () => {
    const first = spinning(1);
    await runFor(first);
    await first.seal();
    const second = spinning(2);
    await first.thread.kill();
    await runFor(second);
    await second.seal();
  });

  it('outlives a machine that cannot be built', async () => {
    const broken = new ThreadedGuest({
      image: program(PASS),
      engine: 'none' as 'interpreter',
      options: { thread },
    });
    const wrong = await broken.thread.ready().catch((error: Error) => error.message);
    expect(wrong).to.include('none');
    await broken.thread.kill();
    const next = spinning(2);
    await runFor(next);
    await next.seal();
  });
});
