import { expect } from 'chai';
import { URB_STATUS, Urb, VirtualClock } from '../../base/index.js';
import { HalError } from '../errors.js';
import { LINK_TYPE } from '../trace/pcapng-format.js';
import { diffTraces } from '../trace/trace-diff.js';
import { openTraceBytes, type TraceFile } from '../trace/trace-file.js';
import { TraceRecorder } from '../trace/trace-recorder.js';
import { MemorySink } from '../trace/trace-sink.js';
import { rawTrace, type UsbmonPacket, usbmonBytes, usbPcapBytes } from '../trace/usb-test-packets.js';
import type { UsbDivergence } from './replay-divergence.js';
import { playUsbHost } from './replay-host.js';
import { openUsbReplay, type ReplayedUsbPort, type UsbReplayOptions } from './replayed-port.js';
import { setupPacket } from './setup-packet.js';
import { createSimulatedUsbPort } from './simulated-port.js';
import { tapUsbPort } from './tap.js';
import { TEST_DEVICE, TestPeripheral } from './test-peripheral.js';
import { ENDPOINT_IN, TRANSFER_TYPE } from './usb-port.js';

const GET_DEVICE = setupPacket({ bmRequestType: 0x80, bRequest: 6, wValue: 0x0100, wIndex: 0, wLength: 18 });
const SET_CONFIGURATION = setupPacket({ bmRequestType: 0, bRequest: 9, wValue: 1, wIndex: 0, wLength: 0 });
const vendor = (bRequest: number, wValue: number, wLength = 0): Uint8Array =>
  setupPacket({ bmRequestType: wLength > 0 ? 0xc0 : 0x40, bRequest, wValue, wIndex: 0, wLength });

interface Done {
  readonly urb: Urb;
  readonly status: number;
  readonly data: readonly number[];
  readonly atNs: number;
}

/** The host side of a port, with everything that came to it. */
class Host {
  readonly clock = new VirtualClock();
  readonly done: Done[] = [];
  readonly told: string[] = [];
  readonly divergences: UsbDivergence[] = [];
  readonly port: ReplayedUsbPort;
  error: HalError | undefined;
  ends = 0;
  #id = 0;

  constructor(trace: TraceFile, options: Partial<UsbReplayOptions> = {}, goesOn = false) {
    const onDivergence = (found: UsbDivergence): void => void this.divergences.push(found);
    this.port = openUsbReplay(trace, {
      clock: this.clock,
      ...options,
      ...(goesOn ? { onDivergence } : {}),
      onEnd: () => this.ends++,
    });
    this.port.attach({
      completed: (urb) => {
        const { status, actualLength } = urb;
        const data = urb.inbound ? [...urb.data.subarray(0, actualLength)] : [actualLength];
        this.done.push({ urb, status, data, atNs: this.clock.now() });
      },
      plugged: (present) => this.told.push(present ? 'plugged' : 'unplugged'),
      disconnected: (error) => {
        this.error = error;
      },
    });
  }

  control(setup: Uint8Array, data: readonly number[] = []): Urb {
    const urb = new Urb();
    urb.setup.set(setup);
    urb.transferType = TRANSFER_TYPE.control;
    urb.length = setup[6] | (setup[7] << 8);
    urb.endpointAddress = urb.length > 0 ? setup[0] & ENDPOINT_IN : 0;
    urb.data = Uint8Array.from({ length: urb.length }, (_, i) => data[i] ?? 0);
    return this.#submit(urb);
  }

  in(length = 64, endpointAddress = 0x81): Urb {
    return this.#bulk(endpointAddress, new Uint8Array(length));
  }

  out(data: readonly number[], endpointAddress = 0x02): Urb {
    return this.#bulk(endpointAddress, Uint8Array.from(data));
  }

  run(untilNs = 10e9): this {
    this.clock.runUntilIdle(untilNs);
    return this;
  }

  /** Data of what completed, in order. */
  get replies(): (readonly number[])[] {
    return this.done.map(({ data }) => data);
  }

  #bulk(endpointAddress: number, data: Uint8Array): Urb {
    const urb = new Urb();
    urb.transferType = TRANSFER_TYPE.bulk;
    urb.endpointAddress = endpointAddress;
    urb.data = data;
    urb.length = data.length;
    return this.#submit(urb);
  }

  #submit(urb: Urb): Urb {
    urb.id = ++this.#id;
    this.port.submit(urb);
    return urb;
  }
}

const bulk = { transferType: TRANSFER_TYPE.bulk } as const;
const S = (id: number, packet: Partial<UsbmonPacket>): Partial<UsbmonPacket> => ({
  id,
  event: 'S',
  ...bulk,
  ...packet,
});
const C = (id: number, packet: Partial<UsbmonPacket>): Partial<UsbmonPacket> => ({
  id,
  event: 'C',
  ...bulk,
  ...packet,
});

/** Times in microseconds. */
function captured(...packets: readonly (readonly [us: number, packet: Partial<UsbmonPacket>])[]): TraceFile {
  const parts = packets.map(([us, packet]) => ({ timeNs: us * 1000, bytes: usbmonBytes(packet) }));
  return openTraceBytes(rawTrace(LINK_TYPE.usbmon, parts), 'capture');
}

const CONTROL = { transferType: TRANSFER_TYPE.control } as const;

/** A question, its answer on another endpoint, and the same question with another answer. */
const DIALOGUE = captured(
  [0, S(1, { endpoint: 0x81, length: 64 })],
  [100, S(2, { endpoint: 0x02, data: [7, 8] })],
  [150, C(2, { endpoint: 0x02, length: 2 })],
  [400, C(1, { endpoint: 0x81, data: [1, 2, 3] })],
  [500, S(1, { endpoint: 0x81, length: 64 })],
  [600, S(2, { endpoint: 0x02, data: [7, 8] })],
  [650, C(2, { endpoint: 0x02, length: 2 })],
  [900, C(1, { endpoint: 0x81, data: [4] })],
);

/** Enumeration by the kernel, then a vendor request. */
const ENUMERATED = captured(
  [0, S(1, { ...CONTROL, endpoint: 0x80, setup: GET_DEVICE, length: 18 })],
  [200, C(1, { ...CONTROL, endpoint: 0x80, data: [18, 1, 0, 2, 255, 0, 0, 64, 9, 18, 2, 0, 0, 1, 0, 0, 0, 1] })],
  [300, S(2, { ...CONTROL, endpoint: 0, setup: SET_CONFIGURATION })],
  [400, C(2, { ...CONTROL, endpoint: 0 })],
  [1000, S(3, { ...CONTROL, endpoint: 0x80, setup: vendor(5, 0x10, 4), length: 4 })],
  [1200, C(3, { ...CONTROL, endpoint: 0x80, data: [0xca, 0xfe] })],
);

function recordTestDevice(): Uint8Array {
  const sink = new MemorySink();
  const clock = new VirtualClock();
  const recorder = new TraceRecorder({ to: sink, clock });
  const device = new TestPeripheral();
  const simulated = createSimulatedUsbPort({ name: 'sim:test', clock, device });
  const port = tapUsbPort(simulated, recorder.addUsb('loop', device.description), clock);
  port.attach({ completed: () => {}, disconnected: () => {} });
  let id = 0;
  const submit = (fill: (urb: Urb) => void): Urb => {
    const urb = new Urb();
    urb.id = ++id;
    fill(urb);
    port.submit(urb);
    return urb;
  };
  const bulkOf = (endpointAddress: number, data: Uint8Array): Urb =>
    submit((urb) =>
      Object.assign(urb, { transferType: TRANSFER_TYPE.bulk, endpointAddress, data, length: data.length }),
    );
  submit((urb) => urb.setup.set(SET_CONFIGURATION));
  clock.runUntilIdle(5e6);
  const waiting = bulkOf(TEST_DEVICE.loopIn, new Uint8Array(256));
  bulkOf(
    TEST_DEVICE.loopOut,
    Uint8Array.from({ length: 100 }, (_, i) => i),
  );
  clock.runUntilIdle(10e6);
  bulkOf(TEST_DEVICE.loopIn, new Uint8Array(64));
  clock.advanceTo(20e6);
  port.cancel(waiting);
  submit((urb) =>
    urb.setup.set(setupPacket({ bmRequestType: 0x40, bRequest: TEST_DEVICE.refuse, wValue: 0, wIndex: 0, wLength: 0 })),
  );
  clock.advanceTo(40e6);
  simulated.unplug();
  port.close();
  recorder.close();
  return sink.bytes();
}

describe('openUsbReplay', () => {
  it('gives the very packets again: record, replay, record', () => {
    const first = openTraceBytes(recordTestDevice(), 'first');
    const sink = new MemorySink();
    const clock = new VirtualClock();
    const recorder = new TraceRecorder({ to: sink, clock });
    const replay = openUsbReplay(first, { clock });
    expect(replay.description.device).to.deep.equal(new TestPeripheral().description.device);
    const port = tapUsbPort(replay, recorder.addUsb('loop', replay.description), clock);
    const host = playUsbHost(first, { clock, port });
    clock.runUntilIdle(1e9);
    expect(host.failure?.message).to.equal(undefined);
    expect(host.report()).to.include({ differing: 0 });
    expect(replay.divergence()).to.include({ differences: 0, substituted: 0, unconsumed: 0 });
    port.close();
    recorder.close();
    const { lanes } = diffTraces(first, openTraceBytes(sink.bytes(), 'second'), { times: true });
    const transfers = lanes.find(({ lane }) => lane === 'transfers');
    expect(transfers?.difference).to.equal(undefined);
    expect(transfers?.same).to.be.greaterThan(8);
  });

  it('answers the same question with its recorded answers in their order, each after its recorded time', () => {
    const host = new Host(DIALOGUE);
    host.in();
    host.out([7, 8]);
    host.run();
    host.in();
    host.out([7, 8]);
    host.run();
    expect(host.replies).to.deep.equal([[2], [1, 2, 3], [2], [4]]);
    expect(host.done.map(({ atNs }) => atNs)).to.deep.equal([50_000, 400_000, 450_000, 800_000]);
    expect(host.ends).to.equal(1);
    expect(host.port.ended).to.equal(true);
    expect(host.port.divergence()).to.deep.include({ matched: 4, differences: 0, unconsumed: 0, expected: [] });
  });

  it('lets an answer wait for the question of a host that is late', () => {
    const host = new Host(DIALOGUE);
    host.in();
    host.run(5e6);
    expect(host.done).to.have.length(0);
    host.clock.advanceTo(5e6);
    host.out([7, 8]);
    host.run();
    expect(host.done.map(({ atNs }) => atNs)).to.deep.equal([5_050_000, 5_300_000]);
    const free = new Host(DIALOGUE, { policy: 'per-endpoint' });
    free.in();
    free.run();
    expect(free.done.map(({ atNs }) => atNs)).to.deep.equal([400_000]);
  });

  it('lets a transfer queued early begin when the one in front of it on its endpoint has ended', () => {
    const host = new Host(DIALOGUE, { policy: 'per-endpoint' });
    host.in();
    host.in();
    host.run();
    expect(host.done.map(({ atNs }) => atNs)).to.deep.equal([400_000, 800_000]);
  });

  it('ends a strict port that nobody watches with HAL_DIVERGED, by the clock and not inside the call', () => {
    const host = new Host(DIALOGUE);
    host.in();
    host.out([7, 9]);
    expect(host.error).to.equal(undefined);
    host.run();
    expect(host.error?.code).to.equal('HAL_DIVERGED');
    expect(host.error?.message).to.equal(
      'replay:capture#0: submission 2 of the host (bulk OUT 02h, 2 bytes: 07 09) differs from URB 2 (packet 2): data byte 1 is 09h instead of 08h',
    );
    expect(host.done.map(({ status }) => status)).to.deep.equal([URB_STATUS.shutdown, URB_STATUS.shutdown]);
    const urb = host.in();
    host.run();
    expect(urb.status).to.equal(URB_STATUS.noDevice);
  });

  it('keeps order over all endpoints when it is strict, and on each endpoint when it is not', () => {
    const strict = new Host(DIALOGUE, {}, true);
    strict.out([7, 8]);
    strict.run();
    const [found] = strict.divergences;
    expect(found).to.include({ kind: 'order', submission: 1, urb: 1, packet: 1, recordedNs: 0 });
    expect(found.expected.map(({ text }) => text)).to.deep.equal(['bulk IN 81h, 64 bytes']);
    expect(found.message).to.match(/comes where URB 1, bulk IN 81h, 64 bytes was recorded \(packet 1\)/);
    const loose = new Host(DIALOGUE, { policy: 'per-endpoint' }, true);
    loose.out([7, 8]);
    loose.out([7, 8]);
    loose.in();
    loose.run();
    expect(loose.divergences).to.have.length(0);
    expect(loose.replies).to.deep.equal([[2], [2], [1, 2, 3]]);
    loose.out([7, 8]);
    expect(loose.divergences[0]).to.include({ kind: 'extra', urb: 0, recordedNs: -1 });
    expect(loose.port.divergence()).to.include({ submitted: 4, matched: 3, differences: 1, unconsumed: 1 });
  });

  it('names every field that differs, goes on when it is watched, and gives the recorded reply', () => {
    const host = new Host(ENUMERATED, { standardRequests: 'compared' }, true);
    host.control(GET_DEVICE);
    host.control(setupPacket({ bmRequestType: 0, bRequest: 9, wValue: 0x0102, wIndex: 0, wLength: 0 }));
    host.control(vendor(5, 0x10, 2));
    host.run();
    expect(host.divergences.map(({ urb, fields }) => [urb, fields])).to.deep.equal([
      [
        2,
        [
          { field: 'wValue', byte: 2, expected: 1, actual: 2 },
          { field: 'wValue', byte: 3, expected: 0, actual: 1 },
        ],
      ],
      [3, [{ field: 'wLength', byte: 6, expected: 4, actual: 2 }]],
    ]);
    expect(host.replies[2]).to.deep.equal([0xca, 0xfe]);
    const out = new Host(DIALOGUE, { policy: 'per-endpoint' }, true);
    out.out([9]);
    expect(out.divergences[0].fields).to.deep.equal([
      { field: 'length', expected: 2, actual: 1 },
      { field: 'data', byte: 0, expected: 7, actual: 9 },
    ]);
  });

  it('answers standard requests that were not recorded from the recorded descriptors, and lets recorded ones be left out', () => {
    const host = new Host(ENUMERATED);
    host.control(setupPacket({ bmRequestType: 0x80, bRequest: 6, wValue: 0x0100, wIndex: 0, wLength: 8 }));
    host.run();
    host.control(setupPacket({ bmRequestType: 0x80, bRequest: 6, wValue: 0x0302, wIndex: 0, wLength: 8 }));
    host.run();
    host.control(vendor(5, 0x10, 4));
    host.run();
    expect(host.done.map(({ status }) => status)).to.deep.equal([URB_STATUS.ok, URB_STATUS.stall, URB_STATUS.ok]);
    expect(host.replies[0]).to.deep.equal([18, 1, 0, 2, 255, 0, 0, 64]);
    expect(host.replies[2]).to.deep.equal([0xca, 0xfe]);
    const report = host.port.divergence();
    expect(report).to.include({ differences: 0, substituted: 2, skipped: 2, matched: 1, unconsumed: 0 });
    expect(report.substitutions[0].fields).to.deep.equal([{ field: 'wLength', byte: 6, expected: 18, actual: 8 }]);
  });

  it('does not compare what a mask names', () => {
    const masks = [
      { bmRequestType: 0xc0, bRequest: 5, in: 'setup', offset: 2, bytes: 1, bits: 0x0f },
      { endpointAddress: 0x02, in: 'data', offset: 1 },
    ] as const;
    const host = new Host(ENUMERATED, { policy: 'masked', masks }, true);
    host.control(vendor(5, 0x1c, 4));
    host.run();
    expect(host.divergences).to.have.length(0);
    const other = new Host(ENUMERATED, { policy: 'masked', masks }, true);
    other.control(vendor(5, 0x20, 4));
    expect(other.divergences[0].fields).to.deep.equal([{ field: 'wValue', byte: 2, expected: 0x10, actual: 0x20 }]);
    const data = new Host(DIALOGUE, { policy: 'masked', masks }, true);
    data.out([7, 99]);
    data.out([6, 8]);
    expect(data.divergences.map(({ submission, fields }) => [submission, fields[0].byte])).to.deep.equal([[2, 0]]);
    expect(() => new Host(DIALOGUE, { masks })).to.throw(HalError, /masks belong to the policy "masked"/);
    expect(() => new Host(DIALOGUE, { policy: 'masked', masks: [{ in: 'setup', offset: 8 }] })).to.throw(
      /masks nothing/,
    );
  });

  it('refuses a URB that the capture cut short, naming packet and URB, only when it is needed', () => {
    const trace = captured(
      [0, S(1, { endpoint: 0x81, length: 64 })],
      [10, C(1, { endpoint: 0x81, data: [1] })],
      [20, S(2, { endpoint: 0x81, length: 64 })],
      [30, C(2, { endpoint: 0x81, length: 40, data: [1, 2, 3] })],
    );
    const host = new Host(trace);
    host.in();
    host.run();
    expect(host.replies).to.deep.equal([[1]]);
    host.in();
    host.run();
    expect(host.error?.code).to.equal('HAL_TRACE');
    expect(host.error?.message).to.equal(
      'capture: URB 2 (packet 4) carried 40 bytes and the capture kept 3, so it cannot be replayed as if it were whole',
    );
    const cut = captured([0, S(1, { endpoint: 0x02, length: 9, data: [1, 2] })]);
    const sender = new Host(cut, {}, true);
    sender.out([1, 2]);
    sender.run();
    expect(sender.error?.message).to.match(/URB 1 \(packet 1\) carried 9 bytes and the capture kept 2/);
    const silent = captured([0, S(1, { endpoint: 0x02, length: 9, dataFlag: 'E'.charCodeAt(0) })]);
    const { clock } = host;
    const player = playUsbHost(silent, { clock, port: openUsbReplay(silent, { clock }) });
    clock.runUntilIdle(20e9);
    expect(player.failure?.message).to.match(/URB 1 \(packet 1\) carried 9 bytes and the capture kept 0/);
  });

  it('begins and ends in mid-stream: orphans are counted, what was pending waits, reads beyond the end wait too', () => {
    const trace = captured(
      [0, C(9, { endpoint: 0x81, data: [9] })],
      [10, S(1, { endpoint: 0x81, length: 64 })],
      [20, C(1, { endpoint: 0x81, data: [1] })],
      [30, S(2, { endpoint: 0x81, length: 64 })],
    );
    const host = new Host(trace);
    host.in();
    host.run();
    host.in();
    const beyond = host.in();
    host.run();
    expect(host.replies).to.deep.equal([[1]]);
    expect(host.ends).to.equal(1);
    expect(host.port.divergence()).to.include({ orphans: 1, matched: 2, beyondEnd: 1, differences: 0, unconsumed: 0 });
    host.port.cancel(beyond);
    host.run();
    expect(beyond.status).to.equal(URB_STATUS.unlinked);
    host.port.close();
    expect(host.done.at(-1)?.status).to.equal(URB_STATUS.shutdown);
    expect(() => host.in())
      .to.throw(HalError)
      .with.property('code', 'HAL_CLOSED');
  });

  it('waits for the host to take back what it took back, and gives what had come', () => {
    const trace = captured(
      [0, S(1, { endpoint: 0x81, length: 64 })],
      [500, C(1, { endpoint: 0x81, status: -2, data: [5, 6] })],
    );
    const host = new Host(trace);
    const urb = host.in();
    host.run(1e9);
    expect(host.done).to.have.length(0);
    host.port.cancel(urb);
    host.run();
    expect(host.done).to.have.length(1);
    expect(host.done[0]).to.deep.include({ status: URB_STATUS.unlinked, data: [5, 6] });
    const early = new Host(DIALOGUE);
    const taken = early.in();
    early.port.reset();
    early.run();
    expect(taken.status).to.equal(URB_STATUS.unlinked);
  });

  it('tells that the device was pulled where the recording does', () => {
    const host = new Host(openTraceBytes(recordTestDevice()), { policy: 'per-endpoint' });
    const [, second] = [host.in(256), host.in(64)];
    host.run();
    expect(host.told).to.deep.equal(['unplugged']);
    expect(second.status).to.not.equal(URB_STATUS.inProgress);
  });

  it('replays USBPcap captures, the data stage of a control transfer in a packet of its own included', () => {
    const setup = vendor(1, 2, 0);
    setup[6] = 3;
    const packets = [
      usbPcapBytes({ id: 1, transferType: 2, endpoint: 0, stage: 0, data: [...setup] }),
      usbPcapBytes({ id: 1, transferType: 2, endpoint: 0, stage: 1, data: [1, 2, 3] }),
      usbPcapBytes({ id: 1, transferType: 2, endpoint: 0, stage: 3, isComplete: true }),
      usbPcapBytes({ id: 2, transferType: 3, endpoint: 0x81 }),
      usbPcapBytes({ id: 2, transferType: 3, endpoint: 0x81, isComplete: true, data: [7, 7] }),
      usbPcapBytes({ id: 3, transferType: 3, endpoint: 0x02, data: [4] }),
      usbPcapBytes({ id: 3, transferType: 3, endpoint: 0x02, isComplete: true, status: 0xc000_0004 }),
    ];
    const parts = packets.map((bytes, i) => ({ timeNs: i * 1e6, bytes }));
    const trace = openTraceBytes(rawTrace(LINK_TYPE.usbPcap, parts), 'pcap');
    const host = new Host(trace);
    const urb = new Urb();
    urb.setup.set(setup);
    urb.data = Uint8Array.of(1, 2, 3);
    urb.length = 3;
    host.port.submit(urb);
    host.run();
    host.in(512);
    host.run();
    host.out([4]);
    host.run();
    expect(host.error).to.equal(undefined);
    expect(host.done.map(({ status }) => status)).to.deep.equal([0, 0, URB_STATUS.stall]);
    expect(host.replies[1]).to.deep.equal([7, 7]);
    const clock = new VirtualClock();
    const port = openUsbReplay(trace, { clock });
    const player = playUsbHost(trace, { clock, port });
    clock.runUntilIdle(1e10);
    expect(player.ended).to.equal(true);
    expect(port.divergence()).to.include({ matched: 3, differences: 0, unconsumed: 0 });
  });

  it('compares no length that the capture does not tell', () => {
    const trace = captured([0, S(1, { endpoint: 0x81, length: 0 })], [10, C(1, { endpoint: 0x81, data: [1, 2] })]);
    const host = new Host(trace);
    host.in(512);
    host.run();
    expect(host.replies).to.deep.equal([[1, 2]]);
    const player = playUsbHost(trace, { clock: host.clock, port: openUsbReplay(trace, { clock: host.clock }) });
    host.run(20e9);
    expect(player.report()).to.include({ submitted: 1, completed: 1, differing: 0 });
  });

  it('plays a cut-off trace to its cut, and ends with HAL_TRACE at damage', () => {
    const bytes = recordTestDevice();
    const cut = openTraceBytes(bytes.slice(0, bytes.length - 700), 'cut');
    const clock = new VirtualClock();
    const host = playUsbHost(cut, { clock, port: openUsbReplay(cut, { clock }) });
    clock.runUntilIdle(1e9);
    expect(host.failure).to.equal(undefined);
    expect(host.report().submitted).to.be.greaterThan(1);
    const damaged = bytes.slice();
    damaged.fill(0xff, bytes.length - 1100, bytes.length - 1000);
    const trace = openTraceBytes(damaged, 'damaged');
    const port = openUsbReplay(trace, { clock });
    const stopped = playUsbHost(trace, { clock, port });
    clock.runUntilIdle(2e9);
    expect(stopped.failure?.code).to.equal('HAL_TRACE');
    expect(stopped.failure?.message).to.match(/damaged is damaged at byte \d+/);
  });

  it('names the devices and interfaces there are when the one wanted is not among them, or there are several', () => {
    const trace = captured(
      [0, S(1, { endpoint: 0x81, length: 64, device: 5 })],
      [1, S(2, { endpoint: 0x81, length: 64, device: 6 })],
    );
    expect(() => new Host(trace)).to.throw(HalError, /more than one USB device; it has 1\.5 \(.*\), 1\.6/);
    expect(() => new Host(trace, { device: 7 })).to.throw(HalError, /no such USB device/);
    expect(new Host(trace, { device: { bus: 1, device: 6 } }).port.name).to.equal('replay:capture#0 1.6');
    expect(() => new Host(trace, { interface: 3 })).to.throw(HalError, /has no interface 3/);
    expect(new Host(trace, { device: 6 }).port.description.configurations).to.have.length(1);
  });
});
