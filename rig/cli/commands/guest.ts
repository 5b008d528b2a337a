/** `rig guest run`: boots firmware, an operating system or a program with its console on the terminal. */

import { Command, InvalidArgumentError, Option } from 'commander';
import { RigError } from '../../errors.js';
import type { DriveRequest, GuestRequest } from '../../guest/guest-request.js';
import type { GuestOutcome } from '../../guest/run-guest.js';
import type { CommandEnvironment } from '../environment.js';
import { EXIT } from '../exit-codes.js';
import { listenForInterrupt } from '../interrupt.js';
import { duration, seedOption } from '../options.js';
import type { Finish } from './finish.js';

interface GuestFlags {
  readonly bios?: string;
  readonly kernel?: string;
  readonly initrd?: string;
  readonly append?: string;
  readonly memory?: number;
  readonly engine: GuestRequest['engine'];
  readonly xlen?: 32 | 64;
  readonly time: GuestRequest['time'];
  readonly cpuHz?: number;
  readonly drive: readonly DriveRequest[];
  readonly net?: boolean;
  readonly netForward: readonly number[];
  readonly rng?: boolean;
  readonly seed?: string;
  readonly stats?: boolean;
  readonly limitInstructions?: number;
  readonly timeout?: number;
  readonly for?: number;
  readonly input?: string;
  readonly inputAfter?: string;
  readonly gdb?: number;
}

const EXAMPLES = `
IMAGE alone is an ELF or raw file, or the name of a shipped guest; it starts in M mode. With --bios and --kernel, firmware
starts in M mode and finds the kernel at 0x80200000. With --kernel alone the kernel starts in S mode, and the rig is its SBI.

The guest's console is standard output, byte for byte; everything else is on standard error. On a terminal the keyboard
is raw: Ctrl-C goes to the guest, Ctrl-A x ends it, Ctrl-A c shows the keys. What is piped in is typed as the guest takes
it, and its end does not end the guest. Characters come in whenever they come, so a run that is typed at cannot be
repeated; one with --input can, in virtual time, where the output is the same on every machine and with every engine.

The exit code is 0 when the guest passes, reboots, or its time (--for) is up, and its own code when it fails.

Examples:
  $ rig guest run hello
  $ rig guest run hello --stats --time wall
  $ rig guest run spin --for '20 ms'                                                two million instructions, then the end
  $ rig guest run --bios fw_jump.bin --kernel u-boot.bin --memory 128M
  $ rig guest run --kernel vmlinux --initrd initramfs.cpio --append console=ttyS0 --memory 512M
  $ rig guest run app.elf --gdb 1234                                                 then: gdb-multiarch app.elf -ex 'target remote :1234'`;

export function guestCommand(environment: CommandEnvironment, finish: Finish): Command {
  const command = new Command('guest').description('run a guest on the terminal').addHelpText('after', EXAMPLES);
  command
    .command('run')
    .description('boot firmware, an operating system or a program')
    .argument('[image]', 'ELF or raw file, or name of a shipped guest')
    .option('--bios <file>', 'firmware for M mode, ELF or raw (.bin)')
    .option('--kernel <file>', 'Linux Image (gzip too), ELF or raw (.bin), for S mode')
    .option('--initrd <file>', 'initial RAM disk for the kernel')
    .option('--append <text>', 'boot arguments')
    .addOption(
      new Option('--memory <size>', 'RAM, like 512M or 1G; default: 16M, 128M with a kernel').argParser(memory),
    )
    .addOption(
      new Option('--engine <name>', 'what executes the guest')
        .choices(['interpreter', 'translator'])
        .default('translator'),
    )
    .addOption(new Option('--xlen <bits>', '32 or 64, for images that do not say; default: 64').argParser(xlen))
    .addOption(new Option('--time <domain>', 'what time the guest has').choices(['virtual', 'wall']).default('virtual'))
    .addOption(
      new Option('--cpu-hz <number>', 'instructions a second in virtual time; default: 100000000').argParser(count),
    )
    .addOption(
      new Option(
        '--drive <file[,mode]>',
        'raw disk image; the file stays as it is, unless the mode is write; or readonly',
      )
        .argParser(drive)
        .default([], 'none'),
    )
    .option('--net', 'a network card, with DHCP and DNS and nothing else')
    .addOption(
      new Option('--net-forward <port>', 'the guest reaches this port of this computer at 10.0.2.2; implies --net')
        .argParser(forward)
        .default([], 'none'),
    )
    .option('--rng', 'a device that gives random bytes drawn from the seed')
    .addOption(seedOption())
    .option('--stats', 'at the end: instructions, times, exits by reason and device')
    .addOption(new Option('--limit-instructions <number>', 'give up after so many').argParser(count))
    .addOption(
      new Option('-t, --timeout <duration>', `give up after so much host time, like '5 min'`).argParser(duration),
    )
    .addOption(new Option('--for <duration>', 'end well after so much time of the guest').argParser(duration))
    .option('--input <file>', 'type this file at the console instead of standard input')
    .option('--input-after <text>', 'type it once the console has shown this text')
    .addOption(new Option('--gdb <port>', 'wait for a debugger at this port of this computer').argParser(port))
    .addHelpText('after', EXAMPLES)
    .action(async (image: string | undefined, flags: GuestFlags) => finish(await run(image, flags, environment)));
  return command;
}

async function run(image: string | undefined, flags: GuestFlags, environment: CommandEnvironment): Promise<number> {
  const { stdout, stderr, stdin = process.stdin } = environment;
  if (flags.inputAfter !== undefined && (flags.input === undefined || flags.inputAfter === ''))
    throw new RigError('RIG_USAGE', '--input-after goes with --input, and with a text', {
      hint: 'give the file that is to be typed with --input FILE',
    });
  const [{ runGuest }, { statisticsLines }] = await Promise.all([
    import('../../guest/run-guest.js'),
    import('../../guest/guest-statistics.js'),
  ]);
  const interrupt = listenForInterrupt(() => {});
  try {
    const say = (line: string): void => void stderr.write(`${line}\n`);
    const outcome = await runGuest(requestOf(image, flags), { stdin, stdout, say }, interrupt.signal);
    if (flags.stats === true) for (const line of statisticsLines(outcome.statistics)) say(line);
    return exitCode(outcome, say);
  } finally {
    interrupt.release();
  }
}

/** Throws what has a code of its own. */
function exitCode({ stop, statistics }: GuestOutcome, say: (line: string) => void): number {
  const after = `after ${statistics.instructions} instructions`;
  switch (stop.kind) {
    case 'duration':
      return EXIT.pass;
    case 'timeout':
      throw new RigError('RIG_TIMEOUT', `the guest was still running when its host time was up, ${after}`, {
        hint: 'give it more with --timeout',
      });
    case 'aborted':
      throw new RigError('RIG_ABORTED', `the guest was ended ${after}`);
    case 'waits':
      throw new RigError('RIG_GUEST_ENDLESS', `the guest waits for an interrupt that nothing can cause, ${after}`);
    case 'guest': {
      const { kind, code, sentence } = stop.end;
      if (kind === 'limit' || kind === 'stuck') throw new RigError('RIG_GUEST_ENDLESS', sentence);
      if (kind === 'pass') return EXIT.pass;
      say(`rig: ${sentence}`);
      if (kind === 'reset') return EXIT.pass;
      return code >= 1 && code <= 255 ? code : EXIT.fail;
    }
  }
}

function requestOf(image: string | undefined, flags: GuestFlags): GuestRequest {
  const { bios, kernel, initrd, append, xlen: width, cpuHz, limitInstructions, input, inputAfter } = flags;
  return {
    engine: flags.engine,
    time: flags.time,
    drives: flags.drive,
    rng: flags.rng === true,
    seed: flags.seed ?? '1',
    ...(flags.net === true || flags.netForward.length > 0 ? { network: { ports: flags.netForward } } : {}),
    ...(image === undefined ? {} : { image }),
    ...(bios === undefined ? {} : { bios }),
    ...(kernel === undefined ? {} : { kernel }),
    ...(initrd === undefined ? {} : { initrd }),
    ...(append === undefined ? {} : { append }),
    ...(flags.memory === undefined ? {} : { ramBytes: flags.memory }),
    ...(width === undefined ? {} : { xlen: width }),
    ...(cpuHz === undefined ? {} : { cpuHz }),
    ...(limitInstructions === undefined ? {} : { limitInstructions }),
    ...(flags.timeout === undefined ? {} : { timeoutMs: flags.timeout / 1e6 }),
    ...(flags.for === undefined ? {} : { durationNs: flags.for }),
    ...(input === undefined ? {} : { input }),
    ...(inputAfter === undefined ? {} : { inputAfter }),
    ...(flags.gdb === undefined ? {} : { gdbPort: flags.gdb }),
  };
}

const FACTORS: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

function memory(text: string): number {
  const match = /^(\d{1,9})([KMG])(?:i?B)?$/i.exec(text.trim());
  if (match === null) throw new InvalidArgumentError('a size is a whole number with K, M or G behind it, like 512M');
  return Number(match[1]) * FACTORS[match[2].toUpperCase()];
}

function count(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('this is no whole number from 1');
  return value;
}

function xlen(text: string): 32 | 64 {
  if (text === '32') return 32;
  if (text === '64') return 64;
  throw new InvalidArgumentError('registers have 32 or 64 bits');
}

function port(text: string): number {
  const value = Number(text);
  if (!/^\d{1,5}$/.test(text) || value > 65_535) throw new InvalidArgumentError('a port is a number up to 65535');
  return value;
}

function forward(text: string, earlier: readonly number[]): readonly number[] {
  return [...earlier, ...text.split(',').map((item) => port(item.trim()))];
}

const MODES: Readonly<Record<string, DriveRequest['access']>> = {
  readonly: 'readonly',
  ro: 'readonly',
  write: 'write',
};

function drive(text: string, earlier: readonly DriveRequest[]): readonly DriveRequest[] {
  const at = text.lastIndexOf(',');
  const access = at < 0 ? undefined : MODES[text.slice(at + 1)];
  return [...earlier, access === undefined ? { path: text, access: 'snapshot' } : { path: text.slice(0, at), access }];
}
