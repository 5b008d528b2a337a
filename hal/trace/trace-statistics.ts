/** Counts of a whole trace, interface by interface. */

import { CUSTOM_BLOCK, DIRECTION, LINK_TYPE } from './pcapng-format.js';
import type { PcapngReader } from './pcapng-reader.js';
import { lineStatusOf, RTAC_EVENT, SerialRecord } from './rtac-serial.js';
import type { TraceDamage, TraceInterface } from './trace-block.js';
import { decodeUsbPacket, isUsbLink } from './usb-device-table.js';
import { UsbRecord } from './usb-record.js';
import { countUsb, emptyUsbTotals, type UsbTotals } from './usb-statistics.js';

export interface InterfaceTotals {
  readonly interface: TraceInterface;
  packets: number;
  /** Packet bytes, link-type headers included. */
  bytes: number;
  /** Serial: characters that reached the host, and that it sent. USB: bytes. Others: packets by direction, 0 without one. */
  received: number;
  transmitted: number;
  /** Serial: characters with a parity, framing, overrun or break flag. */
  lineErrors: number;
  /** Lost by the recording, as packets tell (`epb_dropcount`). */
  dropped: number;
  /** Packets that the capture cut short. */
  cut: number;
  /** -1 without a packet. */
  firstNs: number;
  lastNs: number;
  /** What the statistics block at the end says; -1 when there is none (a killed run). */
  statedPackets: number;
  statedDropped: number;
  /** Of an interface with USB packets. */
  readonly usb: UsbTotals | undefined;
}

export interface TraceStatistics {
  readonly fileBytes: number;
  readonly blocks: number;
  readonly packets: number;
  readonly interfaces: readonly InterfaceTotals[];
  /** From the first packet to the last. */
  readonly durationNs: number;
  /** Packets earlier than the one before them. */
  readonly outOfOrder: number;
  /** Text of the summary block, undefined when the recording did not come to its end. */
  readonly summaryText: string | undefined;
  /** Offset of a last block that was cut off, undefined when the trace is whole. */
  readonly truncatedAt: number | undefined;
  readonly damage: readonly TraceDamage[];
  readonly damageCount: number;
}

function totalsOf(described: TraceInterface): InterfaceTotals {
  return {
    interface: described,
    packets: 0,
    bytes: 0,
    received: 0,
    transmitted: 0,
    lineErrors: 0,
    dropped: 0,
    cut: 0,
    firstNs: -1,
    lastNs: -1,
    statedPackets: -1,
    statedDropped: -1,
    usb: isUsbLink(described.linkType) ? emptyUsbTotals() : undefined,
  };
}

function countPacket(totals: InterfaceTotals, reader: PcapngReader, record: SerialRecord, usb: UsbRecord): void {
  const { packet } = reader;
  totals.packets++;
  totals.bytes += packet.length;
  totals.dropped += packet.dropCount;
  if (packet.originalLength > packet.length) totals.cut++;
  if (totals.firstNs < 0 || packet.timeNs < totals.firstNs) totals.firstNs = packet.timeNs;
  if (packet.timeNs > totals.lastNs) totals.lastNs = packet.timeNs;
  if (totals.usb !== undefined) {
    if (!decodeUsbPacket(reader, usb)) return;
    countUsb(totals.usb, usb);
    totals.received = totals.usb.bytesIn;
    totals.transmitted = totals.usb.bytesOut;
    return;
  }
  if (totals.interface.linkType !== LINK_TYPE.rtacSerial) {
    if ((packet.flags & 3) === DIRECTION.inbound) totals.received++;
    else if ((packet.flags & 3) === DIRECTION.outbound) totals.transmitted++;
    return;
  }
  if (!record.decode(packet)) return;
  if (record.hasData && record.outbound) totals.transmitted += record.length;
  else if (record.hasData) totals.received += record.length;
  else if (record.event >= RTAC_EVENT.framing && lineStatusOf(record.event) !== 0) totals.lineErrors++;
}

/** Goes through everything `reader` has left. Throws `HAL_IO`, `HAL_TRACE`. */
export function countTrace(reader: PcapngReader, fileBytes: number): TraceStatistics {
  const interfaces: InterfaceTotals[] = [];
  const record = new SerialRecord();
  const usb = new UsbRecord();
  let blocks = 0;
  let packets = 0;
  let outOfOrder = 0;
  let lastNs = Number.NEGATIVE_INFINITY;
  let summaryText: string | undefined;
  while (reader.next()) {
    blocks++;
    for (let i = interfaces.length; i < reader.interfaces.length; i++) interfaces.push(totalsOf(reader.interfaces[i]));
    if (reader.kind === 'packet') {
      packets++;
      if (reader.packet.timeNs < lastNs) outOfOrder++;
      lastNs = reader.packet.timeNs;
      countPacket(interfaces[reader.packet.interfaceIndex], reader, record, usb);
    } else if (reader.kind === 'statistics' && reader.statistics !== undefined) {
      const totals = interfaces[reader.statistics.interfaceIndex];
      totals.statedPackets = reader.statistics.received;
      totals.statedDropped = reader.statistics.dropped;
    } else if (reader.kind === 'custom' && reader.customKind === CUSTOM_BLOCK.summary) summaryText = reader.customText;
  }
  const used = interfaces.filter((totals) => totals.packets > 0);
  const firstNs = used.reduce((least, totals) => Math.min(least, totals.firstNs), Number.POSITIVE_INFINITY);
  const endNs = used.reduce((most, totals) => Math.max(most, totals.lastNs), 0);
  return {
    fileBytes,
    blocks,
    packets,
    interfaces,
    durationNs: used.length === 0 ? 0 : endNs - firstNs,
    outOfOrder,
    summaryText,
    truncatedAt: reader.truncatedAt,
    damage: reader.damage,
    damageCount: reader.damageCount,
  };
}
