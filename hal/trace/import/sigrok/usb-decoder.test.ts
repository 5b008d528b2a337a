import { expect } from 'chai';
import { createRandom } from '../../../../base/index.js';
import { TRANSFER_TYPE, URB_STATUS } from '../../../usb/usb-port.js';
import { EdgeScanner } from './edge-scanner.js';
import { UsbWaveform, Waveform } from './sigrok-fixture.js';
import { UsbLineDecoder, type UsbWireSpeed } from './usb-line-decoder.js';
import { crc5, crc16, PID, packetFault } from './usb-packet.js';
import { UsbSpeedSurvey, UsbSurvey } from './usb-survey.js';
import { UsbTransactionDecoder } from './usb-transaction-decoder.js';
import { UsbTransferDecoder } from './usb-transfer-decoder.js';

const RATE = 50e6;

function cable(speed: UsbWireSpeed, draw: (usb: UsbWaveform) => void, options = {}, rate = RATE): Uint8Array {
  const waveform = new Waveform();
  const usb = new UsbWaveform(waveform, speed, 0, options);
  usb.pause(20e-6);
  draw(usb);
  return waveform.sample(rate, usb.time + 20e-6, speed === 'full' ? 1 : 2);
}

interface Packet {
  readonly hex: string;
  readonly error: string | undefined;
  readonly start: number;
}

function packets(samples: Uint8Array, speed: UsbWireSpeed, rate = RATE): { found: Packet[]; resets: number } {
  const found: Packet[] = [];
  let resets = 0;
  const line = new UsbLineDecoder(speed, rate, {
    packet: (bytes, length, start, _end, error) =>
      void found.push({ hex: Buffer.from(bytes.subarray(0, length)).toString('hex'), error, start }),
    reset: () => {
      resets++;
    },
  });
  const scanner = new EdgeScanner(1, [0, 1], line);
  scanner.push(samples, samples.length);
  line.advance(scanner.position);
  return { found, resets };
}

interface Told {
  readonly what: string;
  readonly address: number;
  readonly at: number;
}

function urbs(samples: Uint8Array, speed: UsbWireSpeed = 'full') {
  const survey = new UsbSurvey(RATE);
  const run = (listener: UsbSurvey | UsbTransferDecoder): void => {
    const transactions = new UsbTransactionDecoder(listener);
    const line = new UsbLineDecoder(speed, RATE, transactions);
    new EdgeScanner(1, [0, 1], line).push(samples, samples.length);
    transactions.finish();
  };
  run(survey);
  const told: Told[] = [];
  const transfers = new UsbTransferDecoder(survey, speed, RATE, {
    submitted: (address, urb, at) =>
      void told.push({ what: `S${urb.id} ${urb.endpointAddress.toString(16)} ${urb.length}`, address, at }),
    completed: (address, urb, at) => {
      const data = Buffer.from(urb.data.subarray(0, urb.actualLength)).toString('hex');
      told.push({ what: `C${urb.id} ${urb.status} ${data}`, address, at });
    },
    reset: (at) => void told.push({ what: 'reset', address: -1, at }),
  });
  run(transfers);
  transfers.finish(samples.length);
  return { told, texts: told.map(({ what }) => what), survey, transfers };
}

describe('USB check sums', () => {
  it('are those of the specification', () => {
    // USB 2.0's own example frames: address 3 endpoint 0, and SOF 001h, as analysers show them.
    expect(packetFault(Uint8Array.of(PID.setup, 0x03, 0x50), 3)).to.equal(undefined);
    expect(crc5(0x001)).to.equal(0xe8 >> 3);
    expect(crc16(Uint8Array.of(0x80, 6, 0, 1, 0, 0, 0x40, 0), 0, 8)).to.equal(0x94dd);
    expect(crc16(new Uint8Array(0), 0, 0)).to.equal(0);
  });

  it('tell every single wrong bit', () => {
    const payload = [1, 2, 3, 0xff, 0];
    const crc = crc16(Uint8Array.from(payload), 0, 5);
    const data = Uint8Array.of(PID.data1, ...payload, crc & 0xff, crc >> 8);
    const field = 0x2a5 | (crc5(0x2a5) << 11);
    for (const good of [data, Uint8Array.of(PID.in, field & 0xff, field >> 8), Uint8Array.of(PID.ack)]) {
      expect(packetFault(good, good.length)).to.equal(undefined);
      for (let bit = 0; bit < good.length * 8; bit++) {
        const bad = good.slice();
        bad[bit >> 3] ^= 1 << (bit & 7);
        expect(packetFault(bad, bad.length), `bit ${bit}`).to.be.a('string');
      }
    }
  });
});

describe('USB line decoder', () => {
  const random = createRandom('usb line');
  const payloads = Array.from({ length: 60 }, (_, i) =>
    Array.from({ length: 1 + random.below(64) }, () => (i % 3 === 0 ? 0xff : i % 3 === 1 ? 0 : random.below(256))),
  );

  for (const [speed, rate] of [
    ['full', 50e6],
    ['full', 48e6],
    ['full', 100e6],
    ['low', 10e6],
    ['low', 50e6],
  ] as const)
    it(`reads ${speed}-speed packets at ${rate / 1e6} MHz, also from a sender 0.25 % off and with lines that change apart`, () => {
      for (const options of [{}, { clockError: 0.0025 }, { clockError: -0.0025, skewNs: 12 }, { skewNs: -9 }]) {
        const draw = (usb: UsbWaveform): void => {
          for (const payload of payloads) {
            usb.packet(payload);
            usb.pause(random.float() * 1e-6);
          }
        };
        const { found, resets } = packets(cable(speed, draw, options, rate), speed, rate);
        expect(found.map(({ hex }) => hex)).to.deep.equal(payloads.map((p) => Buffer.from(p).toString('hex')));
        expect(found.every(({ error }) => error === undefined)).to.equal(true);
        expect(resets).to.equal(0);
      }
    });

  it('tells missing stuff bits, resets, and packets without an end', () => {
    const samples = cable('full', (usb) => {
      usb.packet([0xff, 0], { stuffing: false });
      usb.reset(20e-6);
      usb.packet([PID.ack]);
    });
    const { found, resets } = packets(samples, 'full');
    expect(found.map(({ hex, error }) => error ?? hex)).to.deep.equal(['bit stuffing', 'd2']);
    expect(resets).to.equal(1);
    const cut = samples.slice(0, found[1].start + 60);
    cut.fill(cut[cut.length - 1], cut.length);
    const frozen = new Uint8Array(cut.length + 1000).fill(2);
    frozen.set(cut);
    expect(packets(frozen, 'full').found.at(-1)?.error).to.equal('no end of packet');
  });

  it('takes random levels without ever failing, and hands over no packet that is longer than one can be', () => {
    for (let round = 0; round < 20; round++) {
      const samples = Uint8Array.from({ length: 50_000 }, () => (random.below(round + 2) === 0 ? random.below(4) : 1));
      for (const { hex } of packets(samples, 'full').found) expect(hex.length).to.be.at.most(2 * 1040);
      urbs(samples);
    }
  });

  it('finds the speed by the idle level', () => {
    for (const speed of ['full', 'low'] as const) {
      const survey = new UsbSpeedSurvey(RATE);
      const samples = cable(speed, (usb) => usb.packet([PID.ack]));
      new EdgeScanner(1, [0, 1], survey).push(samples, samples.length);
      expect(survey.finish(samples.length)).to.equal(speed);
    }
  });
});

const DEVICE = Uint8Array.from([18, 1, 0, 2, 0, 0, 0, 8, 0x34, 0x12, 0x78, 0x56, 0, 1, 1, 2, 0, 1]);
// One interface; 81h interrupt IN of 8 bytes, 02h bulk OUT and 83h bulk IN of 16.
const CONFIGURATION = Uint8Array.from([
  ...[9, 2, 39, 0, 1, 1, 0, 0x80, 50],
  ...[9, 4, 0, 0, 3, 0xff, 0, 0, 0],
  ...[7, 5, 0x81, 3, 8, 0, 10],
  ...[7, 5, 0x02, 2, 16, 0, 0],
  ...[7, 5, 0x83, 2, 16, 0, 0],
]);
const STRING = Uint8Array.from([10, 3, ...Buffer.from('Test', 'utf16le')]);

function enumerate(usb: UsbWaveform): void {
  usb.controlIn(0, [0x80, 6, 0, 1, 0, 0, 18, 0], DEVICE, 8);
  usb.controlOut(0, [0, 5, 5, 0, 0, 0, 0, 0]);
  usb.controlIn(5, [0x80, 6, 0, 2, 0, 0, 39, 0], CONFIGURATION, 8);
  usb.controlIn(5, [0x80, 6, 1, 3, 9, 4, 255, 0], STRING, 8);
  usb.controlOut(5, [0, 9, 1, 0, 0, 0, 0, 0]);
}

describe('USB transfers', () => {
  it('of an enumeration teach the descriptors, and belong to the address that was given', () => {
    const { texts, told, survey } = urbs(cable('full', enumerate));
    expect(texts).to.deep.equal([
      'S1 80 18',
      `C1 0 ${Buffer.from(DEVICE).toString('hex')}`,
      'S2 0 0',
      'C2 0 ',
      'S3 80 39',
      `C3 0 ${Buffer.from(CONFIGURATION).toString('hex')}`,
      'S4 80 255',
      `C4 0 ${Buffer.from(STRING).toString('hex')}`,
      'S5 0 0',
      'C5 0 ',
    ]);
    expect(told.every(({ address }) => address === 5)).to.equal(true);
    const description = survey.devices.get(5)?.description('full');
    expect(description?.device).to.deep.equal(DEVICE);
    expect(description?.configurations).to.deep.equal([CONFIGURATION]);
    expect(description?.strings.get(1)).to.equal('Test');
  });

  it('follow the endpoint types of the configuration', () => {
    const { texts, survey } = urbs(
      cable('full', (usb) => {
        enumerate(usb);
        for (const toggle of [0, 1]) {
          usb.token(PID.in, 5, 1);
          usb.handshake(PID.nak);
          usb.token(PID.in, 5, 1);
          usb.data(toggle, [toggle, 0xaa]);
          usb.handshake(PID.ack);
        }
        usb.token(PID.out, 5, 2);
        usb.data(0, new Array(16).fill(1));
        usb.handshake(PID.nak);
        for (const [i, count] of [16, 16, 3].entries()) {
          usb.token(PID.out, 5, 2);
          usb.data(i & 1, new Array(count).fill(i));
          usb.handshake(PID.ack);
        }
        usb.token(PID.in, 5, 3);
        usb.data(0, []);
        usb.handshake(PID.ack);
        usb.token(PID.in, 5, 3);
        usb.handshake(PID.stall);
      }),
    );
    expect(survey.devices.get(5)?.endpoints('full').get(0x83)).to.deep.equal({
      type: TRANSFER_TYPE.bulk,
      maxPacketSize: 16,
      interval: 0,
      known: true,
    });
    expect(texts.slice(10)).to.deep.equal([
      'S6 81 8',
      'C6 0 00aa',
      'S7 81 8',
      'C7 0 01aa',
      'S8 2 35',
      `C8 0 ${'00'.repeat(16)}${'01'.repeat(16)}020202`,
      'S9 83 0',
      'C9 0 ',
      'S10 83 0',
      `C10 ${URB_STATUS.stall} `,
    ]);
  });

  it('count a packet once whose acknowledgement was lost, and none that was not acknowledged', () => {
    const { texts, transfers } = urbs(
      cable('full', (usb) => {
        enumerate(usb);
        for (const acknowledged of [false, true, true]) {
          usb.token(PID.in, 5, 1);
          usb.data(0, [7]);
          if (acknowledged) usb.handshake(PID.ack);
          else usb.pause(3e-6);
        }
        usb.token(PID.in, 5, 1);
        usb.data(1, [7]);
        usb.handshake(PID.ack);
      }),
    );
    expect(texts.slice(10)).to.deep.equal(['S6 81 8', 'C6 0 07', 'S7 81 8', 'C7 0 07']);
    expect(transfers.unacknowledged).to.equal(1);
  });

  it('that are stalled, given up or broken off by a reset say so', () => {
    const { texts, transfers } = urbs(
      cable('full', (usb) => {
        usb.token(PID.setup, 9, 0);
        usb.data(0, [0x80, 6, 0, 6, 0, 0, 10, 0]);
        usb.handshake(PID.ack);
        usb.token(PID.in, 9, 0);
        usb.handshake(PID.stall);
        usb.token(PID.setup, 9, 0);
        usb.data(0, [0x80, 6, 0, 1, 0, 0, 18, 0]);
        usb.handshake(PID.ack);
        usb.token(PID.setup, 9, 0);
        usb.data(0, [0x80, 6, 0, 1, 0, 0, 8, 0]);
        usb.handshake(PID.ack);
        usb.token(PID.in, 9, 1);
        usb.handshake(PID.nak);
        usb.reset(10e-6);
      }),
    );
    expect(texts).to.deep.equal([
      'S1 80 10',
      `C1 ${URB_STATUS.stall} `,
      'S2 80 18',
      `C2 ${URB_STATUS.unlinked} `,
      'S3 81 64',
      `C3 ${URB_STATUS.unlinked} `,
      'reset',
    ]);
    expect(transfers.unfinished).to.equal(1);
  });

  it('without descriptors are guessed: polled once a frame interrupt, asked again at once bulk', () => {
    const { survey, texts } = urbs(
      cable('full', (usb) => {
        for (let frame = 0; frame < 3; frame++) {
          usb.token(PID.in, 4, 1);
          usb.handshake(PID.nak);
          usb.token(PID.in, 4, 2);
          usb.handshake(PID.nak);
          usb.token(PID.in, 4, 2);
          usb.data(frame & 1, new Array(32).fill(frame));
          usb.handshake(PID.ack);
          usb.pause(1e-3);
        }
      }),
    );
    const endpoints = survey.devices.get(4)?.endpoints('full');
    expect(endpoints?.get(0x81)).to.include({ type: TRANSFER_TYPE.interrupt, known: false });
    expect(endpoints?.get(0x82)).to.include({ type: TRANSFER_TYPE.bulk, maxPacketSize: 32, known: false });
    expect(texts).to.deep.equal([
      'S1 81 64',
      'S2 82 96',
      `C2 0 ${'00'.repeat(32)}${'01'.repeat(32)}${'02'.repeat(32)}`,
    ]);
  });

  it('of low speed are read too', () => {
    const { texts } = urbs(
      cable('low', (usb) => {
        usb.token(PID.in, 2, 1);
        usb.data(0, [0, 0, 4, 0, 0, 0, 0, 0]);
        usb.handshake(PID.ack);
      }),
      'low',
    );
    expect(texts).to.deep.equal(['S1 81 8', 'C1 0 0000040000000000']);
  });
});
