/** What a rig process and the process that owns a real port say to each other; sent with the structured clone algorithm. */

import type { HostFailure } from '../../host-process/protocol.js';
import type { OpenOptions, PortInfo, PortStatus, SetOptions } from '../binding-types.js';

/** Requests by name: arguments and answer. */
export interface HostRequests {
  list: { args: undefined; answer: PortInfo[] };
  open: { args: OpenOptions; answer: { openOptions: Required<OpenOptions>; lowLatency: boolean } };
  write: { args: Uint8Array; answer: undefined };
  drain: { args: undefined; answer: undefined };
  flush: { args: undefined; answer: undefined };
  set: { args: SetOptions; answer: undefined };
  get: { args: undefined; answer: PortStatus };
  update: { args: number; answer: undefined };
  reconfigure: { args: OpenOptions; answer: undefined };
  getBaudRate: { args: undefined; answer: { baudRate: number } };
  close: { args: undefined; answer: undefined };
}

export type HostOperation = keyof HostRequests;

/** The reader has consumed so many bytes; the host may send as many more. */
export interface HostCredit {
  readonly credit: number;
}

/** Bytes arrived; stamps are `CLOCK_MONOTONIC`, the same clock in every process of one machine. */
export interface HostChunk {
  readonly chunk: Uint8Array;
  readonly arrivedNs: bigint;
  readonly waitingSinceNs: bigint;
}

/** The port cannot be read any more; nothing follows. */
export interface HostReadFailed {
  readonly readFailed: HostFailure;
}

export type HostEvent = HostChunk | HostReadFailed;

/** Bytes the host may send before the reader has consumed any; more stay with the operating system. */
export const READ_WINDOW_BYTES = 1 << 20;
