import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { HalError } from '../../hal/index.js';
import { type TestFolder, testFolder } from '../test-support/session.js';
import { type Calibration, DelayModel, loadCalibration, STATIONS } from '../wiring/calibration.js';
import { calibrate, quantilesOf } from './calibrate.js';
import { calibrationTable } from './calibration-table.js';
import { calibrationText } from './calibration-text.js';
import { predictionTable } from './prediction-table.js';

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
    const progress = (text: string): void => void told.push(text);
    try {
      calibration = await calibrate({ name: 'here', exchanges: 20, roundTrips: 50, method: 'test', progress });
    } catch (error) {
      if (!(error instanceof HalError && error.code === 'HAL_UNSUPPORTED')) throw error;
      process.stdout.write(`      skipped: ${error.message}\n`);
      this.skip();
    }
  });

  after(() => folder.remove());

  it('makes a file that runs in virtual time can load and draw every station from', () => {
    const path = join(folder.path, 'here.json');
    writeFileSync(path, calibrationText(calibration));
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

  it('keeps whole round trips of both architectures, in which no station took nothing on the whole', () => {
    const { hosted, partitioned } = calibration.paths ?? expect.fail('no paths were measured');
    for (const { columns, transfers } of [hosted, partitioned]) {
      expect(transfers).to.have.length.within(40, 50);
      for (const i of columns.keys()) expect(transfers.reduce((sum, row) => sum + row[i], 0)).to.be.above(0);
    }
  });

  it('holds what the model says against what was measured, in the table too', () => {
    const { prediction = [] } = calibration;
    expect(prediction.map(({ architecture, exchanges }) => [architecture, exchanges])).to.deep.equal([
      ['hosted', 50],
      ['partitioned', 50],
    ]);
    for (const { predictedNs, measuredNs } of prediction)
      for (const { p50, p99 } of [predictedNs, measuredNs]) expect(p99).to.be.at.least(p50).and.above(1_000);
    expect(predictionTable(calibration)).to.match(/hosted, emulated +50 /);
  });

  it('tells what it is about to measure, and shows a line for each station', () => {
    expect(told.slice(0, 3)).to.deep.equal([
      '20 characters over a pseudo-terminal',
      'exits and registers',
      'the I/O loop',
    ]);
    expect(told.slice(3)).to.have.length(4);
    const lines = calibrationTable(calibration).split('\n');
    for (const name of STATIONS)
      expect(
        lines.some((line) => line.includes(name)),
        name,
      ).to.equal(true);
  });
});
