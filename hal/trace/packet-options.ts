/** Options of an enhanced packet block. */

import { ENTERPRISE_NUMBER, OPTION } from './pcapng-format.js';
import type { PacketView } from './pcapng-reader.js';
import type { TraceWindow } from './trace-window.js';

/** Fills the option fields of `packet` from `at` to `end`; a malformed option ends the list. Custom options count only when `own`. */
export function readPacketOptions(
  window: TraceWindow,
  packet: PacketView,
  at: number,
  end: number,
  own: boolean,
): void {
  packet.flags = 0;
  packet.packetId = 0;
  packet.dropCount = 0;
  packet.customLength = 0;
  packet.comment = undefined;
  packet.customText = undefined;
  for (let next = at; next + 4 <= end; ) {
    const code = window.uint16(next);
    const length = window.uint16(next + 2);
    const value = next + 4;
    if (code === OPTION.end || value + length > end) return;
    if (code === OPTION.packetId && length === 8) packet.packetId = window.uint64(value);
    else if (code === OPTION.packetFlags && length === 4) packet.flags = window.uint32(value);
    else if (code === OPTION.packetDrops && length === 8) packet.dropCount = window.uint64(value);
    else if (code === OPTION.comment) packet.comment ??= window.text(value, length);
    else if (own && length >= 4 && window.uint32(value) === ENTERPRISE_NUMBER) {
      if (code === OPTION.customBytes) {
        packet.customOffset = value + 4;
        packet.customLength = length - 4;
      } else if (code === OPTION.customString) packet.customText ??= window.text(value + 4, length - 4);
    }
    next = value + ((length + 3) & ~3);
  }
}
