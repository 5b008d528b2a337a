import { expect } from 'chai';
import { lineReader, testKey } from './protocol.js';

describe('lineReader', () => {
  it('hands over one message a line, however the stream is cut', () => {
    const taken: unknown[] = [];
    const read = lineReader((message) => taken.push(message));
    for (const piece of ['{"a":1}\n{"b', '":', '2}', '\n[3]\n']) read(piece);
    expect(taken).to.deep.equal([{ a: 1 }, { b: 2 }, [3]]);
  });

  it('throws at what is no JSON and at a line without an end', () => {
    expect(() => lineReader(() => {})('{\n')).to.throw(SyntaxError);
    const read = lineReader(() => {});
    const piece = 'x'.repeat(1 << 23);
    read(piece);
    read(piece);
    expect(() => read('x')).to.throw('longer than 16 MiB');
  });
});

describe('testKey', () => {
  it('tells equal titles apart by their number', () => {
    const titles = ['a', 'b'];
    expect(testKey({ titles, ordinal: 0 })).to.not.equal(testKey({ titles, ordinal: 1 }));
    expect(testKey({ titles, ordinal: 0 })).to.not.equal(testKey({ titles: ['a', 'b', '0'], ordinal: 0 }));
  });
});
