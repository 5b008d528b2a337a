/** What both `vmm` and `hal` stand on: clocks, timers, seeded random numbers, errors with a code. */

export { ByteQueue } from './byte-queue.js';
export {
  type Clock,
  type ClockDomain,
  NS_PER_MS,
  NS_PER_SECOND,
  NS_PER_US,
  type Ns,
  Timer,
  VirtualClock,
  type VirtualNs,
  type WallNs,
} from './clock.js';
export { CodedError, type ErrorDetails, firstCause, type Layer } from './coded-error.js';
export { CyclicSchedule, type ScheduleWindow } from './cyclic-schedule.js';
export { LINE_STATUS } from './line-status.js';
export { PIECE_BYTES, PieceOverlay, type ReadBelow } from './piece-overlay.js';
export { createRandom, type Random } from './random.js';
export { TimerQueue } from './timer-queue.js';
export {
  ENDPOINT_IN,
  SETUP_BYTES,
  TRANSFER_TYPE,
  type TransferType,
  URB_FLAGS,
  URB_STATUS,
  Urb,
} from './urb.js';
export { WallClock, type WallClockOptions, type WallOrigin } from './wall-clock.js';
