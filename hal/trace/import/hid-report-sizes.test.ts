import { expect } from 'chai';
import { createRandom } from '../../../base/index.js';
import { hidReportSizes, splitReports } from './hid-report-sizes.js';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

describe('HID report sizes', () => {
  it('of a device without numbers are sums of its fields', () => {
    // FIDO: 64 bytes each way (CTAP 2.1, section 11.2.8.2).
    const { numbered, input, output } = hidReportSizes(
      bytes('06d0f10901a1010920150026ff007508954081020921150026ff00750895409102c0'),
    );
    expect(numbered).to.equal(false);
    expect([...input, ...output]).to.deep.equal([
      [0, 64],
      [0, 64],
    ]);
  });

  it('of numbered reports stand by their numbers, with what was pushed and popped in mind', () => {
    // Report 1: 3 + 5 bits in; push; report 2: 16 bits in; pop; 8 bits out of report 1.
    const { numbered, input, output } = hidReportSizes(
      bytes('8501750195038102750595018101a485027508950281 02b475089501 9102c0'.replaceAll(' ', '')),
    );
    expect(numbered).to.equal(true);
    expect(Object.fromEntries(input)).to.deep.equal({ 1: 1, 2: 2 });
    expect(Object.fromEntries(output)).to.deep.equal({ 1: 1 });
  });

  it('cut reports that stand one after the other, and leave what they do not know whole', () => {
    const sizes = new Map([
      [1, 2],
      [2, 1],
    ]);
    const split = (hex: string, head: 0 | 1): string[] =>
      [...splitReports(bytes(hex), sizes, head)].map((report) => Buffer.from(report).toString('hex'));
    expect(split('01aabb02cc01dd', 1)).to.deep.equal(['01aabb', '02cc', '01dd']);
    expect(split('03aabb02cc', 1)).to.deep.equal(['03aabb02cc']);
    expect([...splitReports(bytes('aabbccdd'), new Map([[0, 2]]), 0)]).to.have.length(2);
  });

  it('of random descriptors are bounded', () => {
    const random = createRandom('report descriptors');
    for (let i = 0; i < 2000; i++) {
      const { input, output } = hidReportSizes(Uint8Array.from({ length: random.below(300) }, () => random.below(256)));
      for (const size of [...input.values(), ...output.values()]) expect(size).to.be.within(0, 16_384);
    }
  });
});
