/** What the trace reader shows: interfaces, and one reused view of the block at hand. */

export type TraceBlockKind = 'section' | 'interface' | 'packet' | 'statistics' | 'custom' | 'other';

/** An interface description, as found in a trace. */
export interface TraceInterface {
  /** Position among all interfaces of the file, 0 first; unlike the number in packets it goes on over sections. */
  readonly index: number;
  readonly linkType: number;
  /** `if_name`, '' when it has none. */
  readonly name: string;
  readonly description: string;
  /** Bits per second, 0 when not told. */
  readonly speed: number;
  /** `key=value` custom strings of the project's own traces, by key. */
  readonly custom: ReadonlyMap<string, string>;
  /** `if_tsoffset`: seconds from the trace's time to Unix time. */
  readonly offsetSeconds: number;
  /** Nanoseconds of the second in which the recording clock's origin lies: 0 in virtual time. */
  readonly originNs: number;
  /** Ticks per second of the time stamps. */
  readonly ticksPerSecond: number;
  /** Whether the section was written by the project. */
  readonly own: boolean;
}

/** What an ISB says of an interface. -1 where it does not tell. */
export interface InterfaceStatistics {
  readonly interfaceIndex: number;
  readonly startNs: number;
  readonly endNs: number;
  readonly received: number;
  readonly dropped: number;
}

/** Where a trace could not be understood. */
export interface TraceDamage {
  /** Byte offset in the file. */
  readonly offset: number;
  /** Bytes skipped. */
  readonly length: number;
  readonly reason: string;
}
