import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { createRandom, VirtualClock } from '../../base/index.js';
import { HalError, type HalErrorCode } from '../errors.js';
import { listProfiles, loadProfile, PROFILE_MAX_BYTES, parseProfile } from './load-profile.js';
import type { HardwareProfile, SerialProfile } from './profile-schema.js';
import { createSimulator } from './simulator-models.js';

const SHIPPED = fileURLToPath(new URL('../../../hardware-profiles/', import.meta.url));
const MINIMAL = { name: 'bare', title: 'A port', kind: 'serial', bind: { serial: { baudRate: 9600 } } };

function failure(run: () => unknown): { code: HalErrorCode; message: string } {
  try {
    run();
  } catch (error) {
    if (error instanceof HalError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('nothing was refused');
}

function asSerial(profile: HardwareProfile): SerialProfile {
  if (profile.kind !== 'serial') throw new Error(`${profile.name} is of kind ${profile.kind}`);
  return profile;
}

describe('shipped profiles', () => {
  const names = listProfiles(SHIPPED)
    .map((entry) => entry.name)
    .filter((name) => name.startsWith('gnss-'));

  it('are those of the GNSS plan', () => {
    expect(names).to.deep.equal(['gnss-mixed-1hz', 'gnss-nmea-10hz', 'gnss-nmea-1hz', 'gnss-ubx-5hz']);
  });

  for (const name of names) {
    it(`${name} loads, and its simulator starts and keeps the declared latency`, () => {
      const profile = loadProfile(name, [SHIPPED]);
      const clock = new VirtualClock();
      const receiver = createSimulator(asSerial(profile), {}, { clock, random: createRandom(1) });
      let queued = 0;
      receiver.start({
        transmit: (_bytes, _offset, length) => {
          queued += length;
        },
        breakFor: () => {},
        modemStatus: () => {},
        backlog: 0,
      });
      clock.advanceTo(5e9);
      receiver.stop();
      const rateHz = profile.channels.find((channel) => channel.name === 'fix')?.rateHz ?? 0;
      expect(receiver.truth).to.have.length(5 * rateHz);
      expect(queued).to.equal(receiver.truth[receiver.truth.length - 1].byteEnd);
      const bounds = profile.timing.outputLatencyMs ?? { min: 0, max: 0 };
      for (const epoch of receiver.truth)
        expect((epoch.outputNs - epoch.eventNs) / 1e6).to.be.within(bounds.min, bounds.max);
      expect(Math.abs(receiver.settings.clockPpm)).to.be.at.most(profile.timing.sampleClock?.ppm ?? 0);
      expect(Math.abs(receiver.settings.uartPpm)).to.be.at.most(profile.timing.uartClock?.ppm ?? 0);
    });
  }
});

describe('profile loader', () => {
  let folder = '';

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'profiles-'));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  function write(file: string, content: unknown): string {
    const path = join(folder, file);
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  }

  it('fills in every default', () => {
    const profile = loadProfile(write('bare.json', MINIMAL), []);
    expect(profile).to.deep.equal({
      ...MINIMAL,
      bind: { serial: { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 } },
      identification: { match: [] },
      timing: {},
      channels: [],
      limits: {},
    });
  });

  it('looks through folders in order and passes over those that do not exist', () => {
    const second = join(folder, 'second');
    mkdirSync(second);
    write('bare.json', MINIMAL);
    writeFileSync(join(second, 'bare.json'), JSON.stringify({ ...MINIMAL, title: 'Another' }));
    const missing = join(folder, 'missing');
    expect(loadProfile('bare', [missing, second, folder]).title).to.equal('Another');
    expect(loadProfile('bare', [folder, second]).title).to.equal('A port');
  });

  it('lists the known names and the nearest one for an unknown profile', () => {
    const { code, message } = failure(() => loadProfile('gnss-nema-1hz', [SHIPPED]));
    expect(code).to.equal('HAL_NOT_FOUND');
    const known = readdirSync(SHIPPED)
      .filter((file) => file.endsWith('.json') && file !== 'profile.schema.json')
      .map((file) => file.slice(0, -'.json'.length))
      .sort();
    expect(known).to.include.members(['gnss-nmea-1hz', 'velleman-k8055']);
    expect(message).to.equal(
      `there is no profile "gnss-nema-1hz"; did you mean gnss-nmea-1hz? (known are ${known.join(', ')})`,
    );
    expect(failure(() => loadProfile('anything', [folder])).message).to.contain(`there is none in ${folder}`);
  });

  it('names a missing file and a missing folder', () => {
    const path = join(folder, 'no.json');
    expect(failure(() => loadProfile(path, []))).to.deep.equal({
      code: 'HAL_NOT_FOUND',
      message: `there is no file ${path}`,
    });
    expect(failure(() => listProfiles(join(folder, 'no'))).code).to.equal('HAL_NOT_FOUND');
  });

  it('names line and column of malformed JSON', () => {
    const path = write('bare.json', '{\n  "name": "bare",\n  "title" "x"\n}');
    expect(failure(() => loadProfile('bare', [folder]))).to.deep.equal({
      code: 'HAL_INVALID',
      message: `${path}, line 3, column 11: expected ":" after a field name`,
    });
  });

  it('names the field that is malformed, deep inside the simulator too', () => {
    const simulator = { model: 'gnss-receiver', parameters: { outages: [{ fromMs: -1, durationMs: 1 }] } };
    const path = write('bare.json', { ...MINIMAL, simulator });
    expect(failure(() => loadProfile(path, []))).to.deep.equal({
      code: 'HAL_INVALID',
      message: `${path}: simulator.parameters.outages[0].fromMs: expected at least 0, found -1`,
    });
    write('bare.json', { ...MINIMAL, simulator: { model: 'thermometer' } });
    expect(failure(() => loadProfile(path, [])).message).to.contain('simulator.model: expected "gnss-receiver", found');
    write('bare.json', { ...MINIMAL, bind: { serial: { baudRate: 9600, parity: 'maybe' } } });
    expect(failure(() => loadProfile(path, [])).message).to.contain('bind.serial.parity: expected "none", "even"');
    write('bare.json', { ...MINIMAL, identification: { match: [{ ID_VENDOR_ID: '0x1546' }] } });
    expect(failure(() => loadProfile(path, [])).message).to.contain(
      'identification.match[0].ID_VENDOR_ID: expected four lower-case hexadecimal digits, found "0x1546"',
    );
    write('bare.json', { ...MINIMAL, identification: { match: [{}] } });
    expect(failure(() => loadProfile(path, [])).message).to.contain('at least one key to match');
  });

  it('refuses a simulator that speaks at another rate than the port listens', () => {
    const simulator = { model: 'gnss-receiver', parameters: { baudRate: 38_400 } };
    expect(failure(() => parseProfile(JSON.stringify({ ...MINIMAL, simulator }), 'x')).message).to.equal(
      'x: simulator.parameters.baudRate: expected 9600 as in bind.serial.baudRate, found 38400',
    );
  });

  it('refuses two channels of one name', () => {
    const text = JSON.stringify({ ...MINIMAL, channels: [{ name: 'fix' }, { name: 'fix' }] });
    expect(failure(() => parseProfile(text, 'x')).message).to.equal(
      'x: channels[1].name: expected a name of its own, found "fix"',
    );
  });

  it('refuses a name that is not that of the file', () => {
    const path = write('other.json', MINIMAL);
    expect(failure(() => loadProfile(path, [])).message).to.equal(
      `${path}: name: expected "other" as the file is called, found "bare"`,
    );
  });

  it('reads a file with a byte order mark', () => {
    expect(loadProfile(write('bare.json', `\ufeff${JSON.stringify(MINIMAL)}`), []).name).to.equal('bare');
  });

  it('refuses a file too large and a folder', () => {
    const path = write('bare.json', ' '.repeat(PROFILE_MAX_BYTES + 1));
    expect(failure(() => loadProfile(path, [])).message).to.contain(`at most ${PROFILE_MAX_BYTES}`);
    mkdirSync(join(folder, 'dir.json'));
    expect(failure(() => loadProfile(join(folder, 'dir.json'), [])).code).to.equal('HAL_IO');
  });

  it('refuses a file without permission (skipped for root, who may read every file)', function () {
    if (process.getuid?.() === 0) this.skip();
    const path = write('bare.json', MINIMAL);
    chmodSync(path, 0);
    expect(failure(() => loadProfile(path, [])).code).to.equal('HAL_DENIED');
  });

  it('survives every truncation with one sentence', () => {
    const text = JSON.stringify({ $schema: './x', ...MINIMAL, channels: [{ name: 'fix', rateHz: 1 }] });
    for (let length = 0; length < text.length; length++) {
      const { code, message } = failure(() => parseProfile(text.slice(0, length), 'x.json'));
      expect(code).to.equal('HAL_INVALID');
      expect(message).to.match(/^x\.json, line 1, column \d+: [^\n]+$/);
    }
  });
});
