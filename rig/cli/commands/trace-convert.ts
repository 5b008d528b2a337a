/** `rig trace convert`: make a trace of another program's recording. */

import { Command, InvalidArgumentError, Option } from 'commander';
import { loadWiring } from '../../plan/context.js';
import type { CommandEnvironment } from '../environment.js';
import { EXIT } from '../exit-codes.js';
import { list } from '../options.js';
import type { Finish } from './finish.js';

/** As the wiring knows them; here too, so that help needs no device library. */
const FORMATS = [
  'usbmon',
  'usbpcap',
  'sigrok',
  'hid-recorder',
  'umockdev-device',
  'umockdev-script',
  'umockdev-ioctl',
  'gpsd',
] as const;

const EXAMPLES = `
What a file is, its contents tell. Probes of a sigrok session that are called RX, TX, DP and DM (or D+ and D-) are decoded
without being named; baud rate, format, polarity and USB speed are found out where they are not given.

Examples:
  $ rig trace convert capture.sr trace.pcapng
  $ rig trace convert capture.sr trace.pcapng --uart rx=0,tx=1,baud=19200,format=8E1,inverted --usb dp=DP,dm=DM
  $ rig trace convert usbmon.pcapng trace.pcapng --device device.umockdev
  $ rig trace convert key.script trace.pcapng --device key.umockdev --ioctl key.ioctl
  $ rig trace convert mouse.hid trace.pcapng
  $ rig trace convert receiver.log trace.pcapng --baud 9600`;

interface Flags {
  readonly format?: string;
  readonly device?: string;
  readonly script?: readonly string[];
  readonly ioctl?: readonly string[];
  readonly uart?: string;
  readonly usb?: string;
  readonly baud?: number;
}

function baudRate(text: string): number {
  const rate = Number(text);
  if (!(rate >= 1 && rate <= 50_000_000)) throw new InvalidArgumentError('a baud rate is wanted, like 9600');
  return rate;
}

export function convertCommand({ stdout }: CommandEnvironment, finish: Finish): Command {
  return new Command('convert')
    .description('make a trace of a recording of gpsd, usbmon, USBPcap, sigrok, hid-recorder or umockdev')
    .argument('<in>', 'recording of another program')
    .argument('<out>', 'trace to write; an existing file is refused')
    .addOption(new Option('--format <name>', 'what the recording is, when its contents do not tell').choices(FORMATS))
    .option('--uart <lines>', 'sigrok: rx=PROBE,tx=PROBE and, as far as known, baud=RATE,format=8N1,inverted=yes')
    .option('--usb <lines>', 'sigrok: dp=PROBE,dm=PROBE and, if known, speed=full or speed=low')
    .option('--device <file>', 'umockdev description of the device, for a USB capture or a umockdev script')
    .addOption(new Option('--script <files>', 'further umockdev scripts of the recording').argParser(list()))
    .addOption(new Option('--ioctl <files>', 'further umockdev ioctl trees of the recording').argParser(list()))
    .addOption(new Option('--baud <rate>', 'gpsd: baud rate of the line').argParser(baudRate))
    .addHelpText('after', EXAMPLES)
    .action(async (inPath: string, outPath: string, flags: Flags) => {
      const { convertTrace } = await loadWiring();
      const { kind, sentences } = await convertTrace({
        inPath,
        outPath,
        ...(flags.format === undefined ? {} : { kind: flags.format }),
        ...(flags.device === undefined ? {} : { devicePath: flags.device }),
        ...(flags.script === undefined ? {} : { scriptPaths: flags.script }),
        ...(flags.ioctl === undefined ? {} : { ioctlPaths: flags.ioctl }),
        ...(flags.uart === undefined ? {} : { uart: flags.uart }),
        ...(flags.usb === undefined ? {} : { usb: flags.usb }),
        ...(flags.baud === undefined ? {} : { baudRate: flags.baud }),
      });
      stdout.write(`${inPath}: ${kind}\n`);
      for (const sentence of sentences) stdout.write(`${sentence}\n`);
      stdout.write(`written to ${outPath}\n`);
      finish(EXIT.pass);
    });
}
