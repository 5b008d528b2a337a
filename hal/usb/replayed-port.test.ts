import { expect } from 'chai';
import { URB_STATUS, Urb, VirtualClock } from '../../base/index.js';
import { HalError } from '../errors.js';
import { LINK_TYPE } from '../trace/pcapng-format.js';
import { diffTraces } from '../trace/trace-diff.js';
import { openTraceBytes } from '../trace/trace-file.js';
import { TraceRecorder } from '../trace/trace-recorder.js';
import { MemorySink } from '../trace/trace-sink.js';
import { rawTrace, usbPcapBytes } from '../trace/usb-test-packets.js';
import { playUsbHost } from './replay-host.js';
import { C, captured, DIALOGUE, Host, S, SET_CONFIGURATION, vendor } from './replay-test-kit.js';
import { openUsbReplay } from './replayed-port.js';
import { setupPacket } from './setup-packet.js';
import { createSimulatedUsbPort } from './simulated-port.js';
import { tapUsbPort } from './tap.js';
import { TEST_DEVICE, TestPeripheral } from './test-peripheral.js';
import { TRANSFER_TYPE } from './usb-port.js';

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

  it('plays a device with a clock of its own by that clock: a late command does not shift it, and is not waited for without end', () => {
    const host = new Host(DIALOGUE, { policy: 'per-endpoint', pacing: 'device' });
    host.in();
    host.clock.advanceTo(5e6);
    host.out([7, 8]);
    host.run();
    expect(host.done.map(({ atNs }) => atNs)).to.deep.equal([5_000_000, 5_050_000]);
    const silent = new Host(DIALOGUE, { policy: 'per-endpoint', pacing: 'device' });
    silent.in();
    silent.run();
    expect(silent.done.map(({ atNs }) => atNs)).to.deep.equal([20_400_000]);
  });

  it('lets a transfer queued early begin when the one in front of it on its endpoint has ended', () => {
    const host = new Host(DIALOGUE, { policy: 'per-endpoint' });
    host.in();
    host.in();
    host.run();
    expect(host.done.map(({ atNs }) => atNs)).to.deep.equal([400_000, 800_000]);
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
