import { expect } from 'chai';
import type { SectionLink } from '../../vmm/index.js';
import { CHANNEL_BYTES, SectionChannel } from './section-channel.js';

describe('SectionChannel', () => {
  const make = () => {
    const memory = new ArrayBuffer(CHANNEL_BYTES);
    const wakes = [0, 0];
    const one = new SectionChannel({ memory, side: 0, wake: () => wakes[0]++ });
    const other = new SectionChannel({ memory, side: 1, wake: () => wakes[1]++ });
    const got: string[] = [];
    const receiver: SectionLink = {
      carry: (bytes, from, offset, length) =>
        got.push(`${offset}: ${Buffer.from(bytes.subarray(from, from + length)).toString('utf8')}`),
      ring: (vector) => got.push(`ring ${vector}`),
    };
    other.connect(receiver);
    return { memory, one, other, got, wakes };
  };
  const send = (end: SectionChannel, text: string, offset: number, vector: number): void => {
    const bytes = Buffer.from(text);
    end.link.carry(bytes, 0, offset, bytes.length);
    end.link.ring(vector);
  };

  it('carries pieces and doorbells in their order, both ways', () => {
    const { one, other, got } = make();
    const back: string[] = [];
    one.connect({ carry: () => back.push('carry'), ring: (vector) => back.push(`ring ${vector}`) });
    send(one, 'hello', 64, 3);
    send(one, 'there', 0, 4);
    send(other, 'x', 0, 1);
    expect(other.poll()).to.equal(4);
    expect(got).to.deep.equal(['64: hello', 'ring 3', '0: there', 'ring 4']);
    one.poll();
    expect(back).to.deep.equal(['carry', 'ring 1']);
  });

  it('wakes a peer that listens, once, and no other', () => {
    const { one, other, wakes } = make();
    send(one, 'a', 0, 1);
    expect(wakes).to.deep.equal([0, 0]);
    other.listen();
    send(one, 'b', 0, 1);
    send(one, 'c', 0, 1);
    expect(wakes).to.deep.equal([1, 0]);
  });

  it('has no room any more for a peer that takes nothing, and again when it does; nothing is lost meanwhile', () => {
    const { one, other, got } = make();
    let sent = 0;
    for (let i = 0; i < 10_000 && (one.link.room?.() ?? -1) >= 1000; i++) {
      send(one, 'x'.repeat(1000), 0, i % 16);
      sent++;
    }
    expect(sent).to.be.within(10, 9_999);
    for (let i = 0; i < 500; i++) {
      while (other.poll() > 0);
      if ((one.link.room?.() ?? -1) < 1000) return expect.fail('no room although everything was taken');
      send(one, 'y'.repeat(1000), 0, i % 16);
      sent++;
    }
    while (other.poll() > 0);
    expect(got.length).to.equal(2 * sent);
    for (const [i, text] of got.entries()) if (i % 2 === 1) expect(text).to.match(/^ring \d+$/);
  });

  it('tells the peer that its guest takes part', () => {
    const { one, other } = make();
    expect(other.isPeerOpen).to.equal(false);
    one.open();
    expect([one.isPeerOpen, other.isPeerOpen]).to.deep.equal([false, true]);
  });

  it('takes so much a turn and no more', () => {
    const { one, other } = make();
    for (let i = 0; i < 100; i++) one.link.ring(1);
    expect(other.poll()).to.equal(32);
  });

  it('stops receiving, with a sentence, when the other process has written nonsense', () => {
    for (const word of [0xff | (2 << 8), 1 | (2 << 8), 1 | (0x7fff << 8), 2 | (1 << 8)]) {
      const { memory, one, other, got } = make();
      one.link.ring(1);
      const words = new Int32Array(memory);
      const header = words.indexOf(2 | (2 << 8));
      words[header] = word;
      other.poll();
      expect(other.fault, `header ${word}`).to.contain('makes no sense');
      expect(other.poll()).to.equal(0);
      expect(got).to.deep.equal([]);
    }
  });

  it('stands still, and does not hang, at a record without a size', () => {
    const { memory, one, other } = make();
    one.link.ring(1);
    const words = new Int32Array(memory);
    words[words.indexOf(2 | (2 << 8))] = 0;
    expect(other.poll()).to.equal(0);
  });
});
