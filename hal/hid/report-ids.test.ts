/** Tests of reading report descriptors, honest and hostile. */

import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { HalError } from '../errors.js';
import { HID_REPORT_TYPE, MOST_REPORT_BYTES, parseReportDescriptor } from './report-ids.js';

const { input, output, feature } = HID_REPORT_TYPE;

/** A mouse as HID 1.11, appendix E.10 has it: three buttons, five bits of padding, two bytes of movement. */
const MOUSE = Uint8Array.of(
  ...[0x05, 0x01, 0x09, 0x02, 0xa1, 0x01, 0x09, 0x01, 0xa1, 0x00, 0x05, 0x09, 0x19, 0x01, 0x29, 0x03, 0x15, 0x00],
  ...[0x25, 0x01, 0x95, 0x03, 0x75, 0x01, 0x81, 0x02, 0x95, 0x01, 0x75, 0x05, 0x81, 0x01, 0x05, 0x01, 0x09, 0x30],
  ...[0x09, 0x31, 0x15, 0x81, 0x25, 0x7f, 0x75, 0x08, 0x95, 0x02, 0x81, 0x06, 0xc0, 0xc0],
);

function refused(bytes: readonly number[]): string {
  try {
    parseReportDescriptor(Uint8Array.from(bytes));
  } catch (error) {
    expect(error).to.be.instanceOf(HalError);
    return (error as HalError).message;
  }
  return expect.fail('it was accepted');
}

describe('parseReportDescriptor', () => {
  it('reads a mouse: one report of three bytes, without an id', () => {
    const layout = parseReportDescriptor(MOUSE);
    expect(layout.numbered).to.equal(false);
    expect(layout.ids).to.deep.equal([0]);
    expect([input, output, feature].map((type) => layout.bytesOf(type, 0))).to.deep.equal([3, 0, 0]);
    expect([layout.usagePage, layout.usage]).to.deep.equal([1, 2]);
  });

  it('counts the id where reports are numbered, by id and type', () => {
    const layout = parseReportDescriptor(
      Uint8Array.of(0x75, 8, 0x85, 7, 0x95, 4, 0x81, 2, 0x85, 3, 0x95, 60, 0x91, 2, 0xb1, 2, 0x81, 2),
    );
    expect(layout.numbered).to.equal(true);
    expect(layout.ids).to.deep.equal([3, 7]);
    expect([layout.bytesOf(input, 7), layout.bytesOf(output, 7), layout.bytesOf(output, 3)]).to.deep.equal([5, 0, 61]);
    expect([layout.longest(input), layout.longest(feature)]).to.deep.equal([61, 61]);
  });

  it('keeps what was pushed', () => {
    const layout = parseReportDescriptor(
      Uint8Array.of(0x85, 1, 0x75, 8, 0x95, 2, 0xa4, 0x85, 2, 0x95, 9, 0x81, 2, 0xb4, 0x81, 2),
    );
    expect([layout.bytesOf(input, 1), layout.bytesOf(input, 2)]).to.deep.equal([3, 10]);
  });

  it('passes over long items, and is that of unnumbered reports when empty', () => {
    expect(parseReportDescriptor(Uint8Array.of(0xfe, 2, 0x10, 0x85, 0x05)).numbered).to.equal(false);
    expect(parseReportDescriptor(new Uint8Array(0)).ids).to.deep.equal([0]);
  });

  it('takes the page of a usage of four bytes', () => {
    const layout = parseReportDescriptor(Uint8Array.of(0x0b, 0x34, 0x12, 0xd0, 0xf1, 0xa1, 1, 0xc0));
    expect([layout.usagePage, layout.usage]).to.deep.equal([0xf1d0, 0x1234]);
  });

  it('refuses what ends inside an item, impossible ids, and reports without end', () => {
    expect(refused([0x05])).to.contain('ends inside the item at byte 0');
    expect(refused([0xfe, 9, 0])).to.contain('long item');
    expect(refused([0xfe])).to.contain('long item');
    expect(refused([0x85, 0])).to.contain('numbers a report 0');
    expect(refused([0x86, 0, 1])).to.contain('numbers a report 256');
    expect(refused([0xb4])).to.contain('pops');
    expect(refused(new Array(65).fill(0xa4))).to.contain('pushes');
    expect(refused([0x77, 255, 255, 255, 255, 0x97, 255, 255, 255, 255, 0x81, 2])).to.contain('more than');
  });

  it('answers a layout or HAL_INVALID whatever it is given', () => {
    const random = createRandom('report descriptors');
    let accepted = 0;
    for (let round = 0; round < 20_000; round++) {
      const bytes =
        round % 2 === 0
          ? Uint8Array.from({ length: random.uint32() % 200 }, () => random.uint32())
          : MOUSE.map((byte) => (random.uint32() % 20 === 0 ? random.uint32() : byte));
      try {
        const layout = parseReportDescriptor(bytes);
        for (const type of [input, output, feature]) expect(layout.longest(type)).to.be.within(0, MOST_REPORT_BYTES);
        accepted++;
      } catch (error) {
        expect((error as HalError).code).to.equal('HAL_INVALID');
      }
    }
    expect(accepted).to.be.greaterThan(100);
  });
});
