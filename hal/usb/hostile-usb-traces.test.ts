import { expect } from 'chai';
import { createRandom, type Random, TRANSFER_TYPE, Urb, VirtualClock } from '../../base/index.js';
import { HalError } from '../errors.js';
import { mutate } from '../trace/mutate-bytes.js';
import { LINK_TYPE } from '../trace/pcapng-format.js';
import { openTraceBytes } from '../trace/trace-file.js';
import { TraceRecorder } from '../trace/trace-recorder.js';
import { MemorySink } from '../trace/trace-sink.js';
import { rawTrace, usbmonBytes, usbPcapBytes } from '../trace/usb-test-packets.js';
import { playUsbHost } from './replay-host.js';
import { openUsbReplay } from './replayed-port.js';
import { setupPacket } from './setup-packet.js';
import { TestPeripheral } from './test-peripheral.js';

const GET_DEVICE = setupPacket({ bmRequestType: 0x80, bRequest: 6, wValue: 0x0100, wIndex: 0, wLength: 18 });
const VENDOR_OUT = setupPacket({ bmRequestType: 0x40, bRequest: 1, wValue: 0, wIndex: 0, wLength: 4 });
const ROUNDS = 30;

function usbmonTrace(): Uint8Array {
  const packets: Uint8Array[] = [];
  for (let i = 1; i <= ROUNDS; i++) {
    const control = { id: 3 * i, transferType: 2 } as const;
    packets.push(usbmonBytes({ ...control, endpoint: 0x80, setup: GET_DEVICE, length: 18 }));
    packets.push(
      usbmonBytes({ ...control, event: 'C', endpoint: 0x80, data: [...new TestPeripheral().description.device] }),
    );
    packets.push(usbmonBytes({ id: 3 * i + 1, transferType: 3, endpoint: 0x81, length: 64 }));
    packets.push(usbmonBytes({ id: 3 * i + 2, transferType: 3, endpoint: 0x02, data: [i, 2, 3] }));
    packets.push(usbmonBytes({ id: 3 * i + 2, event: 'C', transferType: 3, endpoint: 0x02, length: 3 }));
    packets.push(
      usbmonBytes({
        id: 3 * i + 1,
        event: 'C',
        transferType: 3,
        endpoint: 0x81,
        data: [1, i],
        status: i % 9 === 0 ? -2 : 0,
      }),
    );
    packets.push(usbmonBytes({ id: 1000 + i, transferType: 0, endpoint: 0x83, isoDescriptors: 2, data: [1, 2] }));
  }
  return rawTrace(
    LINK_TYPE.usbmon,
    packets.map((bytes, i) => ({ timeNs: i * 50_000, bytes })),
  );
}

function usbPcapTrace(): Uint8Array {
  const packets: Uint8Array[] = [];
  for (let id = 1; id <= ROUNDS; id++) {
    packets.push(usbPcapBytes({ id, transferType: 2, endpoint: 0, stage: 0, data: [...VENDOR_OUT] }));
    packets.push(usbPcapBytes({ id, transferType: 2, endpoint: 0, stage: 1, data: [1, 2, 3, id] }));
    packets.push(usbPcapBytes({ id, transferType: 2, endpoint: 0, stage: 3, isComplete: true }));
    packets.push(usbPcapBytes({ id, transferType: 3, endpoint: 0x81 }));
    packets.push(usbPcapBytes({ id, transferType: 3, endpoint: 0x81, isComplete: true, data: [id, 7] }));
  }
  return rawTrace(
    LINK_TYPE.usbPcap,
    packets.map((bytes, i) => ({ timeNs: i * 50_000, bytes })),
  );
}

function ownTrace(): Uint8Array {
  const sink = new MemorySink();
  const recorder = new TraceRecorder({ to: sink, clock: new VirtualClock() });
  const tap = recorder.addUsb('loop', new TestPeripheral().description);
  const urb = new Urb();
  urb.transferType = TRANSFER_TYPE.bulk;
  urb.endpointAddress = 0x81;
  urb.data = new Uint8Array(64);
  for (urb.id = 1; urb.id <= ROUNDS; urb.id++) {
    urb.length = 64;
    tap.submitted(urb, urb.id * 1e6);
    urb.actualLength = urb.id % 60;
    urb.status = 0;
    tap.completed(urb, urb.id * 1e6 + 300_000);
    if (urb.id % 7 === 0) tap.plugged(false, urb.id * 1e6 + 400_000);
    if (urb.id % 11 === 0) tap.reset(urb.id * 1e6 + 500_000);
  }
  tap.disconnected(new HalError('HAL_DISCONNECTED', 'the device was pulled'), 1e9);
  recorder.close();
  return sink.bytes();
}

type Outcome = 'refused' | 'ended' | 'played' | 'waits';

/** Plays the recorded host against the recorded device; answers how that ended. */
function replay(bytes: Uint8Array, random: Random): Outcome {
  const clock = new VirtualClock();
  try {
    const trace = openTraceBytes(bytes);
    const policy = (['strict', 'per-endpoint', 'masked'] as const)[random.below(3)];
    const port = openUsbReplay(trace, { clock, policy, ...(random.below(2) === 0 ? { onDivergence: () => {} } : {}) });
    const host = playUsbHost(trace, { clock, port });
    for (let steps = 0; clock.nextDueNs() < Number.POSITIVE_INFINITY; steps++) {
      if (steps > 20_000) throw new Error('the replay does not come to an end');
      clock.advanceTo(clock.nextDueNs());
    }
    const { message } = port.divergence();
    expect(message).to.match(/^[^\n]{1,2000}$/);
    port.close();
    const { failure } = host;
    if (failure !== undefined) expect(failure.message).to.match(/^[^\n]{1,2000}$/);
    if (failure !== undefined) return 'ended';
    return host.ended ? 'played' : 'waits';
  } catch (error) {
    if (!(error instanceof HalError)) throw error;
    expect(error.message).to.match(/^[^\n]{1,2000}$/);
    return 'refused';
  }
}

describe('hostile USB traces', function () {
  this.timeout(120_000);

  for (const [name, original] of [
    ['usbmon', usbmonTrace()],
    ['USBPcap', usbPcapTrace()],
    ['own', ownTrace()],
  ] as const)
    it(`of ${name} are replayed, end or are refused in one sentence, 3,000 mutations long`, () => {
      const random = createRandom(`hostile ${name}`);
      const counts: Record<Outcome, number> = { refused: 0, ended: 0, played: 0, waits: 0 };
      expect(replay(original, random)).to.be.oneOf(['played', 'ended']);
      for (let i = 0; i < 3000; i++) counts[replay(mutate(original, random), random)]++;
      expect(counts.refused, 'refused').to.be.greaterThan(50);
      expect(counts.ended, 'ended').to.be.greaterThan(50);
      expect(counts.played + counts.waits, 'played').to.be.greaterThan(50);
    });

  it('with submissions without end and no completion are refused, in bounded memory', () => {
    const packets = Array.from({ length: 20_000 }, (_, i) => ({
      timeNs: i * 1000,
      bytes: usbmonBytes({ id: i + 1, transferType: 3, endpoint: 0x02, data: [1, 2, 3, 4] }),
    }));
    const trace = openTraceBytes(rawTrace(LINK_TYPE.usbmon, packets), 'endless');
    const clock = new VirtualClock();
    const port = openUsbReplay(trace, { clock });
    const host = playUsbHost(trace, { clock, port });
    clock.runUntilIdle(1e12);
    expect(host.failure?.code).to.equal('HAL_TRACE');
    expect(host.failure?.message).to.match(/more than 4096 transfers that wait/);
  });

  it('with a length that no transfer has are refused', () => {
    const bytes = usbmonBytes({ id: 1, transferType: 3, endpoint: 0x81, length: 0xffff_fff0 });
    const trace = openTraceBytes(rawTrace(LINK_TYPE.usbmon, [{ timeNs: 0, bytes }]), 'huge');
    const clock = new VirtualClock();
    const host = playUsbHost(trace, { clock, port: openUsbReplay(trace, { clock }) });
    clock.runUntilIdle(1e12);
    expect(host.failure?.message).to.match(/asks for 4294967280 bytes/);
  });
});
