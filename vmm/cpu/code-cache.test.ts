/** The code cache: what it forgets, when, and that it stays bounded. */

import { expect } from 'chai';
import { Decoder } from '../isa/decoder.js';
import { RV32IMAC, selectInstructions } from '../isa/instruction-table.js';
import { CodeCache } from './code-cache.js';
import { ID, OP } from './decoded-code.js';
import { GuestMemory } from './guest-memory.js';

const decoder = new Decoder(selectInstructions(32, RV32IMAC));
const NOP = 0x0000_0013;
const ADDI = 19;
const BASE = 0x8000_0000;

function createCache(ramBytes: number, mayFetch: (gpa: number) => boolean = () => true): [CodeCache, GuestMemory] {
  const memory = new GuestMemory(ramBytes, BASE);
  memory.u32.fill(NOP);
  return [new CodeCache(memory, decoder, new Uint8Array(ramBytes / 4096), mayFetch), memory];
}

/** What the slot at RAM offset `offset`, in the first region, tells the hot loop to do. */
const opAt = (cache: CodeCache, offset: number): number => cache.region(0)[offset] & 255;

describe('CodeCache', () => {
  it('decodes one slot at a time', () => {
    const [cache] = createCache(0x1_0000);
    cache.decode(4);
    expect([opAt(cache, 0), opAt(cache, 4), opAt(cache, 8)]).to.deep.equal([OP.undecoded, ADDI, OP.undecoded]);
  });

  it('forgets at fence.i the pages that changed, and only those', () => {
    const [cache, memory] = createCache(0x1_0000);
    for (const offset of [0, 4, 0x1000, 0x2000]) cache.decode(offset);
    memory.writeU8(BASE + 0x1fff, 1);
    cache.dropChanged();
    expect([0, 4, 0x1000, 0x2000].map((offset) => opAt(cache, offset))).to.deep.equal([ADDI, ADDI, OP.undecoded, ADDI]);
  });

  it('forgets an instruction whose second half alone changed', () => {
    const [cache, memory] = createCache(0x1_0000);
    memory.writeU32(BASE + 0xffe, NOP);
    cache.decode(0xffe);
    memory.writeU16(BASE + 0x1000, 0x0010);
    cache.dropChanged();
    expect(opAt(cache, 0xffe)).to.equal(OP.undecoded);
  });

  it('forgets, when told, the slots that the bytes belong to, and no others', () => {
    const [cache, memory] = createCache(0x1_0000);
    for (const offset of [0, 4, 8, 0xffe, 0x1000, 0x1004]) cache.decode(offset);
    memory.writeU8(BASE + 7, 0xff);
    cache.drop(7, 1);
    expect([0, 4, 8].map((offset) => opAt(cache, offset))).to.deep.equal([ADDI, OP.undecoded, ADDI]);
    cache.drop(0x1000, 2);
    expect([0xffe, 0x1000, 0x1004].map((offset) => opAt(cache, offset))).to.deep.equal([
      OP.undecoded,
      OP.undecoded,
      ADDI,
    ]);
    cache.decode(4);
    expect(cache.region(0)[5]).to.equal(memory.i32[1] >> 20);
    cache.dropChanged();
    expect(opAt(cache, 0)).to.equal(ADDI);
  });

  it('forgets a page that it finds changed when it decodes another slot of it', () => {
    const [cache, memory] = createCache(0x1_0000);
    cache.decode(0);
    memory.writeU32(BASE, 0xffff_ffff);
    memory.writeU32(BASE + 4, 0x0000_0073);
    cache.decode(4);
    expect([opAt(cache, 0), opAt(cache, 4)]).to.deep.equal([OP.undecoded, ID.ecall]);
  });

  it('makes slots that may not be fetched fault, at the halfword concerned', () => {
    const [cache] = createCache(0x1_0000, (gpa) => gpa < BASE + 0x102);
    for (const offset of [0x0fc, 0x100, 0x102]) cache.decode(offset);
    expect([0x0fc, 0x100, 0x102].map((offset) => opAt(cache, offset))).to.deep.equal([
      ADDI,
      OP.fetchFault,
      OP.fetchFault,
    ]);
    expect([cache.region(0)[0x101], cache.region(0)[0x103]]).to.deep.equal([(BASE + 0x102) | 0, (BASE + 0x102) | 0]);
  });

  it('starts anew rather than keep more than 4,096 pages', () => {
    const [cache] = createCache(0x200_0000);
    for (let page = 0; page < 4096; page++) cache.decode(page * 0x1000);
    expect(opAt(cache, 0)).to.equal(ADDI);
    cache.decode(4096 * 0x1000);
    expect(opAt(cache, 0)).to.equal(OP.undecoded);
  });
});
