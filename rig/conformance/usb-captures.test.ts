import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { expect } from 'chai';
import { createRandom, VirtualClock } from '../../base/index.js';
import {
  exportTrace,
  importCapture,
  LINK_TYPE,
  openTrace,
  openUsbReplay,
  playUsbHost,
  RecordedUrbs,
  TRANSFER_TYPE,
  type TraceFile,
  type TraceInterface,
  type Urb,
  type UsbDivergenceReport,
  type UsbReplayHost,
  type UsbReplayOptions,
  type UsbSourceOptions,
  usbReplaySource,
} from '../../hal/index.js';
import { PACKAGE_ROOT } from '../paths.js';

const TRACES = process.env.RIGVISOR_TRACES ?? resolve(PACKAGE_ROOT, '..', 'shared', 'traces');
const isHere = existsSync(join(TRACES, 'usb'));
const hasTshark = spawnSync('tshark', ['--version']).status === 0;

interface Expected {
  readonly path: string;
  readonly packets: number;
  /** Device numbers in the order of their first packets, with the URBs that their host submitted. */
  readonly devices: readonly (readonly [device: number, urbs: number])[];
}

const EXPECTED: readonly Expected[] = [
  { path: 'usb/aes2501/capture.pcapng', packets: 5878, devices: [[44, 2939]] },
  { path: 'usb/goodixmoc/custom.pcapng', packets: 572, devices: [[4, 286]] },
  { path: 'usb/synaptics/custom.pcapng', packets: 310, devices: [[4, 155]] },
  { path: 'usb/upektc_img-tcs1s/capture.pcapng', packets: 210, devices: [[4, 105]] },
  { path: 'usb/uru4000-4500/capture.pcapng', packets: 42, devices: [[50, 21]] },
  {
    path: 'hid/usbkbd.pcap.pcapng',
    packets: 177,
    devices: [
      [1, 51],
      [4, 4],
      [3, 5],
      [0, 1],
      [11, 29],
    ],
  },
];

/** What must be the same in a capture and in what is exported of it. */
const FIELDS = [
  'usb.urb_id',
  'usb.urb_type',
  'usb.transfer_type',
  'usb.endpoint_address',
  'usb.urb_status',
  'usb.urb_len',
  'usb.data_len',
  'usb.setup.bRequest',
  'usb.bmRequestType',
  'usb.capdata',
  'usb.data_fragment',
  'usbhid.data',
] as const;
/** Ids of descriptor snapshots lie above all others of ours. */
const SNAPSHOT_ID = 2n ** 52n;

/** Rows of Wireshark's fields; the ids are numbered by their first appearance, `times` are from the first row on. */
function wireshark(path: string, filter: string): { rows: string[]; times: number[]; warnings: string } {
  const args = ['-r', path, '-Y', filter, '-T', 'fields', '-E', 'occurrence=a', '-e', 'frame.time_epoch'];
  const { stdout, stderr } = spawnSync('tshark', [...args, ...FIELDS.flatMap((field) => ['-e', field])], {
    encoding: 'utf8',
    maxBuffer: 256 << 20,
  });
  const ids = new Map<string, number>();
  const all = stdout.split('\n').filter((line) => line !== '');
  const wanted = all.map((line) => line.split('\t'));
  const traffic = path.endsWith('.own.pcapng') ? wanted.filter(([, id]) => BigInt(id) <= SNAPSHOT_ID) : wanted;
  let submitted = 0;
  const rows = traffic.map(([, id, type, ...rest]) => {
    // An id that comes again after its completion names another transfer.
    if (type === "'S'") ids.set(id, ++submitted);
    return [ids.get(id) ?? 'orphan', type, ...rest].join(' ');
  });
  const microseconds = traffic.map(([time]) => {
    const [seconds, fraction] = time.split('.');
    return (Number(seconds) % 1e6) * 1e6 + Number(fraction.slice(0, 6));
  });
  return { rows, times: microseconds.map((time) => time - microseconds[0]), warnings: stderr };
}

function usbInterfaces(trace: TraceFile): TraceInterface[] {
  return trace
    .info()
    .interfaces.map((totals) => totals.interface)
    .filter(({ linkType }) => linkType === LINK_TYPE.usbmon);
}

interface Played {
  readonly host: UsbReplayHost;
  readonly report: UsbDivergenceReport;
}

/** Plays the recorded host against the recorded device, in virtual time. */
function play(
  device: TraceFile,
  options: UsbSourceOptions & Omit<UsbReplayOptions, 'clock'>,
  recorded: { readonly trace: TraceFile } & UsbSourceOptions,
  alter?: (urb: Urb, number: number) => void,
): Played {
  const clock = new VirtualClock();
  const port = openUsbReplay(device, { ...options, clock });
  const host = playUsbHost(recorded.trace, { ...recorded, clock, port, ...(alter === undefined ? {} : { alter }) });
  clock.runUntilIdle(Number.MAX_SAFE_INTEGER);
  const report = port.divergence();
  port.close();
  return { host, report };
}

interface Target {
  readonly urb: number;
  readonly where: 'setup' | 'data';
  readonly byte: number;
}

/** Every byte that the host says, as far as it is compared: SETUP packets and the data of OUT transfers. */
function hostBytes(trace: TraceFile, options: UsbSourceOptions): Target[] {
  const urbs = new RecordedUrbs(usbReplaySource(trace, options));
  const targets: Target[] = [];
  for (let event = urbs.next(); event !== 'end'; event = urbs.next()) {
    if (event !== 'submitted') continue;
    const { urb } = urbs;
    if (urb.transferType === TRANSFER_TYPE.control)
      for (let byte = 0; byte < 8; byte++) targets.push({ urb: urb.number, where: 'setup', byte });
    if (urb.inbound) continue;
    for (let byte = 0; byte < urb.dataLength; byte++) targets.push({ urb: urb.number, where: 'data', byte });
  }
  urbs.close();
  return targets;
}

/** Flips bits of one byte. A data stage never is longer than its SETUP packet says: no host submits that. */
function flip(target: Target, bits: number): (urb: Urb, number: number) => void {
  return (urb, number) => {
    if (number !== target.urb) return;
    const bytes = target.where === 'setup' ? urb.setup : urb.data;
    bytes[target.byte] ^= bits;
    if (urb.transferType === TRANSFER_TYPE.control)
      urb.length = Math.min(urb.length, urb.setup[6] | (urb.setup[7] << 8));
  };
}

const MUTATIONS = 12;

describe(`USB captures${isHere ? '' : ` (pending: no recordings in ${TRACES}; set RIGVISOR_TRACES)`}`, function () {
  this.timeout(60_000);
  let folder = '';

  before(function () {
    if (!isHere) this.skip();
    folder = mkdtempSync(join(tmpdir(), 'rigvisor-usb-'));
  });

  after(() => {
    if (folder !== '') rmSync(folder, { recursive: true, force: true });
  });

  for (const { path, packets, devices } of EXPECTED) {
    const capture = join(TRACES, path);
    const name = basename(dirname(path)) === 'hid' ? 'usbkbd' : basename(dirname(path));
    const isAlone = devices.length === 1;
    const imported = (): string => join(folder, `${name}.pcapng`);

    describe(name, () => {
      before(() => {
        importCapture(capture, imported());
      });

      it(`is exported unchanged: Wireshark sees the same URBs${hasTshark ? '' : ' (pending: tshark is not installed)'}`, function () {
        if (!hasTshark) this.skip();
        const copy = join(folder, `${name}.copy.pcapng`);
        exportTrace(capture, { format: 'pcapng', to: copy });
        const expected = wireshark(capture, 'usb');
        expect(expected.rows).to.have.length(packets);
        expect(wireshark(copy, 'usb')).to.deep.equal(expected);
      });

      it(`is imported as it was: Wireshark sees the same URBs of each device${hasTshark ? '' : ' (pending: tshark is not installed)'}`, function () {
        if (!hasTshark) this.skip();
        for (const [place, [device]] of devices.entries()) {
          const own = join(folder, `${name}.${device}.own.pcapng`);
          const usb = usbInterfaces(openTrace(imported()));
          expect(usb).to.have.length(devices.length);
          exportTrace(imported(), { interface: usb[place].index, format: 'pcapng', to: own });
          expect(wireshark(own, 'usb')).to.deep.equal(wireshark(capture, `usb.device_address == ${device}`));
        }
      });

      for (const [place, [device, urbs]] of devices.entries()) {
        const of = isAlone ? '' : ` (device ${device})`;

        it(`plays against its own host without a difference, by every policy${of}`, () => {
          const trace = openTrace(capture);
          const own = openTrace(imported());
          const usb = usbInterfaces(own)[place];
          for (const policy of ['strict', 'per-endpoint', 'masked'] as const)
            for (const standardRequests of ['answered', 'compared'] as const)
              for (const [played, options] of [
                [trace, { device }],
                [own, { interface: usb.index }],
              ] as const) {
                const { host, report } = play(played, { ...options, policy, standardRequests }, { trace, device });
                expect(host.failure, report.message).to.equal(undefined);
                expect(host.ended).to.equal(true);
                expect(host.report()).to.include({ submitted: urbs, differing: 0, first: undefined });
                expect(report, report.message).to.include({ submitted: urbs, matched: urbs, differences: 0 });
                expect(report).to.include({ substituted: 0, skipped: 0, unconsumed: 0, first: undefined });
              }
        });

        it(`names the URB and the byte when one byte of its host is another${of}`, () => {
          const trace = openTrace(capture);
          const random = createRandom(`${name} ${device}`);
          const targets = hostBytes(trace, { device });
          expect(targets).to.not.have.length(0);
          for (let i = 0; i < MUTATIONS; i++) {
            const target = targets[random.below(targets.length)];
            const alter = flip(target, 1 + random.below(255));
            const policy = (['strict', 'per-endpoint'] as const)[i & 1];
            const options = { device, policy, standardRequests: 'compared' } as const;
            const { report } = play(trace, options, { trace, device }, alter);
            const { first } = report;
            expect(report.differences, `URB ${target.urb}`).to.equal(1);
            expect(first?.urb).to.equal(target.urb);
            expect(first?.fields[0]?.byte).to.equal(target.byte);
            expect(first?.fields[0]?.field === 'data').to.equal(target.where === 'data');
            expect(first?.message).to.contain(`URB ${target.urb} (packet ${first?.packet})`);
            expect(report.unconsumed).to.equal(urbs - target.urb + 1);
          }
        });
      }
    });
  }

  it('names a standard request that differs also where it is answered from the recorded descriptors', () => {
    const trace = openTrace(join(TRACES, 'usb/goodixmoc/custom.pcapng'));
    const { host, report } = play(trace, {}, { trace }, flip({ urb: 1, where: 'setup', byte: 6 }, 2));
    expect(host.failure).to.equal(undefined);
    expect(report).to.include({ differences: 0, substituted: 1, skipped: 1, unconsumed: 0 });
    expect(report.substitutions[0].message).to.match(
      /differs from URB 1 \(packet 1\): wLength \(SETUP byte 6\) is 10h instead of 12h/,
    );
  });
});
