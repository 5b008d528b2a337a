#!/usr/bin/env node
/** The `rig` command. */

import { runCommandLine } from './program.js';

// A reader that has seen enough (`rig trace info … | head`) leaves; what the command writes to files is not its matter.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });

process.exitCode = await runCommandLine(process.argv.slice(2));
