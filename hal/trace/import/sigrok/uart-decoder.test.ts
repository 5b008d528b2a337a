import { expect } from 'chai';
import { createRandom } from '../../../../base/index.js';
import { LINE_STATUS, type LineSettings } from '../../../serial/serial-port.js';
import { EdgeScanner } from './edge-scanner.js';
import { Waveform } from './sigrok-fixture.js';
import { UartDecoder } from './uart-decoder.js';
import { UartSurvey } from './uart-survey.js';

const RATE = 1e6;
const LINE: LineSettings = { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 };

interface Character {
  readonly value: number;
  readonly status: number;
  readonly start: number;
  readonly end: number;
}

function decode(samples: Uint8Array, line: LineSettings, bit = 0, inverted = false): Character[] {
  const found: Character[] = [];
  const decoder = new UartDecoder(
    line,
    RATE,
    { character: (value, status, start, end) => void found.push({ value, status, start, end }) },
    inverted,
  );
  const scanner = new EdgeScanner(1, [bit], decoder);
  const half = (samples.length >> 1) & ~3;
  scanner.push(samples.slice(0, half), half);
  decoder.advance(scanner.position);
  scanner.push(samples.slice(half), samples.length - half);
  decoder.advance(scanner.position);
  return found;
}

describe('UART decoder', () => {
  const random = createRandom('uart');
  const lines: LineSettings[] = [];
  for (const dataBits of [5, 6, 7, 8] as const)
    for (const parity of ['none', 'even', 'odd', 'mark', 'space'] as const)
      for (const stopBits of [1, 1.5, 2] as const) lines.push({ baudRate: 115_200, dataBits, parity, stopBits });

  it('reads every format, inverted or not, with pauses and without, at under nine samples a bit', () => {
    for (const line of lines)
      for (const inverted of [0, 1]) {
        const waveform = new Waveform();
        const values = Array.from({ length: 40 }, () => random.below(1 << line.dataBits));
        let time = 2e-5;
        for (const value of values)
          time = waveform.character(time, 3, line, value, { inverted }) + (random.below(3) === 0 ? 1e-5 : 0);
        const found = decode(waveform.sample(RATE, time + 1e-4, inverted === 1 ? 0 : 8), line, 3, inverted === 1);
        expect(found.map((character) => character.value)).to.deep.equal(values);
        expect(found.every((character) => character.status === 0)).to.equal(true);
      }
  });

  it('tells when characters begin and when they are complete', () => {
    const waveform = new Waveform();
    waveform.character(waveform.character(0.001, 0, LINE, 0x55), 0, LINE, 0xaa);
    const found = decode(waveform.sample(RATE, 0.005, 1), LINE);
    expect(found.map((character) => character.start)).to.deep.equal([1000, 2042]);
    expect(found[0].end).to.be.closeTo(1000 + 1e7 / 9600, 1e-6);
  });

  it('marks wrong stop bits, wrong parity and breaks, and goes on behind them', () => {
    const even: LineSettings = { ...LINE, parity: 'even' };
    const waveform = new Waveform();
    let time = waveform.character(0.001, 0, even, 0x41, { stop: 0 });
    time = waveform.character(time + 0.001, 0, { ...LINE, parity: 'odd' }, 0x42);
    waveform.edge(time + 0.001, 0, 0);
    waveform.edge(time + 0.02, 0, 1);
    time = waveform.character(time + 0.025, 0, even, 0x43);
    expect(
      decode(waveform.sample(RATE, time + 0.01, 1), even).map(({ value, status }) => [value, status]),
    ).to.deep.equal([
      [0x41, LINE_STATUS.framing],
      [0x42, LINE_STATUS.parity],
      [0, LINE_STATUS.break],
      [0x43, 0],
    ]);
  });

  it('takes no glitch for a start bit, and none in a bit for the bit', () => {
    const waveform = new Waveform();
    waveform.edge(0.0005, 0, 0);
    waveform.edge(0.00052, 0, 1);
    waveform.character(0.001, 0, LINE, 0x0f);
    waveform.edge(0.001_11, 0, 0);
    waveform.edge(0.001_12, 0, 1);
    expect(decode(waveform.sample(RATE, 0.004, 1), LINE).map(({ value }) => value)).to.deep.equal([0x0f]);
  });

  it('reads a sender whose clock is 3 % off, and starts in the middle of a character without harm to the next but one', () => {
    for (const baudRate of [9312, 9888]) {
      const waveform = new Waveform();
      let time = 0.001;
      for (let value = 0; value < 64; value++) time = waveform.character(time, 0, { ...LINE, baudRate }, value);
      const found = decode(waveform.sample(RATE, time + 0.01, 1), LINE);
      expect(found.map(({ value }) => value)).to.deep.equal(Array.from({ length: 64 }, (_, i) => i));
      expect(found.every(({ status }) => status === 0)).to.equal(true);
    }
  });

  it('never reports noise without end at more than the pace of characters', () => {
    const samples = Uint8Array.from({ length: 100_000 }, () => random.below(2));
    expect(decode(samples, LINE).length).to.be.at.most(100_000 / (9.5 * (RATE / 9600)) + 1);
  });
});

describe('UART survey', () => {
  function survey(line: LineSettings, values: readonly number[], inverted: number, known = {}) {
    const waveform = new Waveform();
    let time = 0.02;
    for (const value of values) time = waveform.character(time, 0, line, value, { inverted }) + 0.3 / line.baudRate;
    const survey = new UartSurvey(RATE);
    const samples = waveform.sample(RATE, time + 0.002, inverted === 1 ? 0 : 1);
    new EdgeScanner(1, [0], survey).push(samples, samples.length);
    return survey.finish(samples.length, known);
  }
  const VALUES = Array.from({ length: 50 }, (_, i) => (i * 37) & 0x7f);

  it('finds rate, format and polarity', () => {
    for (const baudRate of [1200, 9600, 19_200, 57_600])
      for (const format of [
        { dataBits: 8, parity: 'none', stopBits: 1 },
        { dataBits: 8, parity: 'even', stopBits: 1 },
        { dataBits: 8, parity: 'odd', stopBits: 1 },
      ] as const)
        for (const inverted of [0, 1]) {
          const found = survey({ baudRate, ...format }, VALUES, inverted);
          expect(found.line).to.deep.equal({ baudRate, ...format });
          expect(found.inverted).to.equal(inverted === 1);
          expect(found.detected).to.deep.equal(['baudRate', 'format', 'inverted']);
        }
  });

  it('keeps what is known, tells an unusual rate as measured, and takes 9600 8N1 for a line without characters', () => {
    expect(survey({ ...LINE, baudRate: 10_500 }, VALUES, 0).line.baudRate).to.be.closeTo(10_500, 60);
    const told = survey(LINE, VALUES, 0, { baudRate: 4800, format: { dataBits: 7, parity: 'odd', stopBits: 2 } });
    expect(told.line).to.deep.equal({ baudRate: 4800, dataBits: 7, parity: 'odd', stopBits: 2 });
    expect(told.detected).to.deep.equal(['inverted']);
    expect(survey(LINE, [], 0)).to.deep.include({ line: LINE, inverted: false, measuredRate: 0 });
  });
});
