import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createRandom, VirtualClock, WallClock } from '../../base/index.js';
import { HalError } from '../errors.js';
import { LINE_STATUS, type LineSettings, MODEM_CONTROL, MODEM_STATUS } from '../serial/serial-port.js';
import { modemStatusOf, RTAC_EVENT, SerialRecord } from './rtac-serial.js';
import { openTrace, openTraceBytes, type TraceFile } from './trace-file.js';
import { TraceRecorder } from './trace-recorder.js';
import { MemorySink } from './trace-sink.js';

const LINE: LineSettings = { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 };

interface SeenPacket {
  readonly timeNs: number;
  readonly event: number;
  readonly text: string;
  readonly outbound: boolean;
  readonly id: number;
}

function serialPackets(trace: TraceFile, index = 0): SeenPacket[] {
  const record = new SerialRecord();
  const seen: SeenPacket[] = [];
  for (const packet of trace.packets()) {
    if (packet.interfaceIndex !== index || !record.decode(packet)) continue;
    const data = packet.bytes.subarray(record.offset, record.offset + record.length);
    seen.push({
      timeNs: packet.timeNs,
      event: record.event,
      text: record.text || Buffer.from(data).toString('latin1'),
      outbound: record.outbound,
      id: packet.packetId,
    });
  }
  return seen;
}

/** Times of all characters of one direction, as a reader gets them back. */
function characterTimes(trace: TraceFile, line: LineSettings, bits: number, outbound = false): number[] {
  const record = new SerialRecord();
  const times: number[] = [];
  for (const packet of trace.packets()) {
    if (packet.interfaceIndex !== 0 || !record.decode(packet) || !record.hasData || record.outbound !== outbound)
      continue;
    const firstNs = record.firstNs(bits, line.baudRate);
    for (let k = 0; k < record.length; k++) times.push(firstNs + record.offsetNs(k, bits, line.baudRate));
  }
  return times;
}

function recorder(): { clock: VirtualClock; sink: MemorySink; trace: TraceRecorder } {
  const clock = new VirtualClock();
  const sink = new MemorySink();
  return { clock, sink, trace: new TraceRecorder({ to: sink, clock, manifest: { plan: 'test' } }) };
}

describe('TraceRecorder', () => {
  it('makes one packet of an uninterrupted burst, stamped at the end of its last character', () => {
    const { sink, trace } = recorder();
    const tap = trace.addSerial('gnss', LINE);
    for (let i = 0; i < 300; i++) tap.received(65 + (i % 26), 0, 1000 + Math.floor(((i + 1) * 1e10) / 9600));
    tap.received(33, 0, 500_000_000);
    trace.close();
    const packets = serialPackets(openTraceBytes(sink.bytes()));
    expect(packets.map((packet) => packet.text.length)).to.deep.equal([256, 44, 1]);
    expect(packets.map((packet) => packet.timeNs)).to.deep.equal([
      1000 + Math.floor((256 * 1e10) / 9600),
      1000 + Math.floor((300 * 1e10) / 9600),
      500_000_000,
    ]);
    expect(new Set(packets.map((packet) => packet.event))).to.deep.equal(new Set([RTAC_EVENT.rxEnd]));
  });

  it('gives back the time of every character: any rate, crystal error, gaps, chunks, both directions', () => {
    const random = createRandom('recorder');
    for (let run = 0; run < 40; run++) {
      const line: LineSettings = { ...LINE, baudRate: [4800, 9600, 38_400, 115_200, 123_457][random.below(5)] };
      const { sink, trace } = recorder();
      const tap = trace.addSerial('port', line);
      const received: number[] = [];
      const sent: number[] = [];
      let nowNs = 0;
      for (let burst = 0; burst < 10; burst++) {
        nowNs += random.below(50_000_000);
        const isOff = random.below(2) === 0;
        const character = (1e10 / line.baudRate) * (isOff ? 1 + (random.float() - 0.5) / 500 : 1);
        const together = random.below(5) === 0;
        const count = 1 + random.below(600);
        const startNs = nowNs;
        for (let k = 0; k < count; k++) {
          if (!together) nowNs = startNs + Math.floor((k + 1) * character);
          tap.received(random.below(256), 0, nowNs);
          received.push(nowNs);
          if (random.below(50) > 0) continue;
          tap.transmitted(Uint8Array.of(1, 2, 3), 0, 3, nowNs);
          sent.push(nowNs, nowNs, nowNs);
        }
      }
      trace.close();
      const opened = openTraceBytes(sink.bytes());
      expect(characterTimes(opened, line, 10)).to.deep.equal(received);
      expect(characterTimes(opened, line, 10, true)).to.deep.equal(sent);
      expect(opened.info().outOfOrder).to.equal(0);
    }
  });

  it('writes line errors, modem lines, settings, faults, losses and ends as packets of their own, in order', () => {
    const { sink, trace } = recorder();
    const tap = trace.addSerial('port', LINE);
    tap.configured({ baudRate: 19_200, dataBits: 7, parity: 'even', stopBits: 2 }, 10);
    tap.modemControl(MODEM_CONTROL.dtr | MODEM_CONTROL.rts, 20);
    tap.modemStatus(MODEM_STATUS.cts | MODEM_STATUS.dsr, 30);
    tap.received(0x41, LINE_STATUS.parity | LINE_STATUS.framing | LINE_STATUS.overrun, 1000);
    tap.received(0, LINE_STATUS.break, 2_000_000);
    const fault = {
      kind: 'drop',
      direction: 'receive',
      atNs: 3e6,
      index: 2,
      count: 1,
      durationNs: 0,
      flipped: 0,
    } as const;
    tap.fault(fault);
    tap.lost(5, 4_000_000);
    tap.disconnected(new HalError('HAL_DISCONNECTED', 'pulled'), 5_000_000);
    tap.closed(6_000_000);
    trace.close();
    const opened = openTraceBytes(sink.bytes());
    expect(serialPackets(opened).map((packet) => [packet.event, packet.text])).to.deep.equal([
      [RTAC_EVENT.status, 'line=19200 7E2'],
      [RTAC_EVENT.status, ''],
      [RTAC_EVENT.status, ''],
      [RTAC_EVENT.rxEnd, 'A'],
      [RTAC_EVENT.overflow, ''],
      [RTAC_EVENT.parity, ''],
      [RTAC_EVENT.framing, ''],
      [RTAC_EVENT.rxEnd, '\0'],
      [RTAC_EVENT.break, ''],
      [RTAC_EVENT.status, `fault=${JSON.stringify(fault)}`],
      [RTAC_EVENT.dataLost, ''],
      [RTAC_EVENT.complete, 'disconnected=HAL_DISCONNECTED pulled'],
      [RTAC_EVENT.complete, 'closed'],
    ]);
    const record = new SerialRecord();
    const lines: number[] = [];
    for (const packet of opened.packets()) if (record.decode(packet)) lines.push(modemStatusOf(record.lines));
    expect(lines[1]).to.equal(0);
    expect(lines[2]).to.equal(MODEM_STATUS.cts | MODEM_STATUS.dsr);
    expect(opened.info().interfaces[0]).to.include({ received: 2, lineErrors: 4, dropped: 5, statedDropped: 5 });
  });

  it('ties effects to the packet that caused them, also while that is not written yet', () => {
    const { sink, trace } = recorder();
    const tap = trace.addSerial('gnss', LINE);
    const reports = trace.addUpper('reports', 'text');
    tap.received(0x24, 0, 1_041_666);
    const cause = tap.lastReceivedId;
    expect(cause).to.be.greaterThan(0);
    expect(reports.text('fix', 2_000_000, cause)).to.equal(cause);
    expect(reports.text('alone', 3_000_000)).to.not.equal(cause);
    trace.close();
    const ids = Array.from(openTraceBytes(sink.bytes()).packets(), (packet) => [
      packet.interfaceIndex,
      packet.packetId,
    ]);
    expect(ids.slice(0, 2)).to.deep.equal([
      [0, cause],
      [1, cause],
    ]);
  });

  it('opens with its manifest and ends with its summary and statistics', () => {
    const { sink, trace } = recorder();
    const tap = trace.addSerial('a', LINE, { description: 'receiver', facts: { binding: 'sim' } });
    tap.received(1, 0, 7_000_000);
    trace.note('a remark', 9_000_000);
    const summary = trace.close({ verdict: 'PASS' });
    expect(trace.close()).to.equal(summary);
    expect(summary.bytesWritten).to.equal(sink.bytes().length);
    const opened = openTraceBytes(sink.bytes());
    expect(opened.manifest).to.deep.equal({ plan: 'test' });
    expect(opened.clock).to.equal('virtual');
    expect(opened.interfaces[0].custom.get('binding')).to.equal('sim');
    expect(opened.interfaces[0].custom.get('line')).to.equal('9600 8N1');
    const info = opened.info();
    expect(info.summary).to.deep.equal({ verdict: 'PASS' });
    expect(info.interfaces.map((totals) => totals.statedPackets)).to.deep.equal([1, 1]);
    expect(info.durationNs).to.equal(2_000_000);
  });

  it('gives the same bytes for the same calls', () => {
    const run = (): Uint8Array => {
      const { sink, trace } = recorder();
      const tap = trace.addSerial('a', LINE);
      for (let i = 0; i < 1000; i++) tap.received(i & 255, 0, Math.floor((i * 1e10) / 9601));
      trace.close();
      return sink.bytes();
    };
    expect(Buffer.from(run()).equals(run())).to.equal(true);
  });

  it('never throws while recording on a full disk, counts what is lost, and says so when it closes', () => {
    let room = 100_000;
    const full = {
      write: (_bytes: Uint8Array, _offset: number, length: number): void => {
        room -= length;
        if (room < 0) throw new HalError('HAL_IO', 'the disk is full');
      },
      close: (): void => {},
    };
    const trace = new TraceRecorder({ to: full, clock: new VirtualClock() });
    const tap = trace.addSerial('a', LINE);
    for (let i = 0; i < 10_000; i++) tap.received(1, 0, i * 10_000_000);
    expect(trace.failure?.code).to.equal('HAL_IO');
    expect(() => trace.close())
      .to.throw(HalError, /disk is full/)
      .with.property('code', 'HAL_IO');
  });

  it('merges what a real port delivers at once, keeps Unix time, and hands every packet over at once', () => {
    const clock = new WallClock();
    const sink = new MemorySink();
    const trace = new TraceRecorder({ to: sink, clock });
    const tap = trace.addSerial('/dev/ttyUSB0', LINE);
    const startNs = clock.now();
    for (let i = 0; i < 20; i++) tap.received(48 + (i % 10), 0, startNs + i * 700);
    tap.received(65, 0, startNs + 20_000_000);
    expect(serialPackets(openTraceBytes(sink.bytes()))).to.have.lengthOf(1);
    trace.close();
    const opened = openTraceBytes(sink.bytes());
    const packets = serialPackets(opened);
    expect(packets.map((packet) => packet.text)).to.deep.equal(['01234567890123456789', 'A']);
    expect(packets.map((packet) => packet.timeNs)).to.deep.equal([startNs, startNs + 20_000_000]);
    expect(opened.clock).to.equal('wall');
    expect(opened.interfaces[0].offsetSeconds).to.equal(Number(clock.originUnixNs / 1_000_000_000n));
  });

  it('refuses a folder that is not there with HAL_NOT_FOUND', () => {
    expect(() => new TraceRecorder({ to: '/nonexistent/folder/x.pcapng', clock: new VirtualClock() }))
      .to.throw(HalError)
      .with.property('code', 'HAL_NOT_FOUND');
  });

  it('is shown by tshark packet by packet, Modbus included, with no expert warning', function () {
    if (spawnSync('tshark', ['--version']).status !== 0) {
      console.log('      skipped: tshark is not installed');
      this.skip();
    }
    const folder = mkdtempSync(join(tmpdir(), 'rigvisor-trace-'));
    const path = join(folder, 'run.pcapng');
    const trace = new TraceRecorder({ to: path, clock: new VirtualClock(), manifest: { plan: 'x' } });
    const tap = trace.addSerial('modbus', LINE);
    const journal = trace.addUpper('journal', 'data');
    const query = Uint8Array.of(1, 3, 0, 0, 0, 2, 0xc4, 0x0b);
    tap.configured(LINE, 0);
    tap.modemControl(3, 0);
    tap.transmitted(query, 0, query.length, 1_000_000);
    for (const [i, byte] of [1, 3, 4, 0, 6, 0, 5, 0xda, 0x31].entries())
      tap.received(byte, 0, 20_000_000 + Math.floor(((i + 1) * 1e10) / 9600));
    journal.data(query, 0, query.length, 50_000_000, tap.lastReceivedId);
    tap.received(7, LINE_STATUS.framing | LINE_STATUS.parity | LINE_STATUS.break | LINE_STATUS.overrun, 60_000_000);
    tap.modemStatus(1, 70_000_000);
    trace.note('fault: drop', 80_000_000);
    tap.closed(90_000_000);
    trace.close();
    const tshark = (...args: string[]): string => {
      const result = spawnSync('tshark', ['-r', path, ...args], { encoding: 'utf8' });
      expect(result.status, result.stderr).to.equal(0);
      return result.stdout;
    };
    const shown = tshark('-Y', 'frame.len > 0').trim().split('\n');
    const counted = openTrace(path).info().packets;
    // The manifest and the summary are shown as records of their own.
    expect(shown).to.have.lengthOf(counted + 2);
    expect(tshark('-q', '-z', 'expert')).to.not.match(/Errors|Warns|Notes|Chats/);
    expect(tshark('-d', 'rtacser.data,mbrtu')).to.match(/Query: Unit: +1[\s\S]*Response: Unit: +1/);
    rmSync(folder, { recursive: true, force: true });
  });
});
