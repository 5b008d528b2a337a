/** The messages a simulated receiver can send, in the order it sends them, with the numbers commands know them by. */

export const NMEA_SENTENCES = ['RMC', 'VTG', 'GGA', 'GSA', 'GSV', 'GLL', 'ZDA'] as const;
export const UBX_MESSAGES = ['NAV-POSLLH', 'NAV-SOL', 'NAV-PVT', 'NAV-TIMEUTC', 'NAV-SAT'] as const;

export type NmeaSentenceName = (typeof NMEA_SENTENCES)[number];
export type UbxMessageName = (typeof UBX_MESSAGES)[number];
export type GnssMessageName = NmeaSentenceName | UbxMessageName;

export interface CatalogueEntry {
  readonly name: GnssMessageName;
  readonly protocol: 'nmea' | 'ubx';
  /** Class and id in UBX-CFG-MSG; NMEA sentences have the class 0xF0. */
  readonly ubxClass: number;
  readonly ubxId: number;
  /** Field of PMTK314, -1 where it has none. */
  readonly pmtkField: number;
}

/** UBX-13003221, NMEA messages overview; PMTK command packet, revision A11, PMTK_API_SET_NMEA_OUTPUT. */
export const CATALOGUE: readonly CatalogueEntry[] = [
  { name: 'RMC', protocol: 'nmea', ubxClass: 0xf0, ubxId: 0x04, pmtkField: 1 },
  { name: 'VTG', protocol: 'nmea', ubxClass: 0xf0, ubxId: 0x05, pmtkField: 2 },
  { name: 'GGA', protocol: 'nmea', ubxClass: 0xf0, ubxId: 0x00, pmtkField: 3 },
  { name: 'GSA', protocol: 'nmea', ubxClass: 0xf0, ubxId: 0x02, pmtkField: 4 },
  { name: 'GSV', protocol: 'nmea', ubxClass: 0xf0, ubxId: 0x03, pmtkField: 5 },
  { name: 'GLL', protocol: 'nmea', ubxClass: 0xf0, ubxId: 0x01, pmtkField: 0 },
  { name: 'ZDA', protocol: 'nmea', ubxClass: 0xf0, ubxId: 0x08, pmtkField: 17 },
  { name: 'NAV-POSLLH', protocol: 'ubx', ubxClass: 0x01, ubxId: 0x02, pmtkField: -1 },
  { name: 'NAV-SOL', protocol: 'ubx', ubxClass: 0x01, ubxId: 0x06, pmtkField: -1 },
  { name: 'NAV-PVT', protocol: 'ubx', ubxClass: 0x01, ubxId: 0x07, pmtkField: -1 },
  { name: 'NAV-TIMEUTC', protocol: 'ubx', ubxClass: 0x01, ubxId: 0x21, pmtkField: -1 },
  { name: 'NAV-SAT', protocol: 'ubx', ubxClass: 0x01, ubxId: 0x35, pmtkField: -1 },
];

/** Index into `CATALOGUE`, -1 when the receiver has no such message. */
export function findMessage(ubxClass: number, ubxId: number): number {
  return CATALOGUE.findIndex((entry) => entry.ubxClass === ubxClass && entry.ubxId === ubxId);
}

/** Index into `CATALOGUE`, -1 when the receiver has no such message. */
export function findMessageByName(name: string): number {
  return CATALOGUE.findIndex((entry) => entry.name === name);
}
