/** Errors of devices and of what stands for them. */

import { CodedError, type ErrorDetails } from '../base/index.js';

export type HalErrorCode =
  /** No such device or port. */
  | 'HAL_NOT_FOUND'
  /** Someone else has it. */
  | 'HAL_IN_USE'
  /** The operating system refuses access. */
  | 'HAL_DENIED'
  /** The device went away. */
  | 'HAL_DISCONNECTED'
  | 'HAL_TIMEOUT'
  | 'HAL_STALL'
  /** Data was lost for lack of room. */
  | 'HAL_OVERRUN'
  /** The port is closed, or closed while the call waited. */
  | 'HAL_CLOSED'
  /** The port cannot do what was asked. */
  | 'HAL_UNSUPPORTED'
  /** Settings or arguments that no port can have. */
  | 'HAL_INVALID'
  /** A trace that cannot be read: foreign, damaged, of a kind not known. */
  | 'HAL_TRACE'
  /** A replay whose host side does something else than was recorded. */
  | 'HAL_DIVERGED'
  /** The process that owns the device library ended or hung. */
  | 'HAL_HOST_PROCESS'
  /** The operating system reported something else. */
  | 'HAL_IO';

export interface HalErrorDetails extends ErrorDetails {
  /** What had arrived before the failure; a failed read never keeps bytes back. */
  readonly partial?: Uint8Array;
}

export class HalError extends CodedError<HalErrorCode> {
  readonly layer = 'hal';
  readonly partial: Uint8Array | undefined;

  constructor(code: HalErrorCode, message: string, details: HalErrorDetails = {}) {
    super(code, message, details);
    this.partial = details.partial;
  }
}
