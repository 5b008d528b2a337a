/** Carries out the NMEA commands a receiver understands: MediaTek's PMTK and u-blox's PUBX, whichever the host prefers. */

import { CATALOGUE, findMessageByName } from './message-catalogue.js';
import { PROTOCOL_NMEA, PROTOCOL_UBX, type ReceiverControl } from './receiver-control.js';

/** Flags of PMTK001 (PMTK command packet, revision A11). */
const PMTK_INVALID = 0;
const PMTK_UNSUPPORTED = 1;
const PMTK_FAILED = 2;
const PMTK_DONE = 3;

/** A non-negative integer of at most seven digits, otherwise NaN. */
function integer(field: string | undefined): number {
  return field !== undefined && /^\d{1,7}$/.test(field) ? Number(field) : Number.NaN;
}

/** PMTK commands are answered by PMTK001; PUBX commands by nothing, as u-blox receivers do. Other sentences are ignored. */
export function handleNmea(control: ReceiverControl, fields: readonly string[]): void {
  const command = /^PMTK(\d{3})$/.exec(fields[0]);
  if (command !== null) handlePmtk(control, Number(command[1]), fields);
  else if (fields[0] === 'PUBX' && fields[1] === '40') setSentenceRate(control, fields);
  else if (fields[0] === 'PUBX' && fields[1] === '41') setPort(control, fields);
}

function handlePmtk(control: ReceiverControl, command: number, fields: readonly string[]): void {
  let flag = PMTK_UNSUPPORTED;
  if (command === 0) flag = PMTK_DONE;
  else if (command === 220) flag = setFixInterval(control, fields);
  else if (command === 251) {
    const baudRate = integer(fields[1]);
    // A change of the baud rate is not acknowledged: the host could not tell at which rate to listen.
    if (control.setLine({ ...control.nominalLine, baudRate })) return;
    flag = Number.isNaN(baudRate) ? PMTK_INVALID : PMTK_FAILED;
  } else if (command === 314) flag = setSentences(control, fields);
  const reply = control.replyNmea;
  reply.begin('PMTK001');
  reply.integer(command, 3);
  reply.integer(flag);
  reply.end();
}

function setFixInterval(control: ReceiverControl, fields: readonly string[]): number {
  const periodMs = integer(fields[1]);
  if (Number.isNaN(periodMs)) return PMTK_INVALID;
  return control.setPeriod(periodMs) ? PMTK_DONE : PMTK_FAILED;
}

function setSentences(control: ReceiverControl, fields: readonly string[]): number {
  if (fields[1] === '-1') {
    control.rates.set(control.defaultRates);
    return PMTK_DONE;
  }
  const rates = fields.slice(1).map(integer);
  if (rates.length < 6 || rates.some((rate) => !(rate <= 5))) return PMTK_INVALID;
  CATALOGUE.forEach((entry, index) => {
    if (entry.pmtkField >= 0) control.rates[index] = rates[entry.pmtkField] ?? 0;
  });
  return PMTK_DONE;
}

/** `$PUBX,40,msgId,rddc,rus1,rus2,rusb,rspi,reserved` (UBX-13003221, PUBX messages). */
function setSentenceRate(control: ReceiverControl, fields: readonly string[]): void {
  const index = findMessageByName(fields[2] ?? '');
  const rate = integer(fields[4]);
  if (index >= 0 && CATALOGUE[index].protocol === 'nmea' && rate <= 255) control.rates[index] = rate;
}

/** `$PUBX,41,portId,inProto,outProto,baudrate,autobauding` (UBX-13003221, PUBX messages). */
function setPort(control: ReceiverControl, fields: readonly string[]): void {
  const outputs = /^[0-9A-Fa-f]{1,4}$/.test(fields[4] ?? '') ? Number.parseInt(fields[4], 16) : Number.NaN;
  const baudRate = integer(fields[5]);
  if (fields[2] !== '1' || Number.isNaN(outputs) || Number.isNaN(baudRate)) return;
  if (control.setLine({ ...control.nominalLine, baudRate }))
    control.outputProtocols = outputs & (PROTOCOL_UBX | PROTOCOL_NMEA);
}
