import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { VirtualClock } from '../../../base/index.js';
import { playUsbHost } from '../../usb/replay-host.js';
import { openUsbReplay, type ReplayedUsbPort } from '../../usb/replayed-port.js';
import { traceInfo } from '../trace-file.js';
import { importCapture } from './import-capture.js';
import { importHidRecorder } from './import-hid-recorder.js';
import { importUmockdev } from './import-umockdev.js';
import { importSigrok } from './sigrok/import-sigrok.js';
import { sessionOf, UsbWaveform, Waveform } from './sigrok/sigrok-fixture.js';
import { PID } from './sigrok/usb-packet.js';
import { latin1 } from './text-lines.js';

const TRACES = process.env.RIGVISOR_TRACES ?? join(process.cwd(), '..', 'shared', 'traces');

/** Plays interface `index` of the trace against its own recorded host side. */
function replayed(trace: string, index: number) {
  const clock = new VirtualClock();
  const port: ReplayedUsbPort = openUsbReplay(trace, { clock, interface: index });
  const host = playUsbHost(trace, { clock, port, interface: index });
  clock.runUntilIdle(3600e9);
  const report = port.divergence();
  host.stop();
  port.close();
  return { host: host.report(), failure: host.failure, report };
}

/** Every USB interface of the trace replays without a difference; answers how many transfers were submitted. */
function expectReplay(trace: string): number {
  let submitted = 0;
  for (const { interface: described } of traceInfo(trace).interfaces) {
    if (described.linkType !== 220) continue;
    const { host, failure, report } = replayed(trace, described.index);
    expect(failure, described.name).to.equal(undefined);
    expect(host.differing, host.first).to.equal(0);
    expect(report.first, described.name).to.equal(undefined);
    expect([report.differences, report.unconsumed], described.name).to.deep.equal([0, 0]);
    submitted += host.submitted;
  }
  return submitted;
}

describe('imported recordings, replayed against their own host side', function () {
  this.timeout(60_000);
  let folder = '';
  let trace = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'rigvisor-import-replay-'));
    trace = join(folder, 'imported.pcapng');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('of hid-recorder do not diverge', () => {
    const text = 'R: 4 05 01 09 02\nN: Mouse\nI: 3 046d c52b\nE: 0.0 2 01 02\nE: 0.5 2 03 04\nE: 0.5 2 05 06\n';
    writeFileSync(join(folder, 'made.hid'), text);
    importHidRecorder(join(folder, 'made.hid'), trace);
    expect(expectReplay(trace)).to.equal(4);
  });

  it('of an ioctl tree do not diverge', () => {
    const tree =
      'USBDEVFS_REAPURBNDELAY 0 3 1 0 0 3 3 0 0A0B0C\n USBDEVFS_REAPURB 0 3 129 0 0 512 2 0 0102\nUSBDEVFS_REAPURB 0 2 0 0 0 10 2 0 C0010000000002000708\n';
    writeFileSync(join(folder, 'made.ioctl'), tree);
    importUmockdev({ ioctls: [join(folder, 'made.ioctl')] }, trace);
    expect(expectReplay(trace)).to.equal(3);
  });

  it('of a cable do not diverge either, with an enumeration and a reset in them', async () => {
    const waveform = new Waveform();
    const usb = new UsbWaveform(waveform, 'full', 0);
    usb.pause(50e-6);
    usb.reset(20e-6);
    const device = Uint8Array.from([18, 1, 0, 2, 0, 0, 0, 8, 0x34, 0x12, 0x78, 0x56, 0, 1, 0, 0, 0, 1]);
    const configuration = [9, 2, 25, 0, 1, 1, 0, 0x80, 50, 9, 4, 0, 0, 1, 0xff, 0, 0, 0, 7, 5, 0x81, 3, 8, 0, 1];
    usb.controlIn(0, [0x80, 6, 0, 1, 0, 0, 64, 0], device, 8);
    usb.reset(20e-6);
    usb.controlOut(0, [0, 5, 7, 0, 0, 0, 0, 0]);
    usb.controlIn(7, [0x80, 6, 0, 1, 0, 0, 18, 0], device, 8);
    usb.controlIn(7, [0x80, 6, 0, 2, 0, 0, 25, 0], Uint8Array.from(configuration), 8);
    usb.controlOut(7, [0, 9, 1, 0, 0, 0, 0, 0]);
    for (const toggle of [0, 1, 0]) {
      usb.token(PID.in, 7, 1);
      usb.handshake(PID.nak);
      usb.pause(100e-6);
      usb.token(PID.in, 7, 1);
      usb.data(toggle, [toggle, 1, 2]);
      usb.handshake(PID.ack);
    }
    usb.token(PID.in, 7, 1);
    usb.handshake(PID.nak);
    usb.reset(20e-6);
    const session = join(folder, 'cable.sr');
    writeFileSync(session, sessionOf(waveform.sample(50e6, usb.time + 1e-4, 1), '50 MHz', ['DP', 'DM']));
    const { findings } = await importSigrok(session, trace);
    expect(findings.usb?.devices.map(({ address }) => address)).to.deep.equal([7]);
    expect(expectReplay(trace)).to.equal(9);
    expect(latin1(readFileSync(trace)).match(/reset/g)?.length).to.be.at.least(2);
  });

  describe(`recorded by others${existsSync(TRACES) ? '' : ` (pending: no recordings at ${TRACES}; set RIGVISOR_TRACES)`}`, () => {
    before(function () {
      if (!existsSync(TRACES)) this.skip();
    });
    const file = (...parts: readonly string[]): string => join(TRACES, ...parts);

    it('of the UT612 over a logic analyser do not diverge', async () => {
      await importSigrok(file('logic', 'ut612', 'cp2110_serial_over_hid_ut612_snippet.sr'), trace);
      expect(expectReplay(trace)).to.equal(38);
    });

    it('of a FIDO2 key over hidraw do not diverge', () => {
      const hid = (name: string): string => file('hid', name);
      importUmockdev({ description: hid('fido2.umockdev'), scripts: [hid('fido2.script')] }, trace);
      expect(expectReplay(trace)).to.equal(25);
    });

    for (const [capture, description, urbs] of [
      ['usb/aes2501/capture.pcapng', 'usb/aes2501/device.umockdev', 2939],
      ['usb/goodixmoc/custom.pcapng', 'usb/goodixmoc/device.umockdev', 286],
      ['usb/synaptics/custom.pcapng', 'usb/synaptics/device.umockdev', 155],
      ['usb/upektc_img-tcs1s/capture.pcapng', 'usb/upektc_img-tcs1s/device.umockdev', 105],
      ['usb/uru4000-4500/capture.pcapng', 'usb/uru4000-4500/device.umockdev', 21],
      ['hid/usbkbd.pcap.pcapng', 'hid/usbkbd.pcap.umockdev', 90],
    ] as const)
      it(`of usbmon, ${capture}, do not diverge`, () => {
        importCapture(file(capture), trace, file(description));
        expect(expectReplay(trace)).to.equal(urbs);
      });
  });
});
