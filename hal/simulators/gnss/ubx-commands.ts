/** Carries out the UBX commands a receiver understands (UBX-13003221, UBX protocol, classes ACK, CFG and MON). */

import type { LineSettings } from '../../serial/serial-port.js';
import { findMessage } from './message-catalogue.js';
import { PROTOCOL_NMEA, PROTOCOL_UBX, type ReceiverControl } from './receiver-control.js';

const CLASS_NAV = 0x01;
const CLASS_ACK = 0x05;
const CLASS_CFG = 0x06;
const CLASS_MON = 0x0a;
const ACK_ACK = 0x01;
const ACK_NAK = 0x00;
const CFG_PRT = 0x00;
const CFG_MSG = 0x01;
const CFG_RATE = 0x08;
const MON_VER = 0x04;

const UART1 = 1;
const HIGHEST_PORT = 4;

const PARITIES: readonly (LineSettings['parity'] | undefined)[] = ['even', 'odd', undefined, undefined, 'none', 'none'];
const STOP_BITS: readonly LineSettings['stopBits'][] = [1, 1.5, 2];

function u16(payload: Uint8Array, offset: number): number {
  return payload[offset] | (payload[offset + 1] << 8);
}

function u32(payload: Uint8Array, offset: number): number {
  return u16(payload, offset) + u16(payload, offset + 2) * 0x1_0000;
}

/** Every configuration message is answered by UBX-ACK-ACK or UBX-ACK-NAK; a poll by what it asks for. */
export function handleUbx(control: ReceiverControl, messageClass: number, id: number, payload: Uint8Array): void {
  if (messageClass === CLASS_CFG) {
    const done = configure(control, id, payload);
    const reply = control.replyUbx;
    reply.begin(CLASS_ACK, done ? ACK_ACK : ACK_NAK);
    reply.u1(messageClass);
    reply.u1(id);
    reply.end();
  } else if (messageClass === CLASS_MON && id === MON_VER && payload.length === 0) replyVersion(control);
  else if (messageClass === CLASS_NAV && payload.length === 0) {
    const index = findMessage(messageClass, id);
    if (index >= 0) control.replyMessage(index);
  }
}

function configure(control: ReceiverControl, id: number, payload: Uint8Array): boolean {
  switch (id) {
    case CFG_PRT:
      return configurePort(control, payload);
    case CFG_MSG:
      return configureMessage(control, payload);
    case CFG_RATE:
      return configureRate(control, payload);
    default:
      return false;
  }
}

function configureRate(control: ReceiverControl, payload: Uint8Array): boolean {
  if (payload.length === 0) {
    const reply = control.replyUbx;
    reply.begin(CLASS_CFG, CFG_RATE);
    reply.u2(control.periodMs);
    reply.u2(1);
    reply.u2(1);
    reply.end();
    return true;
  }
  return payload.length === 6 && control.setPeriod(u16(payload, 0) * u16(payload, 2));
}

function configureMessage(control: ReceiverControl, payload: Uint8Array): boolean {
  if (payload.length !== 2 && payload.length !== 3 && payload.length !== 8) return false;
  const index = findMessage(payload[0], payload[1]);
  if (index < 0) return false;
  if (payload.length === 2) {
    const reply = control.replyUbx;
    reply.begin(CLASS_CFG, CFG_MSG);
    reply.u1(payload[0]);
    reply.u1(payload[1]);
    for (let port = 0; port < 6; port++) reply.u1(port === UART1 ? control.rates[index] : 0);
    reply.end();
  } else control.rates[index] = payload.length === 3 ? payload[2] : payload[2 + UART1];
  return true;
}

function configurePort(control: ReceiverControl, payload: Uint8Array): boolean {
  if (payload.length <= 1) {
    if (payload.length === 1 && payload[0] !== UART1) return false;
    replyPort(control);
    return true;
  }
  if (payload.length !== 20 || payload[0] > HIGHEST_PORT) return false;
  // Ports that this receiver has not led out are configured without effect.
  if (payload[0] !== UART1) return true;
  const line = lineOf(u32(payload, 4), u32(payload, 8));
  if (line === undefined || !control.setLine(line)) return false;
  control.outputProtocols = u16(payload, 14) & (PROTOCOL_UBX | PROTOCOL_NMEA);
  return true;
}

/** Line settings of the `mode` field: bits 6..7 character length, 9..11 parity, 12..13 stop bits. */
function lineOf(mode: number, baudRate: number): LineSettings | undefined {
  const dataBits = (mode >> 6) & 3;
  const parity = PARITIES[(mode >> 9) & 7];
  const stopBits = STOP_BITS[(mode >> 12) & 3];
  if (dataBits < 2 || parity === undefined || stopBits === undefined) return undefined;
  return { baudRate, dataBits: dataBits === 3 ? 8 : 7, parity, stopBits };
}

function modeOf(line: LineSettings): number {
  const parity = line.parity === 'none' ? 4 : line.parity === 'odd' ? 1 : 0;
  const bits = line.dataBits === 8 ? 3 : 2;
  return 0x10 | (bits << 6) | (parity << 9) | (STOP_BITS.indexOf(line.stopBits) << 12);
}

function replyPort(control: ReceiverControl): void {
  const reply = control.replyUbx;
  reply.begin(CLASS_CFG, CFG_PRT);
  reply.u1(UART1);
  reply.zeros(3);
  reply.u4(modeOf(control.nominalLine));
  reply.u4(control.nominalLine.baudRate);
  reply.u2(PROTOCOL_UBX | PROTOCOL_NMEA);
  reply.u2(control.outputProtocols);
  reply.zeros(4);
  reply.end();
}

/** The software version says plainly that this is no u-blox receiver; hosts go by the protocol version. */
function replyVersion(control: ReceiverControl): void {
  const reply = control.replyUbx;
  reply.begin(CLASS_MON, MON_VER);
  reply.text('RIGVISOR SIMULATOR', 30);
  reply.text('00080000', 10);
  reply.text('PROTVER=18.00', 30);
  reply.text('GPS;GLO;GAL;BDS', 30);
  reply.end();
}
