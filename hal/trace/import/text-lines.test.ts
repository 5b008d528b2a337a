import { expect } from 'chai';
import { createRandom } from '../../../base/index.js';
import { HalError } from '../../errors.js';
import { memorySource } from '../trace-source.js';
import { latin1, linesOf, parseHex } from './text-lines.js';

/** A line is valid until the next. */
function read(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  for (const line of linesOf(memorySource(bytes))) lines.push(latin1(line));
  return lines;
}

describe('text lines', () => {
  it('come without their ends, the last one also without an end', () => {
    expect(read(Buffer.from('a\r\n\r\nb\n\nc'))).to.deep.equal(['a', '', 'b', '', 'c']);
    expect(read(Buffer.from('a\n'))).to.deep.equal(['a']);
    expect(read(new Uint8Array(0))).to.deep.equal([]);
    expect(read(Uint8Array.of(0xff, 0, 10, 0x80))).to.deep.equal(['\xff\0', '\x80']);
  });

  it('are the same over windows of the file, whatever their lengths', () => {
    const random = createRandom('lines');
    const lines = Array.from({ length: 300 }, (_, i) => String(i).repeat(random.below(i % 50 === 0 ? 60_000 : 900)));
    expect(read(Buffer.from(lines.join('\n')))).to.deep.equal(lines);
  });

  it('of more than 4 MiB are refused', () => {
    expect(() => read(new Uint8Array(5 << 20).fill(65))).to.throw(HalError, /a line of more than 4194304 bytes/);
    expect(read(new Uint8Array(3 << 20).fill(65))[0]).to.have.length(3 << 20);
  });

  it('hold hexadecimal digits or not', () => {
    expect(parseHex('0aFf')).to.deep.equal(Uint8Array.of(10, 255));
    expect(parseHex('')).to.have.length(0);
    expect([parseHex('abc'), parseHex('0g'), parseHex('0 ')]).to.deep.equal([undefined, undefined, undefined]);
  });
});
