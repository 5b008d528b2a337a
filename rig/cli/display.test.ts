/** Checks what is shown where: plain lines, a moving line, colour. */

import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import type { SessionEvent } from '../plan/context.js';
import { FAKE_CELL } from '../test-support/fake-run.js';
import { createDisplay, isLive, wantsColour } from './display.js';

const EVENTS: readonly SessionEvent[] = [
  { kind: 'run-begins', cell: FAKE_CELL, asked: '60 s' },
  {
    kind: 'run-progress',
    cell: FAKE_CELL,
    progress: { phase: 'running', elapsedNs: 12e9, durationNs: 60e9, reports: 24, characters: 999 },
  },
  { kind: 'test-ends', cell: FAKE_CELL, title: 'keeps the rate', verdict: 'PASS' },
];

function stream(properties: Partial<NodeJS.WriteStream> = {}): NodeJS.WriteStream & PassThrough {
  return Object.assign(new PassThrough(), properties) as unknown as NodeJS.WriteStream & PassThrough;
}

/** The environment decides as much as the stream does. */
function withEnvironment<T>(changes: Readonly<Record<string, string | undefined>>, work: () => T): T {
  const saved = { ...process.env };
  for (const [name, value] of Object.entries(changes))
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  try {
    return work();
  } finally {
    for (const name of Object.keys(changes)) delete process.env[name];
    Object.assign(process.env, saved);
  }
}

const PERSON = { CI: undefined, NO_COLOR: undefined, TERM: 'xterm' };
const TERMINAL = { isTTY: true, columns: 120 } as const;

describe('display', () => {
  it('writes plain lines where there is no terminal', () => {
    const out = stream();
    const display = createDisplay({ stream: out, quiet: false, colour: false });
    for (const event of EVENTS) display.event(event);
    display.say('ending');
    expect(String(out.read())).to.equal(
      'run   fake [gnss-nmea-1hz, sim, hosted, emulated, interpreter] for 60 s\n' +
        'PASS         keeps the rate [gnss-nmea-1hz, sim, hosted, emulated, interpreter]\n' +
        'ending\n',
    );
  });

  it('shows progress in place on a terminal', () => {
    withEnvironment(PERSON, () => {
      const out = stream({ ...TERMINAL, cursorTo: () => true, clearLine: () => true, moveCursor: () => true });
      const display = createDisplay({ stream: out, quiet: false, colour: false });
      for (const event of EVENTS) display.event(event);
      display.stop();
      const text = String(out.read());
      expect(text).to.contain('preparing').and.to.contain('PASS         keeps the rate');
    });
  });

  it('says only what it is told to say when it is quiet', () => {
    const out = stream();
    const display = createDisplay({ stream: out, quiet: true, colour: false });
    for (const event of EVENTS) display.event(event);
    expect(out.read()).to.equal(null);
    display.say('ending');
    expect(String(out.read())).to.equal('ending\n');
  });

  it('moves nothing in CI, on a dumb or very narrow terminal, or in a file', () => {
    withEnvironment(PERSON, () => {
      expect(isLive(stream(TERMINAL))).to.equal(true);
      expect(isLive(stream({ isTTY: true, columns: 0 }))).to.equal(false);
      expect(isLive(stream())).to.equal(false);
    });
    withEnvironment({ ...PERSON, CI: 'true' }, () => expect(isLive(stream(TERMINAL))).to.equal(false));
    withEnvironment({ ...PERSON, TERM: 'dumb' }, () => expect(isLive(stream(TERMINAL))).to.equal(false));
  });

  it('honours NO_COLOR', () => {
    withEnvironment(PERSON, () => expect(wantsColour(stream(TERMINAL))).to.equal(true));
    withEnvironment({ ...PERSON, NO_COLOR: '1' }, () => expect(wantsColour(stream(TERMINAL))).to.equal(false));
    expect(wantsColour(stream())).to.equal(false);
  });
});
