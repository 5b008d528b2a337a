/** Tests of the simulated USB-1608FS-Plus against the facts its drivers rely on. */

import { expect } from 'chai';
import { createRandom, TRANSFER_TYPE, URB_STATUS, type Urb, VirtualClock } from '../../../base/index.js';
import { TestHost } from '../../usb/test-host.js';
import { createMccUsb1608fsPlus, type MccDevice } from './device.js';
import type { MccParameters } from './parameters.js';
import { FIFO_SAMPLES, RANGE_VOLTS, REQUEST, SCAN_OPTION, STATUS, UNLOCK_ADDRESS } from './protocol.js';

const VENDOR_OUT = 0x40;
const VENDOR_IN = 0xc0;
const DATA = 0x81;
const { stall, ok } = URB_STATUS;

interface ScanSettings {
  readonly count?: number;
  /** Scans a second. */
  readonly hz?: number;
  readonly mask?: number;
  readonly options?: number;
}

class Bench {
  readonly clock = new VirtualClock();
  readonly device: MccDevice;
  readonly host: TestHost;

  constructor(parameters: MccParameters = {}, seed = 'bench') {
    this.device = createMccUsb1608fsPlus(parameters, { clock: this.clock, random: createRandom(seed) });
    this.host = new TestHost(this.device, this.clock).configure();
  }

  get(request: number, length: number, value = 0, index = 0): Uint8Array {
    const urb = this.host.control(VENDOR_IN, request, value, index, length);
    expect(urb.status).to.equal(ok);
    return urb.data.subarray(0, urb.actualLength);
  }

  set(request: number, value = 0, data = new Uint8Array(0)): number {
    return this.host.control(VENDOR_OUT, request, value, 0, data).status;
  }

  get status(): number {
    const [low, high] = this.get(REQUEST.status, 2);
    return low | (high << 8);
  }

  start({ count = 0, hz = 10_000, mask = 0x01, options = 0 }: ScanSettings): number {
    const data = new Uint8Array(10);
    const view = new DataView(data.buffer);
    view.setUint32(0, count, true);
    view.setUint32(4, 40e6 / hz - 1, true);
    data[8] = mask;
    data[9] = options;
    return this.set(REQUEST.ainScanStart, 0, data);
  }

  /** Lengths and bytes of the transfers that come from now on; goes on reading. */
  read(length = 64, inFlight = 4): { readonly lengths: number[]; readonly atNs: number[]; samples(): number[] } {
    const chunks: Uint8Array[] = [];
    const lengths: number[] = [];
    const atNs: number[] = [];
    this.host.stream(DATA, inFlight, length, (data) => {
      lengths.push(data.length);
      atNs.push(this.clock.now());
      chunks.push(data.slice());
    });
    return {
      lengths,
      atNs,
      samples: () => {
        const bytes = Buffer.concat(chunks);
        return Array.from({ length: bytes.length >> 1 }, (_, i) => bytes.readUInt16LE(2 * i));
      },
    };
  }
}

describe('the simulated USB-1608FS-Plus', () => {
  it('says what it is', () => {
    const bench = new Bench({ serialNumber: '01F0CAFE' });
    expect(Buffer.from(bench.get(REQUEST.serial, 8)).toString()).to.equal('01F0CAFE');
    const text = bench.host.control(0x80, 6, 0x0303, 0x0409, 255);
    expect(Buffer.from(text.data.subarray(2, text.actualLength)).toString('utf16le')).to.equal('01F0CAFE');
  });

  it('samples at 40 MHz / (period + 1), off by its clock error, at exact instants', () => {
    for (const clockPpm of [0, 50, -120]) {
      const bench = new Bench({ clockPpm, signals: [{ kind: 'ramp', from: -5, to: 5, periodMs: 1000 }] });
      bench.start({ count: 2000, hz: 10_000 });
      const [scan] = bench.device.scans;
      expect(scan.periodNs).to.be.closeTo(100_000 / (1 + clockPpm * 1e-6), 1e-6);
      const read = bench.read();
      bench.host.run(0.3e9);
      expect(read.samples()).to.deep.equal(Array.from({ length: 2000 }, (_, i) => bench.device.codeOf(scan, 0, i)));
    }
  });

  it('interleaves channels from low to high, and sends a packet as soon as it is full', () => {
    const signals = [0, 1, 2, 3].map((value) => ({ kind: 'constant' as const, value }));
    const bench = new Bench({ signals, calibration: { slopeDeviation: 0, offsetDeviation: 0 } });
    bench.start({ hz: 1000, mask: 0b1011 });
    const read = bench.read();
    bench.host.run(1e9);
    const code = (volts: number): number => 32768 + (volts * 32768) / 10;
    expect(read.samples().slice(0, 6)).to.deep.equal([0, 1, 3, 0, 1, 3].map((volts) => Math.round(code(volts))));
    expect(read.lengths.every((length) => length === 64)).to.equal(true);
    const [{ startNs }] = bench.device.scans;
    // 32 samples are there with the 11th scan of three.
    expect((read.atNs[0] - startNs) / 1e6).to.be.closeTo(11, 0.1);
  });

  it('sends one packet a scan in immediate mode', () => {
    const bench = new Bench();
    bench.start({ hz: 100, mask: 0x0f, options: SCAN_OPTION.immediate });
    const read = bench.read();
    bench.host.run(1.0051e9);
    expect(read.lengths).to.have.length(100);
    expect(new Set(read.lengths)).to.deep.equal(new Set([8]));
  });

  it('ends a finite scan with a short packet, a zero-length one where it fills its last packet', () => {
    for (const [count, lengths] of [
      [40, [64, 16]],
      [32, [64, 0]],
      [64, [64, 64, 0]],
      [1, [2]],
    ] as const) {
      const bench = new Bench();
      bench.start({ count });
      const read = bench.read();
      bench.host.run(1e9);
      expect(read.lengths, `${count} scans`).to.deep.equal(lengths);
      expect(bench.status).to.equal(0);
    }
  });

  it('ends one large transfer at the end of the scan', () => {
    const bench = new Bench();
    bench.start({ count: 320 });
    const read = bench.read(4096, 1);
    bench.host.run(1e9);
    expect(read.lengths).to.deep.equal([640]);
  });

  it('counts through a million samples without a gap', function () {
    this.timeout(20_000);
    const bench = new Bench();
    bench.start({ hz: 40_000, mask: 0xff, options: SCAN_OPTION.debug });
    let next = 0;
    let gaps = 0;
    let samples = 0;
    bench.host.stream(DATA, 4, 8192, (data) => {
      for (let i = 0; i < data.length; i += 2) {
        if ((data[i] | (data[i + 1] << 8)) !== next) gaps++;
        next = (next + 1) & 0xffff;
        samples++;
      }
    });
    bench.host.run(3.3e9);
    expect(gaps).to.equal(0);
    expect(samples).to.be.greaterThan(1_000_000);
    expect(bench.status).to.equal(STATUS.scanRunning);
  });

  it('overruns at the very scan that finds no room, with its status bit and a stall', () => {
    const bench = new Bench();
    bench.start({ hz: 40_000, mask: 0xff });
    const [scan] = bench.device.scans;
    const fits = FIFO_SAMPLES / 8;
    const overrunNs = scan.startNs + (fits + 1) * 25_000;
    bench.clock.advanceTo(overrunNs - 200_000);
    expect(bench.status).to.equal(STATUS.scanRunning);
    bench.clock.advanceTo(overrunNs + 1e6);
    expect(bench.status).to.equal(STATUS.overrun);
    expect([scan.overrunNs, scan.scans]).to.deep.equal([overrunNs, fits]);
    const urb = bench.host.submit(TRANSFER_TYPE.bulk, DATA, 64);
    bench.host.run(1e6);
    expect(urb.status).to.equal(stall);
    // What the vendor's driver does: clear the halt, stop, empty the FIFO, start again.
    expect(bench.host.control(0x02, 1, 0, DATA).status).to.equal(ok);
    expect([bench.set(REQUEST.ainScanStop), bench.set(REQUEST.ainClearFifo)]).to.deep.equal([ok, ok]);
    expect(bench.start({ count: 8 })).to.equal(ok);
    const read = bench.read();
    bench.host.run(1e9);
    expect(read.lengths).to.deep.equal([16]);
    expect(bench.status).to.equal(0);
  });

  it('does not stall after an overrun where that is inhibited, and still hands over what it had', () => {
    const bench = new Bench();
    bench.start({ hz: 40_000, mask: 0xff, options: SCAN_OPTION.inhibitStall | SCAN_OPTION.debug });
    bench.host.run(0.2e9);
    expect(bench.status).to.equal(STATUS.overrun);
    const read = bench.read(4096);
    bench.host.run(1e9);
    expect(read.samples()).to.deep.equal(Array.from({ length: FIFO_SAMPLES }, (_, i) => i));
  });

  it('refuses single samples, another scan and other ranges while it scans', () => {
    const bench = new Bench();
    expect(bench.start({})).to.equal(ok);
    expect(bench.host.control(VENDOR_IN, REQUEST.ain, 0, 0, 2).status).to.equal(stall);
    expect(bench.start({})).to.equal(stall);
    expect(bench.set(REQUEST.ainConfig, 0, new Uint8Array(8))).to.equal(stall);
    expect(bench.set(REQUEST.ainScanStop)).to.equal(ok);
    expect(bench.get(REQUEST.ain, 2)).to.have.length(2);
    expect(bench.set(REQUEST.ainConfig, 0, new Uint8Array(8))).to.equal(ok);
    expect(bench.start({})).to.equal(ok);
  });

  it('refuses scans and inputs that do not exist', () => {
    const bench = new Bench();
    expect(bench.start({ mask: 0 }), 'no channel').to.equal(stall);
    expect(bench.start({ hz: 40e6 }), 'the external clock').to.equal(stall);
    expect(bench.set(REQUEST.ainScanStart, 0, new Uint8Array(9)), 'half a request').to.equal(stall);
    expect(bench.host.control(VENDOR_IN, REQUEST.ain, 8, 0, 2).status, 'channel 8').to.equal(stall);
    expect(bench.host.control(VENDOR_IN, REQUEST.ain, 0, 2, 2).status, 'range 2').to.equal(stall);
    expect(bench.set(REQUEST.ainConfig, 0, Uint8Array.of(0, 0, 4, 0, 0, 0, 0, 0)), 'range 4').to.equal(stall);
  });

  it('is off by what its calibration memory says, to half a code', () => {
    const volts = [-0.9, -0.5, -0.1, 0, 0.1, 0.33, 0.7, 0.95];
    const bench = new Bench({
      signals: volts.map((value) => ({ kind: 'constant', value })),
      calibration: { slopeDeviation: 0.01, offsetDeviation: 50 },
    });
    const memory = Buffer.from(bench.get(REQUEST.calibrationMemory, 512));
    let largest = 0;
    for (const range of Object.keys(RANGE_VOLTS).map(Number))
      for (let channel = 0; channel < 8; channel++) {
        const [low, high] = bench.get(REQUEST.ain, 2, channel, range);
        const at = (range * 8 + channel) * 8;
        const corrected = memory.readFloatLE(at) * (low | (high << 8)) + memory.readFloatLE(at + 4);
        const ideal = 32768 + (volts[channel] * 32768) / RANGE_VOLTS[range];
        // Half a raw code, which the slope stretches.
        expect(Math.abs(corrected - ideal)).to.be.at.most(0.5 * memory.readFloatLE(at) + 1e-3);
        largest = Math.max(largest, Math.abs((low | (high << 8)) - ideal));
      }
    expect(largest, 'without the correction').to.be.greaterThan(20);
  });

  it('takes the range of each channel, and stops at full scale', () => {
    const bench = new Bench({
      signals: [
        { kind: 'constant', value: 1.5 },
        { kind: 'constant', value: 1.5 },
        { kind: 'constant', value: -9 },
      ],
      calibration: { slopeDeviation: 0, offsetDeviation: 0 },
    });
    expect(bench.set(REQUEST.ainConfig, 0, Uint8Array.of(3, 5, 5, 0, 0, 0, 0, 0))).to.equal(ok);
    expect([...bench.get(REQUEST.ainConfig, 8)]).to.deep.equal([3, 5, 5, 0, 0, 0, 0, 0]);
    bench.start({ count: 1, mask: 7 });
    const read = bench.read();
    bench.host.run(1e9);
    expect(read.samples()).to.deep.equal([32768 + 24576, 65535, 0]);
  });

  it('counts pulses from the latest reset', () => {
    const bench = new Bench({ counterHz: 1000 });
    const counted = (): number => Buffer.from(bench.get(REQUEST.counter, 4)).readUInt32LE();
    bench.host.run(2e9);
    expect(counted()).to.be.within(2000, 2001);
    bench.set(REQUEST.counter);
    bench.host.run(0.5e9);
    expect(counted()).to.be.within(500, 501);
  });

  it('drives and reads its digital pins', () => {
    const bench = new Bench({ digitalInputs: 0b1010_1010 });
    bench.set(REQUEST.dioTristate, 0xf0);
    bench.set(REQUEST.dioLatch, 0x05);
    expect([...bench.get(REQUEST.dioPins, 1)]).to.deep.equal([0b1010_0101]);
    expect([...bench.get(REQUEST.dioTristate, 1), ...bench.get(REQUEST.dioLatch, 1)]).to.deep.equal([0xf0, 0x05]);
  });

  it('keeps its user memory, and its calibration behind a lock', () => {
    const bench = new Bench();
    const text = new TextEncoder().encode('rig 7');
    expect(bench.set(REQUEST.userMemory, 16, text)).to.equal(ok);
    expect([...bench.get(REQUEST.userMemory, 5, 16)]).to.deep.equal([...text]);
    expect(bench.set(REQUEST.userMemory, 252, text), 'beyond its end').to.equal(stall);
    expect(bench.host.control(VENDOR_IN, REQUEST.userMemory, 255, 0, 2).status).to.equal(stall);
    expect(bench.set(REQUEST.calibrationMemory, 0, text), 'locked').to.equal(stall);
    bench.set(REQUEST.calibrationMemory, UNLOCK_ADDRESS, Uint8Array.of(0x55, 0xaa));
    expect(bench.set(REQUEST.calibrationMemory, 0, text)).to.equal(ok);
    expect([...bench.get(REQUEST.calibrationMemory, 5)]).to.deep.equal([...text]);
    bench.set(REQUEST.calibrationMemory, UNLOCK_ADDRESS, Uint8Array.of(0, 0));
    expect(bench.set(REQUEST.calibrationMemory, 0, text), 'locked again').to.equal(stall);
  });

  it('converts as before although its calibration memory is written over', () => {
    const bench = new Bench({
      signals: [{ kind: 'constant', value: 3 }],
      calibration: { slopeDeviation: 0.02, offsetDeviation: 100 },
    });
    const before = bench.get(REQUEST.ain, 2);
    bench.set(REQUEST.calibrationMemory, UNLOCK_ADDRESS, Uint8Array.of(0x55, 0xaa));
    expect(bench.set(REQUEST.calibrationMemory, 0, new Uint8Array(512))).to.equal(ok);
    expect(Buffer.from(bench.get(REQUEST.calibrationMemory, 512)).equals(Buffer.alloc(512))).to.equal(true);
    expect([...bench.get(REQUEST.ain, 2)]).to.deep.equal([...before]);
  });

  it('tells the truth about a scan that nobody reads', () => {
    const bench = new Bench();
    bench.start({ hz: 40_000, mask: 0xff });
    bench.clock.advanceTo(bench.device.scans[0].startNs + 0.05e9);
    expect(bench.device.scans[0].scans).to.equal(2000);
    bench.clock.advanceTo(bench.device.scans[0].startNs + 1e9);
    const [{ startNs, overrunNs, scans }] = bench.device.scans;
    expect([overrunNs, scans]).to.deep.equal([startNs + (FIFO_SAMPLES / 8 + 1) * 25_000, FIFO_SAMPLES / 8]);
  });

  it('begins a scan with an empty FIFO, whatever the one before left there', () => {
    const bench = new Bench();
    bench.start({ count: 500, options: SCAN_OPTION.debug });
    bench.host.run(0.1e9);
    expect(bench.start({ count: 3, options: SCAN_OPTION.debug })).to.equal(ok);
    const read = bench.read();
    bench.host.run(0.1e9);
    expect(read.samples()).to.deep.equal([0, 1, 2]);
  });

  it('needs no more memory for many scans than for one', () => {
    const bench = new Bench();
    const buffersNow = (): number => process.memoryUsage().arrayBuffers;
    bench.start({});
    const before = buffersNow();
    for (let i = 0; i < 1000; i++) {
      bench.set(REQUEST.ainScanStop);
      bench.start({});
      bench.host.done.length = 0;
    }
    expect(bench.device.scans).to.have.length(1001);
    expect(buffersNow() - before).to.be.lessThan(16e6);
  });

  it('forgets ranges, pins and the lock when it loses power, and keeps its memories', () => {
    const bench = new Bench({ counterHz: 1000 });
    bench.set(REQUEST.ainConfig, 0, new Uint8Array(8).fill(5));
    bench.set(REQUEST.dioTristate, 0x0f);
    bench.set(REQUEST.dioLatch, 0x33);
    bench.set(REQUEST.userMemory, 0, Uint8Array.of(7));
    bench.set(REQUEST.calibrationMemory, UNLOCK_ADDRESS, Uint8Array.of(0x55, 0xaa));
    bench.host.run(5e9);
    bench.host.port.unplug();
    bench.host.port.replug();
    bench.host.configure();
    expect([...bench.get(REQUEST.ainConfig, 8)]).to.deep.equal([0, 0, 0, 0, 0, 0, 0, 0]);
    expect([...bench.get(REQUEST.dioTristate, 1), ...bench.get(REQUEST.dioLatch, 1)]).to.deep.equal([0xff, 0xff]);
    expect(bench.set(REQUEST.calibrationMemory, 0, Uint8Array.of(1)), 'locked').to.equal(stall);
    expect([...bench.get(REQUEST.userMemory, 1)]).to.deep.equal([7]);
    expect(Buffer.from(bench.get(REQUEST.counter, 4)).readUInt32LE()).to.be.lessThan(100);
  });

  it('leaves the bus at a reset, and begins anew', () => {
    const bench = new Bench();
    bench.start({});
    const urb = bench.host.request(VENDOR_OUT, REQUEST.reset);
    bench.host.run(10e6);
    expect(urb.status).to.equal(URB_STATUS.shutdown);
    expect(bench.host.plugs).to.deep.equal([false]);
    bench.host.port.replug();
    bench.host.configure();
    expect(bench.status).to.equal(0);
    expect(bench.start({ count: 1 })).to.equal(ok);
  });

  it('gives the same samples for the same seed, and others for another', () => {
    const samples = (seed: string): number[] => {
      const bench = new Bench({ signals: [{ kind: 'noise', deviation: 1 }] }, seed);
      bench.start({ count: 100 });
      const read = bench.read();
      bench.host.run(1e9);
      return read.samples();
    };
    expect(samples('a')).to.deep.equal(samples('a'));
    expect(samples('a')).not.to.deep.equal(samples('b'));
  });

  it('answers any request, in any order, without throwing', function () {
    this.timeout(20_000);
    const random = createRandom('mcc fuzz');
    const bench = new Bench({ signals: [{ kind: 'sine', amplitude: 5, frequencyHz: 10 }] });
    const known = Object.values(REQUEST);
    const waiting = new Set<Urb>();
    bench.host.onDone = (urb) => waiting.delete(urb);
    for (let step = 0; step < 10_000; step++) {
      const request = random.below(4) === 0 ? random.below(256) : known[random.below(known.length)];
      const type = random.below(8) === 0 ? random.below(256) : random.below(2) === 0 ? VENDOR_IN : VENDOR_OUT;
      const data = Uint8Array.from({ length: random.below(30) === 0 ? random.below(1000) : random.below(12) }, () =>
        random.below(256),
      );
      const value = random.below(3) === 0 ? random.below(0x1_0000) : random.below(8);
      waiting.add(bench.host.request(type, request, value, random.below(4), data));
      if (random.below(4) === 0) waiting.add(bench.host.submit(TRANSFER_TYPE.bulk, DATA, random.below(600)));
      bench.host.run(random.below(3_000_000));
      if (bench.host.plugs.at(-1) === false) {
        bench.host.port.replug();
        bench.host.plugs.length = 0;
      }
      if (random.below(20) === 0) bench.host.request(0, 9, 1);
      if (random.below(20) === 0) bench.host.request(0x02, 1, 0, DATA);
      if (step % 100 === 0) {
        bench.host.port.reset();
        bench.host.done.length = 0;
      }
    }
    bench.host.port.reset();
    bench.host.run(1e9);
    expect(waiting.size, 'transfers that never completed').to.equal(0);
    bench.host.configure();
    expect(bench.start({ count: 4 })).to.equal(ok);
  });
});
