import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import {
  decodeSigrok,
  LINE_STATUS,
  type SigrokDecoding,
  SigrokFile,
  type SigrokLines,
  TRANSFER_TYPE,
} from '../../hal/index.js';
import { PACKAGE_ROOT } from '../paths.js';

const LOGIC = join(process.env.RIGVISOR_TRACES ?? resolve(PACKAGE_ROOT, '..', 'shared', 'traces'), 'logic');
const UT612 = join(LOGIC, 'ut612', 'cp2110_serial_over_hid_ut612.sr');
const SNIPPET = join(LOGIC, 'ut612', 'cp2110_serial_over_hid_ut612_snippet.sr');
const MODBUS = join(LOGIC, 'brainchild_io_16do', 'brainchild-io-16do.sr');

const BRIDGE: SigrokLines = { uart: { rx: 'RX', tx: 'TX' }, usb: { dp: 'DP', dm: 'DM' } };

interface Character {
  readonly value: number;
  readonly status: number;
  readonly atNs: number;
}

interface Transfer {
  readonly type: number;
  readonly endpoint: number;
  readonly setup: string;
  readonly data: Buffer;
  readonly submittedNs: number;
  readonly completedNs: number;
}

class Heard {
  readonly received: Character[] = [];
  readonly sent: Character[] = [];
  readonly transfers: Transfer[] = [];
  readonly times: number[] = [];
  decoding!: SigrokDecoding;

  bytes(direction: 'received' | 'sent'): string {
    return Buffer.from(this[direction].map(({ value }) => value)).toString('hex');
  }
}

async function hear(path: string, lines: SigrokLines): Promise<Heard> {
  const heard = new Heard();
  const submitted = new Map<number, number>();
  const file = await SigrokFile.open(path);
  try {
    heard.decoding = await decodeSigrok(file, lines, {
      found: () => {},
      reset: () => {},
      character: (direction, value, status, atNs) => {
        heard.times.push(atNs);
        heard[direction].push({ value, status, atNs });
      },
      submitted: (_address, urb, atNs) => {
        heard.times.push(atNs);
        submitted.set(urb.id, atNs);
      },
      completed: (_address, urb, atNs) => {
        heard.times.push(atNs);
        heard.transfers.push({
          type: urb.transferType,
          endpoint: urb.endpointAddress,
          setup: Buffer.from(urb.setup).toString('hex'),
          data: Buffer.from(urb.data.subarray(0, urb.actualLength)),
          submittedNs: submitted.get(urb.id) ?? Number.NaN,
          completedNs: atNs,
        });
      },
    });
    return heard;
  } finally {
    file.close();
  }
}

/** CRC of Modbus over a whole frame, its own CRC included: 0 when that is right (Modbus over serial line 1.02, section 6.2.2). */
function modbusRemainder(frame: readonly number[]): number {
  let crc = 0xffff;
  for (const byte of frame) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) crc = (crc & 1) === 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return crc;
}

/** Frames are apart by 3.5 characters or more; `character` is the time of one. */
function frames(characters: readonly Character[], characterNs: number): number[][] {
  const found: number[][] = [];
  let lastNs = Number.NEGATIVE_INFINITY;
  for (const { value, atNs } of characters) {
    if (atNs - lastNs > 4.5 * characterNs) found.push([]);
    found.at(-1)?.push(value);
    lastNs = atNs;
  }
  return found;
}

const hasSigrok = spawnSync('sigrok-cli', ['--version']).status === 0;

/** What sigrok's own decoders make of a capture, one text a line. */
function sigrok(path: string, decoder: string, annotations: string): string[] {
  const { stdout, status } = spawnSync('sigrok-cli', ['-i', path, '-P', decoder, '-A', annotations], {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  expect(status).to.equal(0);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.slice(line.indexOf(':') + 1).trim());
}

describe(`captures of logic analysers${existsSync(LOGIC) ? '' : ` (pending: no recordings in ${LOGIC}; set RIGVISOR_TRACES)`}`, function () {
  this.timeout(120_000);

  before(function () {
    if (!existsSync(LOGIC)) this.skip();
  });

  describe('UT612: a CP2110 between USB and a serial line', () => {
    let heard: Heard;
    /** Characters from the moment on at which the host enabled the bridge's UART: what came earlier it does not hand on. */
    let forwarded: readonly Character[];
    before(async () => {
      heard = await hear(UT612, BRIDGE);
      // AN434, section 4.1: feature report 41h enables the UART.
      const enabled = heard.transfers.find(({ setup, data }) => setup === '2109410300000200' && data[1] === 1);
      forwarded = heard.received.filter(({ atNs }) => atNs >= (enabled?.completedNs ?? Number.POSITIVE_INFINITY));
    });

    it('is found out: full speed, 9600 8N1, no packet or character with an error, nothing out of order', () => {
      const { findings, usb } = heard.decoding;
      expect(findings.uart?.line).to.deep.equal({ baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 });
      expect(findings.uart?.inverted).to.equal(false);
      expect(findings.usb?.speed).to.equal('full');
      expect(usb).to.deep.include({
        packets: 10_022,
        frames: 4000,
        faults: new Map(),
        unacknowledged: 0,
        unfinished: 0,
      });
      expect([...heard.received, ...heard.sent].every(({ status }) => status === 0)).to.equal(true);
      expect(heard.times.every((time, i) => i === 0 || time >= heard.times[i - 1])).to.equal(true);
    });

    it('carries the same bytes on both sides, in both directions', () => {
      const inbound = heard.transfers.filter(({ endpoint }) => endpoint === 0x81);
      const outbound = heard.transfers.filter(({ endpoint }) => endpoint === 0x02);
      expect(inbound).to.have.length(102);
      expect(outbound).to.have.length(2);
      for (const { type, data } of [...inbound, ...outbound]) {
        expect(type).to.equal(TRANSFER_TYPE.interrupt);
        expect(data[0]).to.be.within(1, 63);
        expect(data.length).to.be.greaterThan(data[0]);
      }
      const payload = (transfers: readonly Transfer[]): string =>
        transfers.map(({ data }) => data.subarray(1, 1 + data[0]).toString('hex')).join('');
      expect(forwarded).to.have.length(102);
      expect(heard.received).to.have.length(136);
      expect(payload(inbound)).to.equal(Buffer.from(forwarded.map(({ value }) => value)).toString('hex'));
      expect(payload(outbound)).to.equal(heard.bytes('sent'));
      expect(Buffer.from(heard.bytes('sent'), 'hex').toString()).to.equal('sigrok!sigrok!');
    });

    it('hands every character to the host after it was complete, and within two milliseconds', () => {
      const inbound = heard.transfers.filter(({ endpoint }) => endpoint === 0x81);
      for (const [i, { completedNs }] of inbound.entries())
        expect(completedNs - forwarded[i].atNs).to.be.within(0, 2_000_000);
    });

    it('tells strings and settings of the bridge in its control transfers', () => {
      const device = heard.decoding.findings.usb?.devices[0];
      expect(device?.address).to.equal(3);
      expect(Object.fromEntries(device?.strings ?? [])).to.deep.equal({
        1: 'Silicon Laboratories',
        2: 'CP2110 HID USB-to-UART Bridge',
        3: '003D944A',
      });
      const control = heard.transfers.filter(({ type }) => type === TRANSFER_TYPE.control);
      expect(control).to.have.length(22);
      // AN434, section 4.4: feature report 50h sets the rate, big-endian: 2580h = 9600.
      const settings = control
        .filter(({ setup }) => setup === '2109500300000900')
        .map(({ data }) => data.toString('hex'));
      expect(settings).to.deep.equal(['500000258000000300', '500000258000000300']);
    });

    it('agrees with its own snippet', async () => {
      const part = await hear(SNIPPET, BRIDGE);
      expect(heard.bytes('received').startsWith(part.bytes('received'))).to.equal(true);
      expect(heard.bytes('sent').startsWith(part.bytes('sent'))).to.equal(true);
    });
  });

  describe('Modbus RTU on inverted lines', () => {
    it('has a right CRC in every frame, requests and answers alike', async () => {
      const heard = await hear(MODBUS, { uart: { rx: '0', tx: '1' } });
      const { line, inverted } = heard.decoding.findings.uart ?? {};
      expect(line).to.deep.equal({ baudRate: 19_200, dataBits: 8, parity: 'even', stopBits: 1 });
      expect(inverted).to.equal(true);
      expect([...heard.received, ...heard.sent].every(({ status }) => status === 0)).to.equal(true);
      const characterNs = 11e9 / 19_200;
      const requests = frames(heard.sent, characterNs);
      const answers = frames(heard.received, characterNs);
      expect([requests.length, answers.length]).to.deep.equal([15, 15]);
      for (const frame of [...requests, ...answers]) {
        expect(frame.length).to.be.at.least(4);
        expect(modbusRemainder(frame), Buffer.from(frame).toString('hex')).to.equal(0);
      }
    });

    it('shows the parity bit as wrong stop bits when it is read as 8N1', async () => {
      const format = { dataBits: 8, parity: 'none', stopBits: 1 } as const;
      const heard = await hear(MODBUS, { uart: { rx: '0', tx: '1', baudRate: 19_200, format, inverted: true } });
      const wrong = heard.sent.filter(({ status }) => (status & (LINE_STATUS.framing | LINE_STATUS.break)) !== 0);
      expect(wrong.length).to.be.greaterThan(20);
    });
  });

  describe(`sigrok's own decoders${hasSigrok ? '' : ' (pending: sigrok-cli is not installed)'}`, () => {
    before(function () {
      if (!hasSigrok) this.skip();
    });

    it('read the same Modbus characters', async () => {
      const heard = await hear(MODBUS, { uart: { rx: '0', tx: '1' } });
      const options = 'uart:rx=0:tx=1:baudrate=19200:parity=even:invert_rx=yes:invert_tx=yes';
      const theirs = (row: string): string => sigrok(MODBUS, options, `uart=${row}`).join('').toLowerCase();
      expect(theirs('rx-data')).to.equal(heard.bytes('received'));
      expect(theirs('tx-data')).to.equal(heard.bytes('sent'));
    });

    it('read the same characters and packets of the bridge', async () => {
      const heard = await hear(SNIPPET, BRIDGE);
      const serial = (row: string): string =>
        sigrok(SNIPPET, 'uart:rx=RX:tx=TX:baudrate=9600', `uart=${row}`).join('').toLowerCase();
      expect(serial('rx-data')).to.equal(heard.bytes('received'));
      expect(serial('tx-data')).to.equal(heard.bytes('sent'));
      const packets = sigrok(
        SNIPPET,
        'usb_signalling:dp=DP:dm=DM,usb_packet',
        'usb_packet=packet-setup:packet-data0:packet-data1:packet-ack:packet-nak:packet-stall',
      );
      expect(moved(packets)).to.deep.equal(
        heard.transfers
          .map(({ setup, data, type }) => (type === TRANSFER_TYPE.control ? setup : '') + data.toString('hex'))
          .sort(),
      );
    });
  });
});

/** The bytes of every transfer in a list of packets: SETUP and what follows it up to the status stage, and every other data packet by itself. */
function moved(packets: readonly string[]): string[] {
  const found: string[] = [];
  let control: string | undefined;
  for (const [i, text] of packets.entries()) {
    const data = /^DATA[01] \[(.*)\]$/.exec(text)?.[1].replaceAll(' ', '').toLowerCase();
    if (data === undefined || packets[i + 1] !== 'ACK') continue;
    if (packets[i - 1]?.startsWith('SETUP')) control = data;
    else if (control === undefined) found.push(data);
    else if (data !== '') control += data;
    else {
      found.push(control);
      control = undefined;
    }
  }
  return found.sort();
}
