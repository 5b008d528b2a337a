import { expect } from 'chai';
import type { GnssParameters } from './parameters.js';
import { ReceiverBench } from './receiver-bench.js';

const QUIET: GnssParameters = { baudRate: 38_400, nmea: { sentences: ['GGA', 'RMC'] }, latencyMs: 60 };
const ACK_RATE = 'b562050102000608163f';
const NAK_RATE = 'b562050002000608153a';

/** A bench half a second after its first epoch, and where its next byte will be. */
function quietBench(parameters: GnssParameters = QUIET): { bench: ReceiverBench; from: number } {
  const bench = new ReceiverBench(parameters).runMs(500);
  return { bench, from: bench.bytes.length };
}

describe('commands to a GNSS receiver', () => {
  it('change the rate by UBX-CFG-RATE, acknowledged, on multiples of the new period', () => {
    const { bench, from } = quietBench();
    bench.sendUbx(0x06, 0x08, [200, 0, 1, 0, 1, 0]);
    bench.runMs(30);
    expect(bench.hex(from)).to.equal(ACK_RATE);
    bench.runMs(2000);
    const tenths = bench.receiver.truth.map((epoch) => (epoch.utcMs % 100_000) / 100);
    expect(tenths).to.deep.equal([0, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24]);
  });

  it('still send the epoch that has happened when the rate changes before its output', () => {
    const bench = new ReceiverBench(QUIET).runMs(1030);
    bench.sendUbx(0x06, 0x08, [100, 0, 1, 0, 1, 0]);
    bench.runMs(300);
    expect(bench.receiver.truth.map((epoch) => epoch.utcMs % 100_000)).to.deep.equal([0, 1000, 1100, 1200]);
  });

  it('refuse a period the receiver cannot keep', () => {
    const { bench, from } = quietBench();
    bench.sendUbx(0x06, 0x08, [50, 0, 1, 0, 1, 0]);
    bench.runMs(30);
    expect(bench.hex(from)).to.equal(NAK_RATE);
    bench.runMs(3000);
    expect(bench.receiver.truth).to.have.length(4);
  });

  it('switch messages by UBX-CFG-MSG, every so many epochs', () => {
    const { bench, from } = quietBench();
    bench.sendUbx(0x06, 0x01, [0xf0, 0x04, 0]);
    bench.sendUbx(0x06, 0x01, [0xf0, 0x08, 0, 2, 0, 0, 0, 0]);
    bench.sendUbx(0x06, 0x01, [0x01, 0x07, 1]);
    bench.sendUbx(0x06, 0x01, [0x01, 0x99, 1]);
    bench.runMs(50);
    expect(bench.hex(from)).to.equal(`${'b5620501020006010f38'.repeat(3)}b5620500020006010e33`);
    bench.runMs(2000);
    const names = bench.receiver.truth.map((epoch) => epoch.messages.map((message) => message.name).join());
    expect(names).to.deep.equal(['RMC,GGA', 'GGA,NAV-PVT', 'GGA,ZDA,NAV-PVT']);
  });

  it('answer polls of the present configuration', () => {
    const { bench, from } = quietBench();
    bench.sendUbx(0x06, 0x08);
    bench.sendUbx(0x06, 0x01, [0xf0, 0x04]);
    bench.runMs(50);
    expect(bench.hex(from)).to.contain('06080600e80301000100');
    expect(bench.hex(from)).to.contain('06010800f004000100000000');
    const port = bench.bytes.length;
    bench.sendUbx(0x06, 0x00, [1]);
    bench.runMs(50);
    expect(bench.hex(port)).to.contain('0600140001000000d00800000096000003000300');
  });

  it('change the baud rate by UBX-CFG-PRT; the answer comes at the new one', () => {
    const { bench, from } = quietBench();
    bench.sendUbx(0x06, 0x00, [1, 0, 0, 0, 0xd0, 8, 0, 0, 0x00, 0xc2, 1, 0, 3, 0, 3, 0, 0, 0, 0, 0]);
    bench.runMs(7.5);
    bench.configure(115_200);
    bench.runMs(2000);
    expect(bench.hex(from)).to.match(/^b5620501020006000e37/);
    expect(bench.receiver.line.baudRate).to.equal(115_200);
    expect(bench.damaged).to.equal(0);
    expect(bench.lines(from + 10)).to.have.length(4);
  });

  it('refuse a line that no receiver has', () => {
    const { bench, from } = quietBench();
    bench.sendUbx(0x06, 0x00, [1, 0, 0, 0, 0xd0, 8, 0, 0, 1, 0, 0, 0, 3, 0, 3, 0, 0, 0, 0, 0]);
    bench.sendUbx(0x06, 0x00, [1, 0, 0, 0, 0xd0, 0x3f, 0, 0, 0, 0xc2, 1, 0, 3, 0, 3, 0, 0, 0, 0, 0]);
    bench.runMs(100);
    expect(bench.hex(from)).to.equal('b5620500020006000d32'.repeat(2));
    expect(bench.receiver.line.baudRate).to.equal(38_400);
  });

  it('answer UBX-MON-VER, and a poll of a navigation message with the last epoch', () => {
    const { bench, from } = quietBench();
    bench.sendUbx(0x0a, 0x04);
    bench.runMs(60);
    expect(bench.hex(from)).to.match(/^b5620a046400/);
    expect(bench.text(from)).to.contain('PROTVER=18.00');
    const poll = bench.bytes.length;
    bench.sendUbx(0x01, 0x07);
    bench.runMs(60);
    expect(bench.hex(poll)).to.match(/^b56201075c00/);
  });

  it('refuse configuration that the receiver does not have', () => {
    const { bench, from } = quietBench();
    bench.sendUbx(0x06, 0x3e, [0, 0]);
    bench.runMs(30);
    expect(bench.hex(from)).to.match(/^b56205000200063e/);
  });

  it('set the fix interval by PMTK220 and answer PMTK001', () => {
    const { bench, from } = quietBench();
    bench.sendNmea('PMTK220,100');
    bench.sendNmea('PMTK220,50');
    bench.sendNmea('PMTK220,abc');
    bench.sendNmea('PMTK999');
    bench.sendNmea('PMTK000');
    bench.runMs(40);
    expect(bench.lines(from).filter((line) => line.startsWith('$PMTK'))).to.deep.equal([
      '$PMTK001,220,3*30',
      '$PMTK001,220,2*31',
      '$PMTK001,220,0*33',
      '$PMTK001,999,1*3B',
      '$PMTK001,000,3*30',
    ]);
    bench.runMs(1000);
    expect(bench.receiver.truth.length).to.be.within(10, 12);
  });

  it('choose sentences by PMTK314 and go back to those of power-on', () => {
    const { bench } = quietBench();
    bench.sendNmea('PMTK314,0,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1,0');
    bench.runMs(1000);
    bench.sendNmea('PMTK314,-1');
    bench.runMs(1000);
    const names = bench.receiver.truth.map((epoch) => epoch.messages.map((message) => message.name).join());
    expect(names).to.deep.equal(['RMC,GGA', 'RMC,ZDA', 'RMC,GGA']);
  });

  it('obey PUBX,40 and PUBX,41 without an answer', () => {
    const { bench, from } = quietBench();
    bench.sendNmea('PUBX,40,RMC,0,0,0,0,0,0');
    bench.sendNmea('PUBX,41,1,0007,0003,115200,0');
    bench.runMs(100);
    expect(bench.bytes).to.have.length(from);
    bench.configure(115_200);
    bench.runMs(1000);
    expect(bench.lines(from)).to.have.length(1);
    expect(bench.lines(from)[0]).to.match(/^\$GPGGA/);
  });

  it('send whole epochs or none when the line has become too slow', () => {
    const all = ['RMC', 'VTG', 'GGA', 'GSA', 'GSV', 'GLL', 'ZDA'] as const;
    const { bench } = quietBench({ ...QUIET, nmea: { sentences: [...all] }, transmitBufferBytes: 1024 });
    bench.sendNmea('PMTK251,4800');
    bench.runMs(30);
    bench.configure(4800);
    bench.sendUbx(0x06, 0x08, [200, 0, 1, 0, 1, 0]);
    bench.runMs(20_000);
    const { truth } = bench.receiver;
    expect(truth.filter((epoch) => epoch.dropped).length).to.be.above(20);
    for (const epoch of truth) if (epoch.dropped) expect(epoch.byteEnd).to.equal(epoch.byteStart);
    for (const line of bench.lines().slice(0, -1))
      expect(line.replace(/^.*\xb5b.{8}/s, '')).to.match(/^\$.*\*[0-9A-F]{2}$/);
    expect(bench.damaged).to.equal(0);
  });
});
