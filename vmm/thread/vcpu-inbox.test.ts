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

  it('reads what it has written, whether the vCPU has let it in or not', () => {
    const bytes = 256;
    const random = createRandom('writes that wait');
    const memory = new GuestMemory(1 << 16, RAM_BASE);
    const threads = createThreadMemory();
    const vcpu = new SharedRing(threads.inbound, INBOUND_WORDS);
    const ram = new RemoteRam(
      memory,
      new VcpuInbox(
        threads,
        () => {},
        (error) => {
          throw error;
        },
      ),
    );
    const expected = new Uint8Array(bytes);
    const found = new Uint8Array(bytes);
    const letIn = (): void => {
      const place = vcpu.next();
      if (place < 0) return;
      const [first, second] = vcpu.words.subarray(place + 1, place + 3);
      const at = (first >>> 0) - RAM_BASE;
      const kind = vcpu.kindAt(place);
      if (kind === INBOUND.dmaWrite) memory.u8.set(vcpu.bytes.subarray(4 * place + 12, 4 * place + 12 + second), at);
      else if (kind === INBOUND.dmaWord16) memory.u16[at / 2] = second;
      else if (kind === INBOUND.dmaWord32) memory.u32[at / 4] = second;
      vcpu.release(place);
    };
    for (let turn = 0; turn < 5_000; turn++) {
      const at = 4 * random.below(bytes / 4);
      const value = random.uint32();
      const piece = Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
      const kind = random.below(3);
      const length = kind === 0 ? 4 : kind === 1 ? 2 : random.below(5);
      if (kind === 0) ram.writeU32(RAM_BASE + at, value);
      else if (kind === 1) ram.writeU16(RAM_BASE + at, value & 0xffff);
      else ram.write(RAM_BASE + at, piece, 0, length);
      expected.set(piece.subarray(0, length), at);
      const from = random.below(bytes);
      const count = random.below(bytes - from);
      ram.read(RAM_BASE + from, found, 0, count);
      if (Buffer.compare(found.subarray(0, count), expected.subarray(from, from + count)) !== 0)
        expect.fail(`${count} bytes at ${from} are not what was written by turn ${turn}`);
      for (let taken = random.below(5); taken > 0; taken--) letIn();
    }
    expect(Buffer.compare(memory.u8.subarray(0, bytes), expected), 'something still waits at the end').to.not.equal(0);
  });
});
