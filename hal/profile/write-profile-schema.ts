/** Writes the JSON schema of profiles to the file named on the command line: `node write-profile-schema.js FILE`. */

import { writeFileSync } from 'node:fs';
import { profileJsonSchema } from './profile-schema.js';

const [, , file] = process.argv;
if (file === undefined) {
  process.stderr.write('Name the file to write, for instance hardware-profiles/profile.schema.json.\n');
  process.exitCode = 2;
} else writeFileSync(file, `${JSON.stringify(profileJsonSchema(), undefined, 2)}\n`);
