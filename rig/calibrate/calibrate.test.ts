import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { HalError } from '../../hal/index.js';
import { type TestFolder, testFolder } from '../test-support/session.js';
import { type Calibration, DelayModel, loadCalibration, STATIONS } from '../wiring/calibration.js';
import { calibrate, quantilesOf } from './calibrate.js';
import { calibrationTable } from './calibration-table.js';

describe('quantilesOf', () => {
  it('gives probabilities from 0 to 1 with delays that never decrease, whatever the order of the samples', () => {
    const samples = Array.from({ length: 1001 }, (_, i) => (i * 17) % 1001);
    const quantiles = quantilesOf(samples);
    expect(quantiles[0]).to.deep.equal([0, 0]);
    expect(quantiles.find(([p]) => p === 0.5)).to.deep.equal([0.5, 500]);
    expect(quantiles.at(-1)).to.deep.equal([1, 1000]);
  });

  it('counts a delay below zero as none', () => {
    expect(quantilesOf([-5, -1]).every(([, ns]) => ns === 0)).to.equal(true);
  });
});

describe('calibrate', function () {
  this.timeout(60_000);
  let folder: TestFolder;
  let calibration: Calibration;
  const told: string[] = [];

  before(async function () {
    folder = testFolder();
    try {
      calibration = await calibrate({ name: 'here', exchanges: 20, method: 'test', progress: (t) => told.push(t) });
    } catch (error) {
      if (!(error instanceof HalError && error.code === 'HAL_UNSUPPORTED')) throw error;
      process.stdout.write(`      skipped: ${error.message}\n`);
      this.skip();
    }
  });

  after(() => folder.remove());

  it('makes a file that runs in virtual time can load and draw every station from', () => {
    const path = join(folder.path, 'here.json');
    writeFileSync(path, JSON.stringify(calibration));
    const loaded = loadCalibration(path);
    expect(loaded).to.deep.equal(JSON.parse(readFileSync(path, 'utf8')));
    for (const name of STATIONS)
      expect(new DelayModel(loaded.stations[name].quantiles, createRandom('x')).draw(), name).to.be.at.least(0);
  });

  it('measures the way of every character it sent', () => {
    for (const name of ['hostOs', 'ioProcess', 'driver'] as const)
      expect(calibration.stations[name].quantiles[0][1], name).to.be.above(0);
    expect(calibration.stations.driver.count).to.equal(20);
  });

  it('tells what it is about to measure, and shows a line for each station', () => {
    expect(told).to.have.length(3);
    const lines = calibrationTable(calibration).split('\n');
    for (const name of STATIONS)
      expect(
        lines.some((line) => line.includes(name)),
        name,
      ).to.equal(true);
  });
});
