/** Makes an ordinary trace of a sigrok session: its serial line a serial port, every device on its USB cable a USB device. */

import { basename } from 'node:path';
import { formatLine } from '../../../serial/line-settings.js';
import type { CharacterTap, ImportTarget, UrbTap } from '../foreign-sink.js';
import { openTarget } from '../foreign-sink.js';
import { synthesiseDevice } from '../synthesised-device.js';
import { decodeSigrok, type SigrokDecoding, type SigrokFindings, type SigrokLines } from './decode-sigrok.js';
import { SigrokFile } from './sigrok-file.js';
import type { UsbDeviceKnowledge } from './usb-knowledge.js';
import type { UsbWireSpeed } from './usb-line-decoder.js';

export interface SigrokImport extends SigrokDecoding {
  /** What was decoded: as asked for, or as the names of the probes suggest. */
  readonly lines: SigrokLines;
  readonly characters: number;
  readonly lineErrors: number;
  readonly urbs: number;
}

const NAMES = {
  rx: /^(?:rxd?|uart[ _-]?rxd?)$/i,
  tx: /^(?:txd?|uart[ _-]?txd?)$/i,
  dp: /^(?:usb[ _-]?)?(?:dp|d\+)$/i,
  dm: /^(?:usb[ _-]?)?(?:dm|dn|d-)$/i,
} as const;

/** The lines that the probes' names suggest; empty when they suggest none. */
export function suggestedLines(file: SigrokFile): SigrokLines {
  const named = (pattern: RegExp): string | undefined =>
    file.metadata.probes.find(({ name }) => pattern.test(name))?.name;
  const rx = named(NAMES.rx);
  const tx = named(NAMES.tx);
  const dp = named(NAMES.dp);
  const dm = named(NAMES.dm);
  return {
    ...(rx === undefined && tx === undefined ? {} : { uart: { rx, tx } }),
    ...(dp === undefined || dm === undefined ? {} : { usb: { dp, dm } }),
  };
}

/** How the capture's device is called: by its product string, or by its address. */
function deviceName(device: UsbDeviceKnowledge, speed: UsbWireSpeed): string {
  const index = device.description(speed)?.device[15] ?? 2;
  return device.strings.get(index) ?? `usb ${device.address}`;
}

class Interfaces {
  readonly #target: ReturnType<typeof openTarget>;
  readonly #from: string;
  readonly #devices = new Map<number, UrbTap>();
  readonly #byte = new Uint8Array(1);
  #serial: CharacterTap | undefined;
  characters = 0;
  lineErrors = 0;
  urbs = 0;

  constructor(target: ReturnType<typeof openTarget>, from: string) {
    this.#target = target;
    this.#from = from;
  }

  found({ uart, usb }: SigrokFindings): void {
    if (uart !== undefined)
      this.#serial = this.#target.sink.serial('uart', uart.line, {
        importedFrom: this.#from,
        polarity: uart.inverted ? 'inverted' : 'normal',
        ...(uart.detected.length === 0 ? {} : { detected: uart.detected.join(' ') }),
      });
    if (usb === undefined) return;
    for (const device of usb.devices) {
      const endpoints = device.endpoints(usb.speed);
      const recorded = device.description(usb.speed);
      const description = recorded ?? synthesiseDevice(usb.speed, device.strings, endpoints);
      const guessed = [...endpoints].filter(([, { known }]) => !known).map(([address]) => address.toString(16));
      const tap = this.#target.sink.usb(deviceName(device, usb.speed), description, {
        importedFrom: this.#from,
        address: String(device.address),
        descriptors: recorded === undefined ? 'made up, none is in the capture' : 'recorded',
        ...(guessed.length === 0 ? {} : { guessedEndpoints: guessed.join(' ') }),
      });
      this.#devices.set(device.address, tap);
    }
  }

  character(direction: 'received' | 'sent', value: number, lineStatus: number, atNs: number): void {
    this.characters++;
    if (lineStatus !== 0) this.lineErrors++;
    if (direction === 'received') {
      this.#serial?.received(value, lineStatus, atNs);
      return;
    }
    this.#byte[0] = value;
    this.#serial?.transmitted(this.#byte, 0, 1, atNs);
  }

  submitted(address: number, urb: Parameters<UrbTap['submitted']>[0], atNs: number): void {
    this.urbs++;
    this.#devices.get(address)?.submitted(urb, atNs);
  }

  reset(atNs: number): void {
    for (const device of this.#devices.values()) device.reset(atNs);
  }

  completed(address: number, urb: Parameters<UrbTap['completed']>[0], atNs: number): void {
    this.#devices.get(address)?.completed(urb, atNs);
  }
}

/**
 * Imports the session at `path` in two passes and constant memory; `lines` as the probes' names suggest when omitted. What
 * the analyser saw on a line called `tx` is what the host sent; there are no errors of parity, framing or breaks in what is
 * sent, so those of a `tx` line are only counted. Rejects as `SigrokFile.open` and `decodeSigrok` do, and with what writing
 * throws.
 */
export async function importSigrok(path: string, to: ImportTarget, lines?: SigrokLines): Promise<SigrokImport> {
  const file = await SigrokFile.open(path);
  try {
    const wanted = lines ?? suggestedLines(file);
    const from = basename(path);
    const target = openTarget(to, {
      importedFrom: from,
      format: 'sigrok',
      samplesPerSecond: file.metadata.sampleRate,
    });
    const interfaces = new Interfaces(target, from);
    const decoding = await decodeSigrok(file, wanted, interfaces).catch((error: unknown) => {
      target.abandon();
      throw error;
    });
    target.close();
    const { characters, lineErrors, urbs } = interfaces;
    return { ...decoding, lines: wanted, characters, lineErrors, urbs };
  } finally {
    file.close();
  }
}

/** One sentence for each thing that was found out or left out. */
export function describeSigrokImport({ findings, usb, characters, lineErrors, urbs }: SigrokImport): string[] {
  const told: string[] = [];
  const { uart } = findings;
  if (uart !== undefined) {
    const found = uart.detected.length === 0 ? 'as given' : `found out: ${uart.detected.join(', ')}`;
    told.push(
      `serial line ${formatLine(uart.line)}${uart.inverted ? ' inverted' : ''} (${found}): ${characters} characters, ${lineErrors} with errors`,
    );
  }
  if (findings.usb !== undefined && usb !== undefined) {
    const faults = [...usb.faults].map(([what, count]) => `${count} ${what}`).join(', ') || 'none';
    told.push(
      `${findings.usb.speed}-speed USB: addresses ${findings.usb.devices.map(({ address }) => address).join(', ') || 'none'}, ${urbs} URBs in ${usb.packets} packets; wrong packets: ${faults}`,
    );
    for (const device of findings.usb.devices) {
      const guessed = [...device.endpoints(findings.usb.speed)].filter(([, { known }]) => !known);
      if (guessed.length > 0)
        told.push(
          `device ${device.address}: types of endpoints ${guessed.map(([address]) => `${address.toString(16)}h`).join(', ')} are guessed, as no configuration descriptor is in the capture`,
        );
    }
    if (usb.unacknowledged > 0)
      told.push(
        `${usb.unacknowledged} data packets were left out because nobody acknowledged them: lost, or isochronous`,
      );
    if (usb.isochronousPackets > 0) told.push(`${usb.isochronousPackets} isochronous packets were left out`);
    if (usb.preambles > 0) told.push(`${usb.preambles} low-speed packets on the full-speed bus were left out`);
    if (usb.unfinished > 0) told.push(`${usb.unfinished} control transfers were not finished`);
  }
  return told;
}
