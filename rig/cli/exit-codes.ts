/** The exit codes of `rig`: one number for each thing that a script may want to tell apart. */

import { type SessionRecord, sessionErrors, sessionVerdict } from '../verdict/records.js';
import { classify, type Verdict } from '../verdict/verdict.js';

export const EXIT = {
  pass: 0,
  fail: 1,
  usage: 2,
  error: 3,
  timeout: 4,
  inconclusive: 5,
  profileUnknown: 6,
  deviceMissing: 7,
  deviceInUse: 8,
  denied: 9,
  trace: 10,
  image: 11,
  notCertified: 12,
  profileMalformed: 13,
  guestEndless: 14,
  guest: 15,
  deviceLost: 16,
  output: 17,
  plan: 18,
  noEvidence: 19,
  aborted: 130,
} as const;

/** As `rig --help` prints them. */
export const EXIT_MEANINGS: readonly (readonly [code: number, meaning: string])[] = [
  [EXIT.pass, 'every test passed'],
  [EXIT.fail, 'a test failed, or a guest that was recorded; two traces differ'],
  [EXIT.usage, 'the command line is wrong'],
  [EXIT.error, 'the rig or a device erred in a way not listed below'],
  [EXIT.timeout, 'a deadline passed'],
  [EXIT.inconclusive, 'undecided tests, with --fail-on-inconclusive'],
  [EXIT.profileUnknown, 'no profile of that name'],
  [EXIT.deviceMissing, 'no such device'],
  [EXIT.deviceInUse, 'the device is in use, or claimed twice'],
  [EXIT.denied, 'no permission for the device'],
  [EXIT.trace, 'the trace is foreign, or damaged beyond use'],
  [EXIT.image, 'the guest image cannot be loaded'],
  [EXIT.notCertified, 'the replay of a run diverged: not certified'],
  [EXIT.profileMalformed, 'the profile breaks its schema'],
  [EXIT.guestEndless, 'the guest passed its limits without finishing'],
  [EXIT.guest, 'no guest of that name, or a malformed manifest'],
  [EXIT.deviceLost, 'the device went away during the run'],
  [EXIT.output, 'result files cannot be written'],
  [EXIT.plan, 'a plan cannot be loaded, or uses the rig wrongly'],
  [EXIT.noEvidence, 'nothing was checked'],
  [EXIT.aborted, 'ended by Ctrl-C or SIGTERM'],
];

const BY_ERROR_CODE: Readonly<Record<string, number>> = {
  RIG_USAGE: EXIT.usage,
  RIG_INPUT_MISSING: EXIT.usage,
  RIG_PLAN: EXIT.plan,
  RIG_PROFILE_UNKNOWN: EXIT.profileUnknown,
  RIG_PROFILE_MALFORMED: EXIT.profileMalformed,
  RIG_GUEST: EXIT.guest,
  RIG_DEVICE_CLAIMED: EXIT.deviceInUse,
  RIG_ASSIGNMENT: EXIT.usage,
  RIG_GUEST_ENDLESS: EXIT.guestEndless,
  RIG_GUEST_FAILED: EXIT.fail,
  RIG_TIMEOUT: EXIT.timeout,
  ERR_MOCHA_TIMEOUT: EXIT.timeout,
  RIG_ABORTED: EXIT.aborted,
  RIG_DEVICE_LOST: EXIT.deviceLost,
  RIG_NOT_CERTIFIED: EXIT.notCertified,
  RIG_NO_EVIDENCE: EXIT.noEvidence,
  RIG_OUTPUT: EXIT.output,
  HAL_NOT_FOUND: EXIT.deviceMissing,
  HAL_IN_USE: EXIT.deviceInUse,
  HAL_DENIED: EXIT.denied,
  HAL_DISCONNECTED: EXIT.deviceLost,
  HAL_TRACE: EXIT.trace,
  HAL_DIVERGED: EXIT.notCertified,
  VMM_IMAGE: EXIT.image,
  VMM_JOURNAL: EXIT.trace,
};

/** For something thrown out of a command. */
export function exitCodeOf(thrown: unknown): number {
  return BY_ERROR_CODE[classify(thrown).error.code] ?? EXIT.error;
}

/** For a session: that of its verdict; an ERROR or TIMEOUT that has one cause alone gets the code of that cause. */
export function sessionExitCode(session: SessionRecord, failOnInconclusive: boolean): number {
  const verdict = sessionVerdict(session);
  if (verdict === 'ERROR' || verdict === 'TIMEOUT') return causeCode(session, verdict);
  const codes: Readonly<Record<Exclude<Verdict, 'ERROR' | 'TIMEOUT'>, number>> = {
    PASS: EXIT.pass,
    FAIL: EXIT.fail,
    INCONCLUSIVE: failOnInconclusive ? EXIT.inconclusive : EXIT.pass,
    ABORTED: EXIT.aborted,
    SKIP: EXIT.noEvidence,
  };
  return codes[verdict];
}

function causeCode(session: SessionRecord, verdict: 'ERROR' | 'TIMEOUT'): number {
  const general = verdict === 'ERROR' ? EXIT.error : EXIT.timeout;
  const graves = sessionErrors(session).filter((error) => !isOutcome(error.code));
  if (graves.length === 0) return verdict === 'ERROR' ? EXIT.noEvidence : general;
  const codes = new Set(graves.map((error) => BY_ERROR_CODE[error.code] ?? EXIT.error));
  const [only] = codes;
  return codes.size === 1 ? only : general;
}

/** Failed and undecided expectations are outcomes, not causes of an ERROR. */
function isOutcome(code: string): boolean {
  return code === 'AssertionError' || code === 'ERR_ASSERTION' || code === 'InconclusiveError';
}
