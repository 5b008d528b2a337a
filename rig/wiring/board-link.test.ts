/** Tests of a board joined to its guest: a million samples without an exit, both ways the same samples, and what is refused. */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { BOARD_PACKET, openTrace, upperPayloadOffset } from '../../hal/index.js';
import { RigError } from '../errors.js';
import { compareBlocks, countBlocks } from '../metrics/scan-blocks.js';
import type { Architecture, Engine, MatrixCell, RunRequest, RunResult } from '../run/run-types.js';
import { createExecutor } from './executor.js';

const SAMPLES = 1_000_000;
const RATE_HZ = 100_000;
const GUARD_NS = 5e7;

describe('a board on a memory bus, joined to its guest', function () {
  this.timeout(120_000);
  let outDir = '';

  beforeEach(() => {
    outDir = mkdtempSync(join(tmpdir(), 'rigvisor-board-'));
  });

  afterEach(() => rmSync(outDir, { recursive: true, force: true }));

  function run(
    architecture: Architecture,
    bootargs: string,
    more: Partial<RunRequest> = {},
    cell: Partial<MatrixCell> = {},
  ): Promise<RunResult> {
    const frontend = architecture === 'hosted' ? 'emulated' : 'ring';
    return createExecutor().execute({
      cell: {
        plan: 'test',
        profile: 'rv-daq16',
        binding: 'sim',
        architecture,
        frontend,
        engine: 'translator',
        ...cell,
      },
      guest: 'board-logger',
      bootargs,
      durationNs: 1e9,
      seed: 'test',
      outDir,
      ...more,
    });
  }

  async function refusal(start: Promise<RunResult>): Promise<{ readonly code: string; readonly message: string }> {
    try {
      await start;
    } catch (error) {
      expect(error).to.be.instanceOf(RigError);
      expect(readdirSync(outDir)).to.have.length(0);
      return error as RigError;
    }
    throw new Error('nothing was refused');
  }

  const blocksOf = (result: RunResult) =>
    result.guests[0].reports.filter(({ channel, causeNs }) => channel === 'blocks' && causeNs !== undefined);

  it(`brings ${SAMPLES} samples to a partitioned guest with no exit on the data path`, async () => {
    const durationNs = (SAMPLES / RATE_HZ) * 1e9 + GUARD_NS;
    const bootargs = `rate=${RATE_HZ} source=counter`;
    const result = await run('partitioned', bootargs, { durationNs });
    const { samples, lost, duplicated, reordered } = countBlocks(blocksOf(result));
    const { exits } = result.guests[0];
    const all = Object.values(exits.byReason).reduce((sum, count) => sum + count, 0);
    console.log(`      ${samples} samples, ${exits.dataPath} exits on the data path, ${all} in all`);
    expect(samples).to.be.at.least(SAMPLES);
    expect([lost, duplicated, reordered, exits.dataPath]).to.deep.equal([0, 0, 0, 0]);
    expect(compareBlocks(blocksOf(result), result.scans ?? []).first).to.equal(undefined);
    expect(result.certification.certified, result.certification.sentence).to.equal(true);
    const short = await run('partitioned', bootargs, { traceName: 'short.pcapng' });
    expect(short.guests[0].exits.byReason, 'exits in the steady state').to.deep.equal(exits.byReason);
  });

  for (const engine of ['interpreter', 'translator'] as const satisfies readonly Engine[])
    it(`costs a hosted guest three accesses a block, and gives it the same samples: ${engine}`, async () => {
      const bootargs = 'rate=20000 channels=4 source=counter';
      const hosted = await run('hosted', bootargs, {}, { engine });
      const partitioned = await run('partitioned', bootargs, { traceName: 'other.pcapng' }, { engine });
      const codes = (result: RunResult) =>
        blocksOf(result)
          .slice(0, 90)
          .map(({ fields: { firstScan, scans, sum, sumOfSums } }) => [firstScan, scans, sum, sumOfSums]);
      expect(codes(hosted)).to.have.length(90);
      expect(codes(partitioned)).to.deep.equal(codes(hosted));
      const blocks = blocksOf(hosted).length;
      expect(hosted.guests[0].exits.dataPath).to.be.within(3 * blocks, 3 * blocks + 20);
      expect(partitioned.guests[0].exits.dataPath).to.equal(0);
      for (const { certification } of [hosted, partitioned])
        expect(certification.certified, certification.sentence).to.equal(true);
    });

  for (const architecture of ['hosted', 'partitioned'] as const)
    it(`gives the same output and count on both engines: ${architecture}`, async () => {
      const bootargs = 'rate=50000 channels=3';
      const ran = [];
      for (const engine of ['interpreter', 'translator'] as const) {
        const { certification, guests } = await run(
          architecture,
          bootargs,
          { traceName: `${engine}.pcapng` },
          { engine },
        );
        ran.push([certification.outputDigest, certification.ramDigest, guests[0].instret, guests[0].exits]);
      }
      expect(ran[1]).to.deep.equal(ran[0]);
    });

  it('reads sample by sample in programmed mode, an exit each, and no page can do that', async () => {
    const bootargs = 'rate=20000 mode=pio source=counter';
    const hosted = await run('hosted', bootargs);
    const { samples, lost } = countBlocks(blocksOf(hosted));
    expect([samples > 15_000, lost]).to.deep.equal([true, 0]);
    expect(hosted.guests[0].exits.dataPath).to.be.above(samples);
    expect(compareBlocks(blocksOf(hosted), hosted.scans ?? []).first).to.equal(undefined);
    const page = await run('partitioned', bootargs, { traceName: 'page.pcapng' });
    expect(page.guests[0].console).to.contain('mode=pio needs registers that are trapped');
  });

  it('ends after the blocks it was asked for', async () => {
    for (const architecture of ['hosted', 'partitioned'] as const) {
      const result = await run(architecture, 'blocks=7', { traceName: `${architecture}.pcapng` });
      expect(blocksOf(result)).to.have.length(7);
      expect([result.stop.kind, result.stop.code]).to.deep.equal(['guest-finished', 0]);
    }
  });

  it('keeps what the board did in the trace, samples included, and ties each report to its DMA', async () => {
    const result = await run('hosted', 'blocks=5 source=counter');
    const trace = openTrace(result.trace.path);
    const board = trace.interfaces.find(({ name }) => name === 'board sim:rv-daq16')?.index;
    const reports = trace.interfaces.find(({ name }) => name === 'reports guest')?.index;
    const kinds = new Map<number, number>();
    const dma = new Set<number>();
    let tied = 0;
    let sampleBytes = 0;
    for (const { interfaceIndex, packetId, bytes, offset, length } of trace.packets()) {
      if (interfaceIndex === reports && dma.has(packetId)) tied++;
      if (interfaceIndex !== board) continue;
      const at = offset + upperPayloadOffset(bytes, offset, length);
      const kind = bytes[at];
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      if (kind !== BOARD_PACKET.dma) continue;
      dma.add(packetId);
      sampleBytes += offset + length - at - 12;
    }
    expect(tied).to.equal(5);
    expect(sampleBytes).to.equal(5 * (2000 + 16));
    expect(kinds.get(BOARD_PACKET.interrupt)).to.equal(10);
    expect(kinds.get(BOARD_PACKET.write)).to.be.above(12);
  });

  it('refuses real boards without an address, with one that is none, and a missing recording, in a sentence', async () => {
    const real = await refusal(run('hosted', '', {}, { binding: 'real' }));
    expect([real.code, real.message]).to.deep.equal([
      'RIG_INPUT_MISSING',
      'a run on a real rv-daq16 needs the address of the board',
    ]);
    const serial = await refusal(run('partitioned', '', { port: '/dev/ttyUSB0' }, { binding: 'real' }));
    expect([serial.code, serial.message]).to.deep.equal([
      'RIG_INPUT_MISSING',
      '"/dev/ttyUSB0" is not the address of a board',
    ]);
    const replay = await refusal(run('hosted', '', {}, { binding: 'replay' }));
    expect(replay.code).to.equal('RIG_INPUT_MISSING');
  });

  it('refuses several guests, faults on a wire that is none, and a frontend that is none', async () => {
    const several = await refusal(run('hosted', '', { guests: 2 }));
    expect(several.message).to.contain('belongs to one guest, and 2 are to have it');
    const faults = await refusal(run('hosted', '', { faults: { rates: {} } }));
    expect(faults.message).to.contain('there is no wire');
    const frontend = await refusal(run('hosted', '', {}, { frontend: 'paravirtual' }));
    expect(frontend.message).to.contain('no paravirtual frontend');
  });
});
