/** USB packets: PIDs, fields and check sums (USB 2.0, sections 8.3 and 8.4). */

/** Packet identifiers with their check bits, as they are on the wire. */
export const PID = {
  out: 0xe1,
  in: 0x69,
  sof: 0xa5,
  setup: 0x2d,
  data0: 0xc3,
  data1: 0x4b,
  ack: 0xd2,
  nak: 0x5a,
  stall: 0x1e,
  /** In front of a low-speed packet on a full-speed bus. */
  preamble: 0x3c,
} as const;

/** CRC-5 of the 11 bits in front of it, as the token's last five bits hold it (polynomial 00101b, complemented). */
export function crc5(bits: number): number {
  let crc = 0x1f;
  for (let i = 0; i < 11; i++) {
    const mix = (crc ^ (bits >> i)) & 1;
    crc >>= 1;
    if (mix === 1) crc ^= 0x14;
  }
  return crc ^ 0x1f;
}

const CRC16_TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let i = 0; i < 8; i++) crc = (crc & 1) === 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  return crc;
});

/** CRC-16 of `length` bytes, as the two bytes behind them hold it, low byte first (polynomial 8005h, complemented). */
export function crc16(bytes: Uint8Array, offset: number, length: number): number {
  let crc = 0xffff;
  for (let i = 0; i < length; i++) crc = (crc >> 8) ^ CRC16_TABLE[(crc ^ bytes[offset + i]) & 0xff];
  return crc ^ 0xffff;
}

/** Why a packet is none that a host or a device would take; undefined when they would. */
export function packetFault(bytes: Uint8Array, length: number): string | undefined {
  const pid = bytes[0];
  if (length < 1 || (pid & 0x0f) !== ((~pid >> 4) & 0x0f)) return 'PID';
  switch (pid) {
    case PID.out:
    case PID.in:
    case PID.sof:
    case PID.setup: {
      if (length !== 3) return 'length';
      const field = bytes[1] | (bytes[2] << 8);
      return crc5(field & 0x7ff) === field >> 11 ? undefined : 'CRC5';
    }
    case PID.data0:
    case PID.data1:
      if (length < 3) return 'length';
      return crc16(bytes, 1, length - 3) === (bytes[length - 2] | (bytes[length - 1] << 8)) ? undefined : 'CRC16';
    case PID.ack:
    case PID.nak:
    case PID.stall:
    case PID.preamble:
      return length === 1 ? undefined : 'length';
    default:
      return 'PID';
  }
}
