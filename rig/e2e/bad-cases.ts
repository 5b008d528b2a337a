/** What the command cannot use, and what it says of each: the tables of the tests beside this file. */

import { EXIT } from '../cli/exit-codes.js';

export interface Case {
  readonly what: string;
  readonly args: readonly string[];
  readonly code: number;
  /** Of the sentence: what is wrong, and what to do. */
  readonly says: RegExp;
}

/** Commands run side by side, so no two may write to one place. */
let places = 0;
const record = (...more: string[]): string[] => ['record', '--for', '1 s', '-o', `new-${++places}.pcapng`, ...more];
const withGuest = (guest: string): string[] => record('--port', 'sim:gnss-nmea-1hz', '--guest', guest);
const run = (plan: string, ...more: string[]): string[] => ['run', plan, '-o', `out-${++places}`, ...more];

/** Commands that end before anything is done: the sentence stands alone on standard error. */
export const REFUSED: readonly Case[] = [
  {
    what: 'an unknown profile',
    args: record('--port', 'sim:gnss-nmea-1h'),
    code: EXIT.profileUnknown,
    says: /no profile "gnss-nmea-1h"; did you mean gnss-nmea-1hz\?.*`rig list`/,
  },
  {
    what: 'a profile file that is not there',
    args: record('--port', 'sim:./none.json'),
    code: EXIT.profileUnknown,
    says: /no file \.\/none\.json; check the path/,
  },
  {
    what: 'a malformed profile',
    args: record('--port', 'sim:./wrong-field.json'),
    code: EXIT.profileMalformed,
    says: /simulator\.parameters\.rateHz: expected .*, found "x"; correct it there/,
  },
  {
    what: 'a profile that is cut off',
    args: record('--port', 'sim:./cut-off.json'),
    code: EXIT.profileMalformed,
    says: /cut-off\.json, line \d+, column \d+: .+; correct it there/,
  },
  {
    what: 'a missing device',
    args: record('--port', '/dev/ttyNONE9', '-p', 'gnss-nmea-1hz'),
    code: EXIT.deviceMissing,
    says: /there is no port \/dev\/ttyNONE9; \w+/,
  },
  {
    what: 'a missing device, with a guest',
    args: record('--port', '/dev/ttyNONE9', '-p', 'gnss-nmea-1hz', '--guest', 'gnss-logger'),
    code: EXIT.deviceMissing,
    says: /there is no port \/dev\/ttyNONE9; \w+/,
  },
  {
    what: 'a device without a profile',
    args: record('--port', '/dev/ttyNONE9'),
    code: EXIT.usage,
    says: /needs the profile .*; name it with --profile/,
  },
  {
    what: 'a simulator with a profile beside its own',
    args: record('--port', 'sim:gnss-nmea-1hz', '-p', 'gnss-ubx-5hz'),
    code: EXIT.usage,
    says: /contradicts it; leave --profile out/,
  },
  {
    what: 'a simulator without a length',
    args: ['record', '--port', 'sim:gnss-nmea-1hz', '-o', 'new.pcapng'],
    code: EXIT.usage,
    says: /needs a length; give it with --for/,
  },
  {
    what: 'an output folder that is not there',
    args: ['record', '--port', 'sim:gnss-nmea-1hz', '--for', '1 s', '-o', 'none/new.pcapng'],
    code: EXIT.output,
    says: /cannot write \S+: its folder does not exist; check the path/,
  },
  {
    what: 'a recording that is there already',
    args: ['record', '--port', 'sim:gnss-nmea-1hz', '--for', '1 s', '-o', 'run.pcapng'],
    code: EXIT.output,
    says: /run\.pcapng exists already and is not overwritten; name another file/,
  },
  {
    what: 'an export onto the trace itself',
    args: ['trace', 'export', 'run.pcapng', '-o', 'run.pcapng'],
    code: EXIT.output,
    says: /run\.pcapng exists already and is not overwritten; name another file/,
  },
  {
    what: 'an interface that is not there',
    args: ['trace', 'export', 'run.pcapng', '-i', 'nope', '-o', 'new.bin'],
    code: EXIT.usage,
    says: /has no interface nope; it has #0 .*; name one of them/,
  },
  {
    what: 'an output folder that is a file',
    args: ['run', 'good.plan.mjs', '-o', 'text.elf'],
    code: EXIT.output,
    says: /the folder \S+ cannot be made; choose another folder with --out/,
  },
  {
    what: 'an unknown guest',
    args: withGuest('nobody'),
    code: EXIT.guest,
    says: /no guest named "nobody"; choose from: .*gnss-logger/,
  },
  {
    what: 'a guest image that is not there',
    args: withGuest('./none.elf'),
    code: EXIT.guest,
    says: /image \.\/none\.elf does not exist; give the path of an ELF file/,
  },
  {
    what: 'a truncated guest image',
    args: withGuest('./truncated.elf'),
    code: EXIT.image,
    says: /the file is truncated: .*; build or copy the image again/,
  },
  {
    what: 'a program of this machine as a guest image',
    args: withGuest(process.execPath),
    code: EXIT.image,
    says: /not for RISC-V; build it with a RISC-V compiler|no ELF|text file/,
  },
  {
    what: 'a text as a guest image',
    args: withGuest('./text.elf'),
    code: EXIT.image,
    says: /is a text file and no guest image; give the path of an ELF file/,
  },
  {
    what: 'an empty guest image',
    args: withGuest('./empty.elf'),
    code: EXIT.image,
    says: /empty\.elf: the file is empty/,
  },
  {
    what: 'a trace that is not there',
    args: ['replay', 'none.pcapng'],
    code: EXIT.usage,
    says: /cannot read none\.pcapng: it does not exist; check the path/,
  },
  {
    what: 'a log that is not there',
    args: ['replay', 'none.log'],
    code: EXIT.usage,
    says: /none\.log cannot be read: .*; check the path/,
  },
  {
    what: 'a folder as a trace',
    args: ['replay', '.'],
    code: EXIT.usage,
    says: /\. is not a file; name a trace file/,
  },
  ...(
    [
      ['gzip.pcapng', /looks like a gzip file; unpack it/],
      ['text.pcapng', /looks like a text file; give a pcapng trace/],
      ['empty.pcapng', /looks like an empty file; .*record it again/],
      ['classic.pcapng', /looks like a classic pcap capture; convert it/],
      ['first-bytes.pcapng', /holds no recording of a serial device; .*rig trace info/],
    ] as const
  ).map(([file, says]) => ({ what: `the foreign trace ${file}`, args: ['replay', file], code: EXIT.trace, says })),
  {
    what: 'a foreign trace to be looked into',
    args: ['trace', 'info', 'gzip.pcapng'],
    code: EXIT.trace,
    says: /looks like a gzip file; unpack it/,
  },
  {
    what: 'a trace of another image',
    args: ['replay', 'run.pcapng', '--guest', 'echo'],
    code: EXIT.trace,
    says: /made with another build of "gnss-logger".*; give the image/,
  },
  {
    what: 'a plan that is not there',
    args: ['run', 'none.plan.ts'],
    code: EXIT.usage,
    says: /there is no plan "none\.plan\.ts"; give a path, or one of: /,
  },
  {
    what: 'an unknown profile for a plan',
    args: run('good.plan.mjs', '-p', 'nope'),
    code: EXIT.profileUnknown,
    says: /there is no profile "nope" .*; name one of /,
  },
  {
    what: 'a foreign recording for a plan',
    args: run('good.plan.mjs', '--recording', 'gzip.pcapng'),
    code: EXIT.trace,
    says: /gzip\.pcapng is not a pcapng trace: .*; unpack it/,
  },
];

/** Sessions that end in good order, with reports: the sentence stands in the summary, once for all that it holds for. */
export const JUDGED: readonly Case[] = [
  {
    what: 'an unknown profile beside a good one',
    args: run('half-good.plan.mjs'),
    code: EXIT.profileUnknown,
    says: /^ERROR {2}there is no profile "nope" .* \(rig: RIG_PROFILE_UNKNOWN\)$/,
  },
  {
    what: 'a missing device',
    args: run('good.plan.mjs', '--port', '/dev/ttyNONE9'),
    code: EXIT.deviceMissing,
    says: /^ERROR {2}there is no port \/dev\/ttyNONE9; .* \(hal: HAL_NOT_FOUND\)$/,
  },
  {
    what: 'a guest that never ends',
    args: run('endless.plan.mjs', '--timeout', '500 ms'),
    code: EXIT.timeout,
    says: /^TIMEOUT {2}the run took longer than 0\.5 s of host time, .*; raise the limit.* \(rig: RIG_TIMEOUT\)$/,
  },
  {
    what: 'a guest that passes its limit of instructions',
    args: run('limited.plan.mjs'),
    code: EXIT.guestEndless,
    says: /^TIMEOUT {2}The guest .* after its limit of 100000 instructions; raise .* \(rig: RIG_GUEST_ENDLESS\)$/,
  },
  {
    what: 'a second claim on an assigned device',
    args: run('claimed.plan.mjs'),
    code: EXIT.deviceInUse,
    says: /^ERROR {2}guest-1 cannot have \S+: it belongs to guest-0 alone, and nothing was started; run one guest/,
  },
  {
    what: 'an unknown guest',
    args: run('unknown-guest.plan.mjs'),
    code: EXIT.guest,
    says: /^ERROR {2}there is no guest named "nobody"; choose from: .* \(rig: RIG_GUEST\)$/,
  },
  {
    what: 'a broken guest image',
    args: run('broken-image.plan.mjs'),
    code: EXIT.image,
    says: /^ERROR {2}\.\/truncated\.elf: the file is truncated: .* \(vmm: VMM_IMAGE\)$/,
  },
  {
    what: 'a plan with an error of syntax',
    args: run('syntax.plan.ts'),
    code: EXIT.plan,
    says: /^ERROR {2}the plan \S+ cannot be loaded: .*:1:\d+: .*; correct the plan; .* \(rig: RIG_PLAN\)$/,
  },
];
