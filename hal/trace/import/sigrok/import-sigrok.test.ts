import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { HalError } from '../../../errors.js';
import { exportTrace } from '../../trace-export.js';
import { traceInfo } from '../../trace-file.js';
import { MemorySink } from '../../trace-sink.js';
import { describeSigrokImport, importSigrok } from './import-sigrok.js';
import { sessionOf, UsbWaveform, Waveform } from './sigrok-fixture.js';
import { PID } from './usb-packet.js';

const RATE = 50e6;
const LINE = { baudRate: 115_200, dataBits: 8, parity: 'none', stopBits: 1 } as const;
const DEVICE = Uint8Array.from([18, 1, 0, 2, 0, 0, 0, 8, 0x34, 0x12, 0x78, 0x56, 0, 1, 1, 2, 0, 1]);
const PRODUCT = Uint8Array.from([14, 3, ...Buffer.from('Widget', 'utf16le')]);

describe('sigrok import', () => {
  let folder = '';
  let session = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'rigvisor-sigrok-import-'));
    const waveform = new Waveform();
    const usb = new UsbWaveform(waveform, 'full', 0);
    usb.pause(50e-6);
    usb.controlIn(3, [0x80, 6, 0, 1, 0, 0, 18, 0], DEVICE, 8);
    usb.controlIn(3, [0x80, 6, 2, 3, 9, 4, 255, 0], PRODUCT, 8);
    usb.token(PID.in, 3, 1);
    usb.data(0, [0xab]);
    usb.handshake(PID.ack);
    let time = 100e-6;
    for (const byte of Buffer.from('hi!')) time = waveform.character(time, 2, LINE, byte);
    for (const byte of Buffer.from('yes and no')) time = waveform.character(time, 3, LINE, byte);
    session = join(folder, 'made.sr');
    writeFileSync(session, sessionOf(waveform.sample(RATE, 2e-3, 0b1101), '50 MHz', ['D+', 'D-', 'TX', 'RX']));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const bytesOf = (trace: string, name: string, direction: 'received' | 'transmitted'): string => {
    const sink = new MemorySink();
    exportTrace(trace, { interface: name, format: 'bytes', direction, to: sink });
    return Buffer.from(sink.bytes()).toString('latin1');
  };

  it('writes the lines that the names of the probes suggest, in order of time, with what it knows', async () => {
    const trace = join(folder, 'whole.pcapng');
    const done = await importSigrok(session, trace);
    expect(done.lines).to.deep.equal({ uart: { rx: 'RX', tx: 'TX' }, usb: { dp: 'D+', dm: 'D-' } });
    expect(done).to.include({ characters: 13, lineErrors: 0, urbs: 3 });
    expect(bytesOf(trace, 'uart', 'received')).to.equal('yes and no');
    expect(bytesOf(trace, 'uart', 'transmitted')).to.equal('hi!');
    expect(bytesOf(trace, 'Widget', 'received')).to.equal('\xab');
    const { interfaces, outOfOrder, clock } = traceInfo(trace);
    expect([outOfOrder, clock]).to.deep.equal([0, 'virtual']);
    const [uart, usb] = interfaces.map((totals) => totals.interface.custom);
    expect(uart.get('line')).to.equal('115200 8N1');
    expect(uart.get('detected')).to.equal('baudRate format inverted');
    expect(usb.get('descriptors')).to.equal('recorded');
    expect(usb.get('guessedEndpoints')).to.equal('81');
    expect(describeSigrokImport(done)).to.have.length(3);
    expect(describeSigrokImport(done)[2]).to.contain('types of endpoints 81h are guessed');
  });

  it('stamps characters to the sample: received when complete, sent when begun', async () => {
    const trace = join(folder, 'times.pcapng');
    await importSigrok(session, trace, { uart: { rx: 'RX', tx: 'TX', ...LINE, inverted: false } });
    const rows = new MemorySink();
    exportTrace(trace, { interface: 'uart', format: 'csv', to: rows });
    const [first] = Buffer.from(rows.bytes()).toString().split('\n').slice(1);
    expect(first).to.match(/^\d+,out,txStart,1,\d+,68/);
    const totals = traceInfo(trace).interfaces[0];
    expect(totals.firstNs).to.be.within(100_000, 100_000 + (2e9 / 115_200) * 10);
    expect(totals.lastNs).to.be.closeTo(100_000 + (13 * 1e10) / 115_200, 40);
  });

  it('says what to do when no probe is named like a line', async () => {
    const path = join(folder, 'unnamed.sr');
    writeFileSync(path, sessionOf(new Uint8Array(100), '1 MHz', ['A', 'B']));
    let caught: unknown;
    await importSigrok(path, new MemorySink()).catch((error: unknown) => {
      caught = error;
    });
    expect(caught).to.be.instanceOf(HalError).with.property('hint', 'Name the lines among its probes (A, B).');
  });
});
