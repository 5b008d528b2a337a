/** What is executed of a page of code: its copy, until `fence.i` or the host says otherwise. */

import { expect } from 'chai';
import { CODE_BLOCKS, CODE_PAGE, HEAT } from '../cpu/code-page-layout.js';
import { OPERATION, SLOT } from '../cpu/decoded-slot.js';
import { GuestMemory } from '../cpu/guest-memory.js';
import { assemble } from '../isa/assembler.js';
import { CodePages } from './code-pages.js';
import { decoderOf } from './interpreter-cache.js';

const BASE = 0x8000_0000;
const PAGE = CODE_PAGE.pageBytes;

/** Code pages over RAM, with a list of the events they raise. */
class Bench {
  readonly memory: GuestMemory;
  readonly pages: CodePages;
  readonly events: string[] = [];
  readonly #words: Int32Array;

  constructor(ramBytes = 0x1_0000) {
    this.memory = new GuestMemory(ramBytes, BASE);
    this.#words = new Int32Array(this.memory.memory.buffer);
    this.pages = new CodePages(this.memory, decoderOf(32), {
      protect: (page) => this.events.push(`protect ${page}`),
      changed: (page) => this.events.push(`changed ${page}`),
      emptied: () => {},
    });
  }

  /** Writes `text` at RAM offset `offset`; nobody is told. */
  put(text: string, offset = 0): void {
    this.memory.write(BASE + offset, assemble(text, BASE + offset).bytes);
  }

  /** Address of the slot at a RAM offset. */
  slot(offset: number): number {
    return this.pages.slots(Math.floor(offset / PAGE)) + (offset % PAGE) * 4;
  }

  word(offset: number): number {
    return this.#words[this.slot(offset) / 4];
  }

  operation(offset: number): number {
    return this.word(offset) & SLOT.operationMask;
  }

  decode(offset: number): void {
    this.pages.decode(this.slot(offset));
  }

  /** Those of `offsets` whose slots are decoded. */
  decoded(...offsets: number[]): number[] {
    return offsets.filter((offset) => this.operation(offset) !== OPERATION.undecoded);
  }

  takeEvents(): string[] {
    return this.events.splice(0);
  }
}

const FOUR = 'addi a0, a0, 1\naddi a0, a0, 2\naddi a0, a0, 3\nc.nop\nc.nop';

describe('CodePages', () => {
  it('copies a page when it is first asked for, and keeps the copy whatever is stored', () => {
    const b = new Bench();
    b.put(FOUR, PAGE);
    expect(b.pages.has(1)).to.equal(false);
    const before = b.slot(PAGE);
    b.put('addi a1, a1, 7', PAGE);
    expect(b.slot(PAGE)).to.equal(before);
    expect(b.pages.has(1)).to.equal(true);
    expect([b.pages.state[0], b.pages.state[1]]).to.deep.equal([0, 1]);
    expect(b.takeEvents()).to.deep.equal(['protect 1']);
    expect(b.pages.halfword(PAGE)).to.equal(0x0513);
    b.decode(PAGE);
    const other = new Bench();
    other.put(FOUR);
    other.decode(0);
    expect(b.word(PAGE)).to.equal(other.word(0));
  });

  it('finds the RAM offset of a slot', () => {
    const b = new Bench();
    for (const offset of [0x3002, 0x1ffe, 0x5000, 0]) expect(b.pages.offsetOf(b.slot(offset))).to.equal(offset);
  });

  it('decodes some instructions ahead, each at its own slot', () => {
    const b = new Bench();
    b.put(FOUR);
    b.decode(0);
    expect(b.decoded(0, 2, 4, 6, 8, 10, 12, 14)).to.deep.equal([0, 4, 8, 12, 14]);
    const far = new Bench();
    far.put('nop\n'.repeat(100));
    far.decode(0);
    expect(far.decoded(31 * 4, 32 * 4)).to.deep.equal([31 * 4]);
  });

  it('ends a page with a slot of its own, and marks an instruction that straddles two', () => {
    const b = new Bench();
    b.put('addi a0, a0, 1\naddi a0, a0, 1', PAGE - 6);
    b.decode(PAGE - 6);
    expect(b.operation(PAGE - 2)).to.equal(OPERATION.straddling);
    expect(b.pages.has(1)).to.equal(false);
    const words = new Int32Array(b.memory.memory.buffer);
    expect(words[(b.slot(0) + CODE_PAGE.slotsBytes) / 4]).to.equal(OPERATION.pageEnd);
  });

  it('keeps heat by halfword', () => {
    const b = new Bench();
    b.pages.setHeat(b.slot(2), 5);
    b.pages.setHeat(b.slot(PAGE - 2), HEAT.region | 3);
    expect([0, 2, 4, PAGE - 2].map((offset) => b.pages.heat(b.slot(offset)))).to.deep.equal([0, 5, 0, HEAT.region | 3]);
    expect(b.decoded(0, 2, 4, PAGE - 2)).to.deep.equal([]);
  });
});

describe('CodePages at fence.i', () => {
  it('follows a marked page that has changed, and protects it again', () => {
    const b = new Bench();
    b.put(FOUR);
    b.decode(0);
    b.pages.setHeat(b.slot(0), 9);
    b.put('addi a1, a1, 7');
    b.pages.written(0);
    expect(b.pages.state[0]).to.equal(0);
    b.takeEvents();
    b.pages.synchronize();
    expect(b.takeEvents()).to.deep.equal(['changed 0', 'protect 0']);
    expect(b.pages.state[0]).to.equal(1);
    // Only what has changed is decoded anew; heat stays.
    expect(b.pages.heat(b.slot(0))).to.equal(9);
    expect(b.word(0)).to.equal(OPERATION.undecoded);
    expect(b.word(4)).to.not.equal(OPERATION.undecoded);
    expect(b.pages.halfword(0)).to.equal(0x8593);
  });

  it('keeps a marked page that is as it was, and watches it again', () => {
    const b = new Bench();
    b.put(FOUR);
    b.decode(0);
    b.pages.written(0);
    b.takeEvents();
    b.pages.synchronize();
    expect(b.takeEvents()).to.deep.equal(['protect 0']);
    expect(b.pages.state[0]).to.equal(1);
    expect(b.decoded(0, 4)).to.deep.equal([0, 4]);
    b.pages.synchronize();
    expect(b.takeEvents(), 'nothing is marked any more').to.deep.equal([]);
  });

  it('does not look at pages that no store has marked, but for a fence from outside', () => {
    const b = new Bench();
    b.put(FOUR);
    b.put(FOUR, PAGE);
    b.decode(0);
    b.decode(PAGE);
    b.put('nop');
    b.takeEvents();
    b.pages.synchronize();
    expect(b.takeEvents()).to.deep.equal([]);
    expect(b.pages.halfword(0)).to.equal(0x0513);
    b.pages.synchronizeAll();
    expect(b.takeEvents()).to.have.members(['changed 0', 'protect 0', 'protect 1']);
  });

  it('forgets a mark when everything is forgotten', () => {
    const b = new Bench();
    b.slot(0);
    b.slot(PAGE);
    b.pages.written(0);
    b.takeEvents();
    b.pages.clear();
    expect(b.takeEvents()).to.have.members(['changed 0', 'changed 1']);
    b.pages.synchronize();
    expect(b.takeEvents()).to.deep.equal([]);
  });
});

describe('CodePages after a change from outside', () => {
  function changed(offset: number, length: number): Bench {
    const b = new Bench();
    b.put('nop\n'.repeat(2 * (PAGE / 4)));
    for (let at = 0; at < 2 * PAGE; at += 4) if (b.operation(at) === OPERATION.undecoded) b.decode(at);
    b.takeEvents();
    for (let at = offset; at < offset + length; at++) b.memory.write(BASE + at, Uint8Array.of(0xff));
    b.pages.changed(offset, length);
    return b;
  }

  it('decodes anew what one byte belongs to, and nothing else', () => {
    for (const offset of [100, 101, 102, 103]) {
      const b = changed(offset, 1);
      expect(b.takeEvents()).to.deep.equal(['changed 0']);
      expect(b.decoded(100), `${offset}`).to.deep.equal([]);
      expect(b.decoded(92, 104, 108), `${offset}`).to.deep.equal([92, 104, 108]);
      expect(b.pages.halfword(offset & ~1)).to.equal(b.memory.readU16(BASE + (offset & ~1)));
    }
  });

  it('follows at the ends of a page, and in both pages of a range', () => {
    expect(changed(PAGE, 1).takeEvents()).to.deep.equal(['changed 1']);
    expect(changed(PAGE - 1, 1).takeEvents()).to.deep.equal(['changed 0']);
    const b = changed(PAGE - 1, 2);
    expect(b.takeEvents()).to.deep.equal(['changed 0', 'changed 1']);
    expect(b.decoded(PAGE - 8, PAGE - 4, PAGE, PAGE + 4)).to.deep.equal([PAGE - 8, PAGE + 4]);
  });

  it('tells of a change where no slot is decoded, because the copy has been read', () => {
    const b = new Bench();
    b.slot(0);
    b.takeEvents();
    b.memory.writeU8(BASE + 200, 1);
    b.pages.changed(200, 1);
    expect(b.takeEvents()).to.deep.equal(['changed 0']);
    expect(b.pages.halfword(200)).to.equal(1);
    expect(b.pages.has(0), 'the rest stays').to.equal(true);
  });

  it('does nothing where the bytes are the same or hold no code', () => {
    const b = new Bench();
    b.slot(0);
    b.takeEvents();
    b.pages.changed(0, PAGE);
    b.memory.writeU8(BASE + 2 * PAGE, 1);
    b.pages.changed(2 * PAGE, 1);
    b.pages.changed(0, 0);
    expect(b.takeEvents()).to.deep.equal([]);
  });

  it('begins anew when every block is in use', () => {
    const b = new Bench(CODE_BLOCKS * PAGE);
    for (let page = 0; page < CODE_BLOCKS - 1; page++) b.pages.slots(page);
    expect(b.pages.has(0)).to.equal(true);
    b.pages.slots(CODE_BLOCKS - 1);
    expect(b.pages.has(0)).to.equal(false);
    expect(b.pages.has(CODE_BLOCKS - 1)).to.equal(true);
    expect(b.events.filter((event) => event.startsWith('changed'))).to.have.length(CODE_BLOCKS - 1);
  });
});
