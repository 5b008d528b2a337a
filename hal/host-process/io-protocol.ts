/** What a rig process and its I/O process say to each other: everything carries the number of the seat it belongs to. */

/** Requests of the I/O process itself. */
export interface IoRequests {
  /** Loads the library's module and gives its host the seat. */
  take: { args: { seat: number; factory: string }; answer: undefined };
  /** A request of the device in the seat. */
  call: { args: { seat: number; op: string; args: unknown }; answer: unknown };
  /** The seat's host gives back what it has; the seat is free then. */
  leave: { args: number; answer: undefined };
}

/** What a host sent of itself, or is told without an answer. */
export interface SeatMessage {
  readonly seat: number;
  readonly body: object;
}
