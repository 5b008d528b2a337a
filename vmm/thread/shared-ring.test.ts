import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { SharedRing, sharedRingBytes } from './shared-ring.js';

describe('SharedRing', () => {
  const pair = (words: number): { producer: SharedRing; consumer: SharedRing } => {
    const memory = new SharedArrayBuffer(sharedRingBytes(words));
    return { producer: new SharedRing(memory, words), consumer: new SharedRing(memory, words) };
  };

  it('shows nothing before it is published, and then everything in order', () => {
    const { producer, consumer } = pair(64);
    producer.words[producer.begin(1, 1)] = 11;
    producer.words[producer.begin(2, 1)] = 22;
    expect(consumer.next()).to.equal(-1);
    expect(producer.isPending).to.equal(true);
    producer.publish();
    expect(producer.isPending).to.equal(false);
    for (const [kind, value] of [
      [1, 11],
      [2, 22],
    ]) {
      const place = consumer.next();
      expect(consumer.kindAt(place)).to.equal(kind);
      expect(consumer.words[place + 1]).to.equal(value);
      consumer.release(place);
    }
    expect(consumer.next()).to.equal(-1);
  });

  it('refuses a record for which there is no room, and has it again when something was read', () => {
    const { producer, consumer } = pair(16);
    expect(producer.begin(1, 7)).to.be.at.least(0);
    expect(producer.begin(1, 7)).to.be.at.least(0);
    expect(producer.begin(1, 0)).to.equal(-1);
    producer.publish();
    consumer.release(consumer.next());
    expect(producer.begin(1, 7)).to.be.at.least(0);
  });

  it('carries records of every size, in one piece each, round the end again and again', () => {
    const { producer, consumer } = pair(256);
    const random = createRandom('shared ring');
    const sent: number[][] = [];
    let received = 0;
    const take = (): void => {
      for (let place = consumer.next(); place >= 0; place = consumer.next()) {
        const expected = sent[received++];
        const content = [...consumer.words.subarray(place + 1, place + 1 + expected.length)];
        expect(content).to.deep.equal(expected);
        consumer.release(place);
      }
    };
    for (let i = 0; i < 5000; i++) {
      const content = Array.from({ length: random.below(producer.largest + 1) }, () => random.below(1 << 30));
      for (;;) {
        const at = producer.begin(1 + random.below(200), content.length);
        if (at >= 0) {
          content.forEach((word, k) => {
            producer.words[at + k] = word;
          });
          sent.push(content);
          break;
        }
        producer.publish();
        take();
      }
      if (random.below(3) === 0) producer.publish();
      if (random.below(3) === 0) take();
    }
    producer.publish();
    take();
    expect(received).to.equal(5000);
  });
});
