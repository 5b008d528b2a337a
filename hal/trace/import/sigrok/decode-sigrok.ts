/** Decodes the lines of a sigrok session in two passes: the first finds out what is on them, the second tells it in order. */

import { HalError } from '../../../errors.js';
import type { Urb } from '../../../usb/usb-port.js';
import { EdgeScanner } from './edge-scanner.js';
import type { SigrokFile } from './sigrok-file.js';
import { TimeOrder } from './time-order.js';
import { UartDecoder } from './uart-decoder.js';
import { type UartAssumptions, type UartFinding, UartSurvey } from './uart-survey.js';
import type { UsbDeviceKnowledge } from './usb-knowledge.js';
import { USB_BIT_RATE, UsbLineDecoder, type UsbWireSpeed } from './usb-line-decoder.js';
import { UsbSpeedSurvey, UsbSurvey } from './usb-survey.js';
import { type UsbPacketCounts, UsbTransactionDecoder } from './usb-transaction-decoder.js';
import { UsbTransferDecoder } from './usb-transfer-decoder.js';

/** Which probes carry a serial line, and what is known of it. */
export interface UartLines extends UartAssumptions {
  /** What the host received. */
  readonly rx?: string | undefined;
  /** What the host sent. */
  readonly tx?: string | undefined;
}

/** Which probes carry a USB cable. */
export interface UsbLines {
  readonly dp: string;
  readonly dm: string;
  /** Found out from the idle level when omitted. */
  readonly speed?: UsbWireSpeed | undefined;
}

export interface SigrokLines {
  readonly uart?: UartLines | undefined;
  readonly usb?: UsbLines | undefined;
}

/** What the first pass found. */
export interface SigrokFindings {
  readonly uart: UartFinding | undefined;
  readonly usb:
    | {
        readonly speed: UsbWireSpeed;
        /** In order of appearance; address 0 for one that was never given another. */
        readonly devices: readonly UsbDeviceKnowledge[];
      }
    | undefined;
}

/** What the second pass tells, in order of time; times are nanoseconds from the first sample. */
export interface SigrokListener {
  /** Before everything else. */
  found(findings: SigrokFindings): void;
  /** A character; one received at the time at which it was complete, one sent at the time at which its start bit began. */
  character(direction: 'received' | 'sent', value: number, lineStatus: number, atNs: number): void;
  submitted(address: number, urb: Urb, atNs: number): void;
  completed(address: number, urb: Urb, atNs: number): void;
  /** The USB bus was reset; what was in flight has been completed. */
  reset(atNs: number): void;
}

export interface SigrokDecoding {
  readonly findings: SigrokFindings;
  readonly durationNs: number;
  readonly usb:
    | (Readonly<UsbPacketCounts> &
        Readonly<Pick<UsbTransferDecoder, 'isochronousPackets' | 'unacknowledged' | 'unfinished'>>)
    | undefined;
}

/** Fewer samples a bit cannot be told apart. */
const LEAST_USB_SAMPLES = 3.9;
const LEAST_UART_SAMPLES = 4;

/** The probes in the order in which the scanner hands over their levels: rx, tx, D+, D-. */
interface Wiring {
  readonly bits: readonly number[];
  readonly rx: number;
  readonly tx: number;
  readonly usb: number;
}

function wire(file: SigrokFile, lines: SigrokLines): Wiring {
  const bits: number[] = [];
  const place = (name: string | undefined): number => {
    if (name === undefined) return -1;
    const { bit } = file.probe(name);
    if (bits.includes(bit))
      throw new HalError('HAL_INVALID', `probe "${name}" of ${file.path} is named twice`, {
        where: file.path,
        hint: 'Give every line a probe of its own.',
      });
    return bits.push(bit) - 1;
  };
  const rx = place(lines.uart?.rx);
  const tx = place(lines.uart?.tx);
  const usb = place(lines.usb?.dp);
  place(lines.usb?.dm);
  if (bits.length > 0) return { bits, rx, tx, usb };
  throw new HalError('HAL_INVALID', `nothing was named that ${file.path} should be decoded as`, {
    where: file.path,
    hint: `Name the lines among its probes (${file.metadata.probes.map((probe) => probe.name).join(', ')}).`,
  });
}

async function survey(
  file: SigrokFile,
  lines: SigrokLines,
  wiring: Wiring,
): Promise<SigrokFindings & { bus?: UsbSurvey }> {
  const { sampleRate, unitSize } = file.metadata;
  const rx = wiring.rx < 0 ? undefined : new UartSurvey(sampleRate);
  const tx = wiring.tx < 0 ? undefined : new UartSurvey(sampleRate);
  const speeds = new UsbSpeedSurvey(sampleRate);
  const found = { full: new UsbSurvey(sampleRate), low: new UsbSurvey(sampleRate) };
  const wanted =
    lines.usb === undefined ? [] : lines.usb.speed === undefined ? (['full', 'low'] as const) : [lines.usb.speed];
  const usb = wanted.map((speed) => {
    const transactions = new UsbTransactionDecoder(found[speed]);
    return { transactions, line: new UsbLineDecoder(speed, sampleRate, transactions) };
  });
  const scanner = new EdgeScanner(unitSize, wiring.bits, {
    edge: (sample, levels) => {
      rx?.edge(sample, (levels >> wiring.rx) & 1);
      tx?.edge(sample, (levels >> wiring.tx) & 1);
      if (wiring.usb < 0) return;
      const pair = (levels >> wiring.usb) & 3;
      speeds.edge(sample, pair);
      for (const { line } of usb) line.edge(sample, pair);
    },
  });
  for await (const block of file.blocks()) {
    scanner.push(block.bytes, block.count);
    for (const { line } of usb) line.advance(scanner.position);
  }
  for (const { transactions } of usb) transactions.finish();
  const speed = lines.usb?.speed ?? speeds.finish(scanner.position);
  const bus = found[speed];
  const devices = [...bus.devices.values(), ...(bus.stray === undefined ? [] : [bus.stray])];
  const usbFinding = lines.usb === undefined ? {} : { usb: { speed, devices }, bus };
  return { uart: uartFinding(rx, tx, scanner.position, lines.uart), usb: undefined, ...usbFinding };
}

/** One port has one setting: that of the direction with more edges. */
function uartFinding(
  rx: UartSurvey | undefined,
  tx: UartSurvey | undefined,
  end: number,
  known: UartLines | undefined,
): UartFinding | undefined {
  const first = rx?.finish(end, known);
  const second = tx?.finish(end, known);
  return (tx?.edges ?? 0) > (rx?.edges ?? -1) ? second : (first ?? second);
}

function checkRates(file: SigrokFile, findings: SigrokFindings): void {
  const { sampleRate } = file.metadata;
  const refuse = (least: number, what: string): never => {
    throw new HalError('HAL_INVALID', `${file.path} has ${sampleRate} samples a second, too few for ${what}`, {
      where: file.path,
      hint: `Record it with ${least / 1e6} MHz or more.`,
    });
  };
  const { uart, usb } = findings;
  if (uart !== undefined && sampleRate < LEAST_UART_SAMPLES * uart.line.baudRate)
    refuse(LEAST_UART_SAMPLES * uart.line.baudRate, `${uart.line.baudRate} baud`);
  if (usb !== undefined && sampleRate < LEAST_USB_SAMPLES * USB_BIT_RATE[usb.speed])
    refuse(4 * USB_BIT_RATE[usb.speed], `${usb.speed}-speed USB`);
}

/** Both directions of the serial line. */
function uartDecoders(
  uart: UartFinding,
  sampleRate: number,
  order: TimeOrder,
  tell: (direction: 'received' | 'sent', value: number, lineStatus: number, sample: number) => void,
): { readonly rx: UartDecoder; readonly tx: UartDecoder } {
  const make = (direction: 'received' | 'sent'): UartDecoder =>
    new UartDecoder(
      uart.line,
      sampleRate,
      {
        character: (value, status, start, end) => {
          const sample = direction === 'received' ? end : start;
          order.add(sample, () => tell(direction, value, status, sample));
        },
      },
      uart.inverted,
    );
  return { rx: make('received'), tx: make('sent') };
}

/** Everything that takes edges in the second pass. */
class Decoders {
  readonly order = new TimeOrder();
  readonly transactions: UsbTransactionDecoder | undefined;
  readonly transfers: UsbTransferDecoder | undefined;
  readonly #wiring: Wiring;
  readonly #rx: UartDecoder | undefined;
  readonly #tx: UartDecoder | undefined;
  readonly #line: UsbLineDecoder | undefined;

  constructor(
    file: SigrokFile,
    wiring: Wiring,
    findings: SigrokFindings & { bus?: UsbSurvey },
    listener: SigrokListener,
  ) {
    const { sampleRate } = file.metadata;
    this.#wiring = wiring;
    if (findings.uart !== undefined) {
      const both = uartDecoders(findings.uart, sampleRate, this.order, (direction, value, status, sample) =>
        listener.character(direction, value, status, file.timeNs(sample)),
      );
      this.#rx = wiring.rx < 0 ? undefined : both.rx;
      this.#tx = wiring.tx < 0 ? undefined : both.tx;
    }
    if (findings.usb === undefined || findings.bus === undefined) return;
    const { speed } = findings.usb;
    this.transfers = new UsbTransferDecoder(findings.bus, speed, sampleRate, {
      submitted: (address, urb, at) => this.order.add(at, () => listener.submitted(address, urb, file.timeNs(at))),
      completed: (address, urb, at) => this.order.add(at, () => listener.completed(address, urb, file.timeNs(at))),
      reset: (at) => this.order.add(at, () => listener.reset(file.timeNs(at))),
    });
    this.transactions = new UsbTransactionDecoder(this.transfers);
    this.#line = new UsbLineDecoder(speed, sampleRate, this.transactions);
  }

  edge(sample: number, levels: number): void {
    this.#rx?.edge(sample, (levels >> this.#wiring.rx) & 1);
    this.#tx?.edge(sample, (levels >> this.#wiring.tx) & 1);
    this.#line?.edge(sample, (levels >> this.#wiring.usb) & 3);
  }

  /** All samples in front of `sample` have been seen: tells what cannot be preceded by anything any more. */
  advance(sample: number): void {
    this.#rx?.advance(sample);
    this.#tx?.advance(sample);
    this.#line?.advance(sample);
    this.transfers?.settle(Math.min(sample, this.transactions?.openSample ?? sample));
    this.order.release(
      Math.min(
        sample,
        this.#tx?.openSample ?? sample,
        this.#line?.openSample ?? sample,
        this.transactions?.openSample ?? sample,
        this.transfers?.openSample ?? sample,
      ),
    );
  }

  finish(sample: number): void {
    this.transactions?.finish();
    this.transfers?.finish(sample);
    this.order.release(Number.POSITIVE_INFINITY);
  }
}

/**
 * Decodes the lines of `file` and tells `listener` what was on them. Memory is constant whatever the length of the session.
 * Rejects with `HAL_NOT_FOUND` (no such probe), `HAL_INVALID` (nothing named, too few samples a second), `HAL_TRACE`.
 */
export async function decodeSigrok(
  file: SigrokFile,
  lines: SigrokLines,
  listener: SigrokListener,
): Promise<SigrokDecoding> {
  const wiring = wire(file, lines);
  const findings = await survey(file, lines, wiring);
  checkRates(file, findings);
  listener.found({ uart: findings.uart, usb: findings.usb });
  const decoders = new Decoders(file, wiring, findings, listener);
  const scanner = new EdgeScanner(file.metadata.unitSize, wiring.bits, decoders);
  for await (const block of file.blocks()) {
    scanner.push(block.bytes, block.count);
    decoders.advance(scanner.position);
  }
  decoders.finish(scanner.position);
  const { transactions, transfers } = decoders;
  return {
    findings: { uart: findings.uart, usb: findings.usb },
    durationNs: file.timeNs(scanner.position),
    usb:
      transactions === undefined || transfers === undefined
        ? undefined
        : {
            ...transactions.counts,
            isochronousPackets: transfers.isochronousPackets,
            unacknowledged: transfers.unacknowledged,
            unfinished: transfers.unfinished,
          },
  };
}
