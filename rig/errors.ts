/** Errors of the rig itself: what a person asked for wrongly, and what the rig could not do. */

import { CodedError } from '../base/index.js';

export type RigErrorCode =
  /** The command line or the environment asks for something that does not exist or contradicts itself. */
  | 'RIG_USAGE'
  /** A plan file that cannot be loaded, or a plan that uses the rig wrongly (a duration that is none, a limit without a value). */
  | 'RIG_PLAN'
  /** No profile of that name. */
  | 'RIG_PROFILE_UNKNOWN'
  /** A profile that breaks its schema; `where` names the field. */
  | 'RIG_PROFILE_MALFORMED'
  /** No guest of that name, or a manifest that breaks its schema. */
  | 'RIG_GUEST'
  /** A calibration file that cannot be read. */
  | 'RIG_CALIBRATION'
  /** A device is claimed twice and one of the claims is exclusive. */
  | 'RIG_DEVICE_CLAIMED'
  /** What the cells of a run are to be given contradicts itself or is not there. */
  | 'RIG_ASSIGNMENT'
  /** The process of a cell ended, hung or could not be started. */
  | 'RIG_CELL_LOST'
  /** A cell needs a recording or a port and was given none. */
  | 'RIG_INPUT_MISSING'
  /** The guest passed its limit of instructions, exits or reports without finishing. */
  | 'RIG_GUEST_ENDLESS'
  /** A guest ended too early: with a failure while its device was recorded, or before the time that a plan asked for. */
  | 'RIG_GUEST_FAILED'
  /** A deadline passed, in wall or virtual time. */
  | 'RIG_TIMEOUT'
  /** The person, or the caller's signal, ended the run. */
  | 'RIG_ABORTED'
  /** The device went away during the run. */
  | 'RIG_DEVICE_LOST'
  /** The replay of a run from its own journal did not give the same output. */
  | 'RIG_NOT_CERTIFIED'
  /** A test or a whole run ended without one measurement or expectation. */
  | 'RIG_NO_EVIDENCE'
  /** Result files cannot be written. */
  | 'RIG_OUTPUT'
  /** The rig broke its own invariant. */
  | 'RIG_INTERNAL';

export class RigError extends CodedError<RigErrorCode> {
  readonly layer = 'rig';
}
