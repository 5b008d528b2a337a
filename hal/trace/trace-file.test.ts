import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createRandom, VirtualClock } from '../../base/index.js';
import { HalError } from '../errors.js';
import { SerialRecord } from './rtac-serial.js';
import { exportTrace } from './trace-export.js';
import { openTrace, traceInfo } from './trace-file.js';
import { TraceRecorder } from './trace-recorder.js';
import { MemorySink } from './trace-sink.js';

const LINE = { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 } as const;

/** Records sequence numbers in wall time until it is killed. */
const ENDLESS_RECORDING = `
const { WallClock } = await import(process.argv[1]);
const { TraceRecorder } = await import(process.argv[2]);
const clock = new WallClock();
const trace = new TraceRecorder({ to: process.argv[3], clock, manifest: { plan: 'endless' } });
const tap = trace.addSerial('port', { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 });
process.stdout.write('armed');
let count = 0;
const burst = () => {
  for (let i = 0; i < 50; i++) tap.received(count++ & 255, 0, count * 10_000_000);
  setImmediate(burst);
};
burst();
`;

describe('trace files', () => {
  let folder = '';
  const path = (name: string): string => join(folder, name);

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'rigvisor-trace-'));
    const trace = new TraceRecorder({ to: path('run.pcapng'), clock: new VirtualClock(), manifest: { plan: 'x' } });
    // The second port's packets are handed over late, so that one of them is out of order.
    const first = trace.addSerial('first', LINE);
    const second = trace.addSerial('second', LINE);
    for (const [i, byte] of [...Buffer.from('$GP"x,\r\n')].entries()) first.received(byte, 0, (i + 1) * 2_000_000_000);
    second.received(0xff, 4, 3_000_000_000);
    second.transmitted(Uint8Array.of(1, 2), 0, 2, 4_000_000_000);
    trace.note('seen', 5_000_000_000);
    trace.close({ verdict: 'PASS' });
  });

  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('tell what they hold, interface by interface', () => {
    const info = traceInfo(path('run.pcapng'));
    expect(info).to.include({ clock: 'virtual', truncatedAt: undefined, damageCount: 0, packets: 12, outOfOrder: 1 });
    expect(info.manifest).to.deep.equal({ plan: 'x' });
    expect(info.summary).to.deep.equal({ verdict: 'PASS' });
    const shown = info.interfaces.map((totals) => [totals.interface.name, totals.received, totals.transmitted]);
    expect(shown).to.deep.equal([
      ['first', 8, 0],
      ['second', 1, 2],
      ['notes', 0, 0],
    ]);
    expect(info.interfaces[1].lineErrors).to.equal(1);
    expect(info.fileBytes).to.equal(readFileSync(path('run.pcapng')).length);
  });

  it('are exported one interface at a time, as a trace of its own with the same packets', () => {
    const result = exportTrace(path('run.pcapng'), {
      interface: 'second',
      format: 'pcapng',
      to: path('second.pcapng'),
    });
    expect(result.packets).to.equal(3);
    const info = traceInfo(path('second.pcapng'));
    expect(info.interfaces).to.have.lengthOf(1);
    expect(info.interfaces[0]).to.include({ packets: 3, received: 1, transmitted: 2, statedPackets: 3 });
    expect(info.interfaces[0].interface.name).to.equal('second');
    const times = Array.from(openTrace(path('second.pcapng')).packets(), (packet) => packet.timeNs);
    expect(times).to.deep.equal([3_000_000_000, 3_000_000_000, 4_000_000_000]);
  });

  it('are exported as bytes, table and text', () => {
    const as = (format: 'bytes' | 'csv' | 'text', options = {}): string => {
      const sink = new MemorySink();
      exportTrace(path('run.pcapng'), { interface: 'first', format, to: sink, ...options });
      return Buffer.from(sink.bytes()).toString('latin1');
    };
    expect(as('bytes')).to.equal('$GP"x,\r\n');
    expect(as('bytes', { interface: 1, direction: 'transmitted' })).to.equal('\x01\x02');
    expect(as('csv').split('\n').slice(0, 2)).to.deep.equal([
      'time_ns,direction,event,packet_id,length,data,note',
      '2000000000,in,rxEnd,1,1,24,',
    ]);
    expect(as('text').split('\n')[6]).to.equal('  14.000000000 in  rxEnd    \\r');
    expect(as('text', { interface: 'notes' })).to.match(/seen\n$/);
  });

  it('refuse an export without a choice, of what is not there, and onto itself', () => {
    const code = (act: () => unknown): string => {
      try {
        act();
      } catch (error) {
        if (error instanceof HalError) return `${error.code}: ${error.message}`;
        throw error;
      }
      return 'accepted';
    };
    const from = path('run.pcapng');
    expect(code(() => exportTrace(from, { format: 'bytes', to: path('x') }))).to.match(
      /^HAL_INVALID.*#0 first, #1 second/,
    );
    expect(code(() => exportTrace(from, { format: 'bytes', interface: 'no', to: path('x') }))).to.match(
      /^HAL_NOT_FOUND/,
    );
    expect(code(() => exportTrace(from, { format: 'csv', interface: 0, to: from }))).to.match(/^HAL_INVALID/);
    expect(code(() => openTrace(path('missing')))).to.match(/^HAL_NOT_FOUND.*does not exist/);
    expect(code(() => openTrace(folder))).to.match(/^HAL_INVALID/);
    writeFileSync(path('empty'), '');
    expect(code(() => openTrace(path('empty')))).to.match(/^HAL_TRACE.*empty file/);
  });

  it('hold everything up to the last block when the recording process is killed at any moment', async function () {
    this.timeout(60_000);
    const random = createRandom('kill');
    const modules = ['../../base/index.js', './trace-recorder.js'].map((name) => new URL(name, import.meta.url).href);
    let total = 0;
    for (let run = 0; run < 8; run++) {
      const file = path(`killed-${run}.pcapng`);
      const child = spawn(process.execPath, ['--input-type=module', '-e', ENDLESS_RECORDING, ...modules, file]);
      const ended = new Promise((resolve) => child.once('exit', resolve));
      await new Promise((resolve) => child.stdout.once('data', resolve));
      await new Promise((resolve) => setTimeout(resolve, random.below(60)));
      child.kill('SIGKILL');
      await ended;
      const record = new SerialRecord();
      let count = 0;
      for (const packet of openTrace(file).packets()) {
        expect(record.decode(packet)).to.equal(true);
        for (let i = 0; i < record.length; i++) expect(record.bytes[record.offset + i]).to.equal(count++ & 255);
      }
      const info = traceInfo(file);
      expect(info.damageCount).to.equal(0);
      expect(info.summary).to.equal(undefined);
      expect(info.manifest).to.deep.equal({ plan: 'endless' });
      total += count;
    }
    expect(total).to.be.greaterThan(0);
  });
});
