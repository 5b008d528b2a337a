/** `rig list`: what there is to run, and what to run it on. */

import { Argument, Command } from 'commander';
import { listGuests } from '../../guest-manifest.js';
import { listProfiles, listRecordings } from '../../paths.js';
import { PROCESS_PROBE, serialNodes } from '../doctor-checks.js';
import type { CommandEnvironment } from '../environment.js';
import { EXIT } from '../exit-codes.js';
import { listPlans } from '../plan-files.js';
import type { Finish } from './finish.js';

const LISTS: Readonly<Record<string, () => string[]>> = {
  plans: () => listPlans(),
  profiles: listProfiles,
  guests: listGuests,
  recordings: listRecordings,
};

export function listCommand(environment: CommandEnvironment, finish: Finish): Command {
  return new Command('list')
    .description('list plans, profiles, guests and recordings, or the devices of this machine')
    .addArgument(new Argument('[what]', 'one of these alone').choices([...Object.keys(LISTS), 'devices']))
    .addHelpText(
      'after',
      '\nExamples:\n  $ rig list\n  $ rig list profiles\n  $ rig list devices    as --port takes them; opens none',
    )
    .action(async (what: string | undefined) => {
      const { stdout } = environment;
      if (what === 'devices') for (const line of await deviceLines()) stdout.write(`${line}\n`);
      else if (what !== undefined) for (const name of LISTS[what]()) stdout.write(`${name}\n`);
      else
        for (const [title, names] of Object.entries(LISTS)) {
          stdout.write(`${title}:\n`);
          for (const name of names()) stdout.write(`  ${name}\n`);
        }
      finish(EXIT.pass);
    });
}

/** Serial ports, USB devices and their HID interfaces, each with what is known of it. */
async function deviceLines(): Promise<string[]> {
  const { devices, reason } = await PROCESS_PROBE.usb();
  const serial = serialNodes(PROCESS_PROBE).map((name) => `/dev/${name}\tserial port`);
  const usb = devices.flatMap(({ name, title, profile, hid }) => [
    `${name}\t${title}${profile === undefined ? '' : `, profile ${profile}`}`,
    ...hid.map(({ node }) => `${node}\tHID of ${name}`),
  ]);
  return [...serial, ...(usb.length > 0 ? usb : [`no USB device: ${reason ?? 'none is plugged in'}`])];
}
