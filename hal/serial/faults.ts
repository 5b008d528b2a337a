/** What a fault injector tells: the vocabulary shared by the injector, the tap and the trace. */

/** Direction of a fault, seen from the host: `receive` is device to host. */
export type FaultDirection = 'receive' | 'transmit';

export type FaultKind =
  /** A character vanished without a sign. */
  | 'drop'
  /** Bits of a character were flipped; no error flag tells. */
  | 'corrupt'
  /** A character came twice. */
  | 'duplicate'
  /** What follows comes later by `durationNs`, order kept. */
  | 'delay'
  /** A character carries the parity flag, one bit flipped. */
  | 'parity'
  /** A character carries the framing flag, bits damaged. */
  | 'framing'
  /** A break stands in place of a character. */
  | 'break'
  /** `count` characters in a row are lost; the next one carries the overrun flag. */
  | 'overrun'
  /** Nothing passes for `durationNs`; then everything held comes at once. */
  | 'stall'
  /** The device is pulled: the wire is dead, what is sent is lost. */
  | 'unplug'
  /** It is back. */
  | 'replug';

export interface InjectedFault {
  readonly kind: FaultKind;
  readonly direction: FaultDirection;
  /** When it was injected, on the injector's clock. */
  readonly atNs: number;
  /** Characters that had come to the injector in this direction before the one concerned. */
  readonly index: number;
  /** Characters concerned; 0 for `delay`, `stall`, `unplug`, `replug`. */
  readonly count: number;
  /** `delay` and `stall`: how long; else 0. */
  readonly durationNs: number;
  /** `corrupt`, `parity`, `framing`: the bits that were flipped; else 0. */
  readonly flipped: number;
}

export interface FaultListener {
  /** A fault is about to have its effect. */
  fault(fault: InjectedFault): void;
}
