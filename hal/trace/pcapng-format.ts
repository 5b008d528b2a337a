/** Numbers of the pcapng format (draft-ietf-opsawg-pcapng) that the writer and the reader share. */

export const BLOCK = {
  section: 0x0a0d0d0a,
  interface: 1,
  packetObsolete: 2,
  packetSimple: 3,
  nameResolution: 4,
  statistics: 5,
  packet: 6,
  secrets: 0x0a,
  custom: 0x0bad,
  customNoCopy: 0x40000bad,
} as const;

export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

export const OPTION = {
  end: 0,
  comment: 1,
  customString: 2988,
  customBytes: 2989,
  sectionApplication: 4,
  interfaceName: 2,
  interfaceDescription: 3,
  interfaceSpeed: 8,
  interfaceResolution: 9,
  interfaceOffset: 14,
  packetFlags: 2,
  packetDrops: 4,
  packetId: 5,
  statisticsStart: 2,
  statisticsEnd: 3,
  statisticsReceived: 4,
  statisticsDropped: 5,
} as const;

/** Private enterprise number under which custom options and blocks are written: the one reserved for documentation (RFC 5612). */
export const ENTERPRISE_NUMBER = 32473;

/** `shb_userappl` of the project's own traces; custom options are read only in sections that carry it. */
export const APPLICATION = 'rigvisor';

export const LINK_TYPE = { usbmonShort: 189, usbmon: 220, usbPcap: 249, rtacSerial: 250, upperPdu: 252 } as const;

/** Direction bits of `epb_flags`, seen from the host. */
export const DIRECTION = { unknown: 0, inbound: 1, outbound: 2 } as const;

/** What a custom block of the project holds, in the u32 after the enterprise number. */
export const CUSTOM_BLOCK = { manifest: 1, summary: 2 } as const;

/** Wireshark refuses longer packets (WTAP_MAX_PACKET_SIZE_STANDARD). */
export const MAX_PACKET_BYTES = 262_144;

/** Longer blocks are refused when written (Wireshark's limit) ... */
export const MAX_WRITTEN_BLOCK_BYTES = 16 << 20;

/** ... and taken for damage when read. */
export const MAX_READ_BLOCK_BYTES = 64 << 20;
