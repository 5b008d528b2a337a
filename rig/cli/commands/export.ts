/** `rig export`: shows simulators and recordings to programs outside: as a terminal, a TCP port, or USB devices of a kernel. */

import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { RigError } from '../../errors.js';
import { formatValue } from '../../metrics/measurement.js';
import { loadWiring } from '../../plan/context.js';
import type { ListenAddress, UsbipReady } from '../../run/services.js';
import type { CommandEnvironment } from '../environment.js';
import { EXIT } from '../exit-codes.js';
import { listenForInterrupt } from '../interrupt.js';
import { duration, listenAddress, seedOption } from '../options.js';
import { createProgressLine, type ProgressLine } from '../progress-line.js';
import type { Finish } from './finish.js';

interface ExportFlags {
  readonly pty?: boolean;
  readonly link?: string;
  readonly tcp?: ListenAddress | true;
  readonly usbip?: ListenAddress | true;
  readonly for?: number;
  readonly seed?: string;
  readonly quiet?: boolean;
}

const EXAMPLES = `
What to open is printed on the first line. A device starts when the first program opens it, keeps its own pace in wall time,
and what nobody reads is lost, as on a real line. A recording ends when it is over and its reader has left.
Over USB/IP a serial device is one of the communication class (/dev/ttyACM0), and all sources become devices of one server.

Examples:
  $ rig export sim:gnss-nmea-1hz --pty --link /tmp/gnss              until Ctrl-C
  $ gpsd -N -n /tmp/gnss                                             gpsd takes it for a receiver
  $ gpspipe -w                                                       what gpsd makes of it, in another terminal
  $ rig export drive.pcapng --pty --link /tmp/gnss --for '10 min'    a recording, as if the device were there
  $ rig run gnss-logger --port /tmp/gnss                             the plan for the real device, without one
  $ rig export sim:gnss-nmea-1hz --tcp 4000                          then: gpsd -N -n tcp://127.0.0.1:4000
  $ rig export sim:velleman-k8055 sim:gnss-nmea-1hz --usbip          then: sudo usbip attach -r 127.0.0.1 -b 1-1`;

export function exportCommand(environment: CommandEnvironment, finish: Finish): Command {
  return new Command('export')
    .description('show simulators or recordings to other programs')
    .argument('<sources...>', 'sim:PROFILE, a trace, or a log of gpsd; several with --usbip')
    .option('--pty', 'as a pseudo-terminal')
    .option('--link <path>', 'symbolic link to the terminal, removed at the end')
    .addOption(new Option('--tcp [address]', 'as a TCP port with raw characters').argParser(listenAddress))
    .addOption(new Option('--usbip [address]', 'as USB devices, over USB/IP (127.0.0.1:3240)').argParser(listenAddress))
    .addOption(new Option('--for <duration>', 'how long; until Ctrl-C when not given').argParser(duration))
    .addOption(seedOption())
    .option('-q, --quiet', 'no progress')
    .addHelpText('after', EXAMPLES)
    .action(async (sources: string[], flags: ExportFlags) => finish(await show(sources, flags, environment)));
}

async function show(sources: readonly string[], flags: ExportFlags, environment: CommandEnvironment): Promise<number> {
  refuseContradictions(sources, flags);
  const progress = createProgressLine(environment.stderr, flags.quiet ?? false);
  // Ctrl-C is how it ends, so it is not an abortion here.
  const interrupt = listenForInterrupt(() => {});
  const { stdout } = environment;
  try {
    const shown =
      flags.usbip === undefined
        ? await showOne(sources[0], flags, stdout, progress, interrupt.signal)
        : await showAll(sources, flags, stdout, progress, interrupt.signal);
    progress.stop();
    stdout.write(`${shown}\n`);
    return EXIT.pass;
  } finally {
    progress.stop();
    interrupt.release();
  }
}

function refuseContradictions(sources: readonly string[], { pty, tcp, usbip, link }: ExportFlags): void {
  const ways = [pty === true, tcp !== undefined, usbip !== undefined].filter(Boolean).length;
  if (ways === 0)
    throw new RigError('RIG_USAGE', `it is not said how ${sources.join(', ')} is to be shown`, {
      hint: 'add --pty for a pseudo-terminal, --tcp for a TCP port, or --usbip for a USB device',
    });
  if (ways > 1)
    throw new RigError('RIG_USAGE', 'a device can be shown in one way only', {
      hint: 'keep one of --pty, --tcp and --usbip',
    });
  if (usbip === undefined && sources.length > 1)
    throw new RigError('RIG_USAGE', `${sources.length} devices cannot be shown as one`, {
      hint: 'name one, or show all of them with --usbip',
    });
  if (link !== undefined && pty !== true)
    throw new RigError('RIG_USAGE', 'a link leads to a pseudo-terminal', { hint: 'add --pty, or leave --link out' });
}

type Out = CommandEnvironment['stdout'];

async function showOne(
  source: string,
  flags: ExportFlags,
  stdout: Out,
  progress: ProgressLine,
  abort: AbortSignal,
): Promise<string> {
  const { showTerminal } = await loadWiring();
  const { durationNs, characters, lost, heard, sentence } = await showTerminal({
    source,
    seed: flags.seed ?? 'export',
    abort,
    ready: (path) => {
      stdout.write(`${path}\n`);
      if (!(flags.quiet ?? false)) progress.say(`${source} can be opened at ${path}; Ctrl-C ends it`);
    },
    progress: (now) =>
      progress.show(
        `${formatValue(now.elapsedNs, 'ns')}, ${now.characters} characters, ${now.opened ? 'open' : 'nobody has it open'}`,
      ),
    ...(flags.tcp === undefined ? {} : { tcp: flags.tcp === true ? {} : flags.tcp }),
    ...(flags.link === undefined ? {} : { linkPath: resolve(flags.link) }),
    ...(flags.for === undefined ? {} : { durationNs: flags.for }),
  });
  return `${sentence}: ${characters} characters in ${formatValue(durationNs, 'ns')}, ${lost} of them read by nobody, ${heard} heard`;
}

async function showAll(
  sources: readonly string[],
  flags: ExportFlags,
  stdout: Out,
  progress: ProgressLine,
  abort: AbortSignal,
): Promise<string> {
  const { showUsbip } = await loadWiring();
  const say = (text: string): void => {
    if (!(flags.quiet ?? false)) progress.say(text);
  };
  const { durationNs, transfers, received, sentence } = await showUsbip({
    sources,
    seed: flags.seed ?? 'export',
    abort,
    ready: (server) => {
      stdout.write(`${server.host}:${server.port}\n`);
      for (const text of instructions(server)) say(text);
    },
    event: say,
    progress: (now) => {
      const who = now.attached.length === 0 ? 'nobody has a device attached' : `attached: ${now.attached.join(', ')}`;
      progress.show(
        `${formatValue(now.elapsedNs, 'ns')}, ${now.transfers} transfers, ${now.received} bytes sent, ${who}`,
      );
    },
    ...(flags.usbip === undefined || flags.usbip === true ? {} : { address: flags.usbip }),
    ...(flags.for === undefined ? {} : { durationNs: flags.for }),
  });
  return `${sentence}: ${transfers} transfers in ${formatValue(durationNs, 'ns')}, ${received} bytes sent by the devices`;
}

/** What a person types on the machine that shall have the devices. */
function instructions({ host, port, devices }: UsbipReady): string[] {
  const hex = (id: number): string => id.toString(16).padStart(4, '0');
  const from = host === '0.0.0.0' || host === '::' ? 'THIS-MACHINE' : host;
  const tcpPort = port === 3240 ? '' : `--tcp-port ${port} `;
  return [
    ...devices.map((each) => `${each.busid}: ${each.source} (${hex(each.vendorId)}:${hex(each.productId)})`),
    `attach one: sudo modprobe vhci-hcd; sudo usbip ${tcpPort}attach -r ${from} -b ${devices[0].busid}; Ctrl-C ends it`,
  ];
}
