import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { GuestMemory } from '../cpu/guest-memory.js';
import type { VmmError } from '../errors.js';
import { hashBytes } from '../journal/output-digest.js';
import { RemoteRam } from './remote-ram.js';
import { SharedRing } from './shared-ring.js';
import { createThreadMemory, INBOUND, INBOUND_WORDS } from './thread-protocol.js';
import { VcpuInbox } from './vcpu-inbox.js';

const RAM_BASE = 0x8000_0000;

interface Entry {
  readonly kind: number;
  readonly words: number[];
}

/** An inbox whose reader is the test itself. */
function setUp(onFull: (take: () => Entry | undefined) => void = () => {}) {
  const memory = createThreadMemory();
  const reader = new SharedRing(memory.inbound, INBOUND_WORDS);
  const take = (): Entry | undefined => {
    const place = reader.next();
    if (place < 0) return undefined;
    const entry = { kind: reader.kindAt(place), words: [...reader.words.subarray(place + 1, place + 4)] };
    reader.release(place);
    return entry;
  };
  const stuck: VmmError[] = [];
  const inbox = new VcpuInbox(
    memory,
    () => onFull(take),
    (error) => stuck.push(error),
  );
  return { inbox, take, stuck };
}

describe('VcpuInbox', function () {
  this.timeout(20_000);

  it('waits as long as the vCPU takes anything, however little of what a large piece needs', () => {
    let turns = 0;
    const { inbox } = setUp((take) => {
      turns++;
      take();
    });
    for (let i = 0; i < Math.floor(INBOUND_WORDS / 3); i++) inbox.put(INBOUND.modemStatus, i);
    inbox.putWrite(RAM_BASE, new Uint8Array(1 << 16), 0, 1 << 16);
    expect(turns, 'looks before there was room').to.be.above(1_000);
  });

  it('loses and reorders nothing when it is full again and again', () => {
    const random = createRandom('full inbox');
    let expected = 0;
    const check = (entry: Entry): void => {
      if (entry.words[0] !== expected) expect.fail(`${entry.words[0]} came in the place of ${expected}`);
      expected++;
    };
    const { inbox, take } = setUp((next) => {
      for (let count = random.below(5_000); count >= 0; count--) {
        const entry = next();
        if (entry !== undefined) check(entry);
      }
    });
    const sent = 400_000;
    for (let i = 0; i < sent; i++) inbox.put(INBOUND.modemStatus, i);
    inbox.commit();
    for (let entry = take(); entry !== undefined; entry = take()) check(entry);
    expect(expected).to.equal(sent);
  });

  it('gives a vCPU up that has taken nothing for 5 s, says so once, and drops the rest', () => {
    const { inbox, stuck } = setUp();
    for (let i = 0; i < INBOUND_WORDS; i++) inbox.put(INBOUND.modemStatus, i);
    expect(stuck.map(({ code, message }) => [code, message])).to.deep.equal([
      ['VMM_THREAD', 'the thread of a vCPU has taken nothing for 5 s'],
    ]);
  });

  it('drops what comes after it was closed', () => {
    const { inbox, take } = setUp();
    inbox.close();
    for (let i = 0; i < INBOUND_WORDS; i++) inbox.put(INBOUND.modemStatus, i);
    inbox.commit();
    expect(take()).to.equal(undefined);
  });
});

describe('RemoteRam', () => {
  it('changes nothing by itself: what is read and written goes to the vCPU in its order', () => {
    const memory = new GuestMemory(1 << 16, RAM_BASE);
    const { inbox, take } = setUp();
    const ram = new RemoteRam(memory, inbox);
    memory.u8.set([1, 2, 3, 4], 64);
    const target = new Uint8Array(4);
    ram.read(RAM_BASE + 64, target, 0, 4);
    ram.write(RAM_BASE + 128, Uint8Array.of(9, 9, 9), 0, 3);
    expect(take(), 'before the word that ends it').to.equal(undefined);
    ram.writeU32(RAM_BASE + 256, 0xdead_beef);
    ram.writeU16(RAM_BASE + 260, 0xbeef);
    expect([...target]).to.deep.equal([1, 2, 3, 4]);
    expect(ram.readU32(RAM_BASE + 256), 'a word that the vCPU has not let in').to.equal(0);
    const base = RAM_BASE | 0;
    const entries = [take(), take(), take(), take()];
    expect(entries.map((entry) => entry?.kind)).to.deep.equal([
      INBOUND.dmaRead,
      INBOUND.dmaWrite,
      INBOUND.dmaWord32,
      INBOUND.dmaWord16,
    ]);
    expect(entries[0]?.words).to.deep.equal([base + 64, 4, hashBytes(target, 0, 4) | 0]);
    expect(entries[1]?.words.slice(0, 2)).to.deep.equal([base + 128, 3]);
    expect(entries[2]?.words.slice(0, 2)).to.deep.equal([base + 256, 0xdead_beef | 0]);
    expect(entries[3]?.words.slice(0, 2)).to.deep.equal([base + 260, 0xbeef]);
    expect(take()).to.equal(undefined);
  });
});
