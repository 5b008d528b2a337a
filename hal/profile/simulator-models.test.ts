import { expect } from 'chai';
import { createRandom, VirtualClock } from '../../base/index.js';
import { parseProfile } from './load-profile.js';
import type { HardwareProfile, SerialProfile } from './profile-schema.js';
import { createBoardSimulator, createSimulator, mergeParameters, type Simulator } from './simulator-models.js';

const PROFILE = {
  name: 'bare',
  title: 'A receiver',
  kind: 'serial',
  bind: { serial: { baudRate: 9600 } },
  simulator: {
    model: 'gnss-receiver',
    parameters: { noiseM: 2, constellation: { gps: 7 }, route: { kind: 'fixed', latDeg: 1, lonDeg: 2 } },
  },
};

function asSerial(profile: HardwareProfile): SerialProfile {
  if (profile.kind !== 'serial') throw new Error(`${profile.name} is of kind ${profile.kind}`);
  return profile;
}

function profileOf(fields: Record<string, unknown> = {}): HardwareProfile {
  return parseProfile(JSON.stringify({ ...PROFILE, ...fields }), 'bare.json');
}

function simulate(overrides: Record<string, unknown>): Simulator {
  return createSimulator(asSerial(profileOf()), overrides, { clock: new VirtualClock(), random: createRandom(1) });
}

describe('simulator models', () => {
  it('make the device that the profile names, with its parameters', () => {
    const receiver = simulate({});
    expect(receiver.model).to.equal('gnss-receiver');
    expect(receiver.settings).to.include({ noiseM: 2, rateHz: 1 });
    expect(receiver.line).to.deep.equal({ baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 });
  });

  it('lay overrides over them, field by field', () => {
    const { settings } = simulate({
      noiseM: 0,
      constellation: { glonass: 4 },
      outages: [{ fromMs: 1, durationMs: 2 }],
    });
    expect(settings.noiseM).to.equal(0);
    expect(settings.constellation).to.include({ gps: 7, glonass: 4 });
    expect(settings.outages).to.have.length(1);
  });

  it('replace a route by one of another kind', () => {
    const route = { kind: 'line', latDeg: 5, lonDeg: 6, speedMps: 1, headingDeg: 0 };
    expect(simulate({ route }).settings.route).to.deep.equal({ ...route, altM: 0, climbMps: 0 });
    expect(simulate({ route: { altM: 9 } }).settings.route).to.include({ kind: 'fixed', latDeg: 1, altM: 9 });
  });

  it('refuse an override that does not fit', () => {
    expect(() => simulate({ noise: 1 })).to.throw('gnss-receiver: the top level has no field "noise"');
    expect(() => simulate({ rateHz: '5' })).to.throw('gnss-receiver: rateHz: expected 1 or 5 or 10, found "5"');
  });

  it('say that a profile has no simulator', () => {
    const profile = profileOf({ simulator: undefined });
    expect(() =>
      createSimulator(asSerial(profile), {}, { clock: new VirtualClock(), random: createRandom(1) }),
    ).to.throw('the profile bare has no simulator');
  });

  it('leave what they merge untouched, and no prototype reached', () => {
    const base = { a: { b: 1, c: 2 } };
    const merged = mergeParameters(base, JSON.parse('{"a":{"b":3},"__proto__":{"evil":1}}'));
    expect(base).to.deep.equal({ a: { b: 1, c: 2 } });
    expect(merged.a).to.deep.equal({ b: 3, c: 2 });
    expect(({} as Record<string, unknown>).evil).to.equal(undefined);
  });

  it('make a board of its profile, and refuse one that does not fit, naming the field', () => {
    const text = JSON.stringify({
      name: 'board',
      title: 'A board',
      kind: 'board',
      bind: { pci: { vendorId: 'f055', deviceId: 'da16' } },
      simulator: { model: 'rv-daq16', parameters: { channels: 4 } },
    });
    const profile = parseProfile(text, 'board.json');
    if (profile.kind !== 'board') throw new Error(`it is of kind ${profile.kind}`);
    const environment = { clock: new VirtualClock(), random: createRandom(1) };
    const board = createBoardSimulator(profile, { fifoSamples: 128 }, environment);
    expect([board.readRegister(0x008), board.readRegister(0x00c)]).to.deep.equal([4, 128]);
    const { vendorId, deviceId } = board.identity;
    expect([vendorId.toString(16), deviceId.toString(16)]).to.deep.equal(['f055', 'da16']);
    expect(() => createBoardSimulator(profile, { fifoSamples: 100 }, environment))
      .to.throw('fifoSamples: expected a power of two')
      .with.property('code', 'HAL_INVALID');
  });
});
