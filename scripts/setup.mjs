/** Installs and builds what has changed since the last time, and nothing else; what `npm start` and `npm test` run first. */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const stampFile = join(root, 'node_modules', '.rigvisor-setup.json');
const SOURCES = ['base', 'hal', 'vmm', 'rig', 'test-plans', 'bench', 'lab'];

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `Rigvisor needs Node.js 20.19 or newer; this is ${process.versions.node}. Install a current release and run the command again.`,
  );
  process.exit(2);
}

function hashFiles(files) {
  const hash = createHash('sha256');
  for (const file of files)
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0');
  return hash.digest('hex');
}

function sourceFiles(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && (entry.name.endsWith('.ts') || entry.name === 'tsconfig.json'))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
    .sort();
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8'));
  } catch {
    return {};
  }
}

function step(title, command, args) {
  process.stderr.write(`rigvisor set-up: ${title}\n`);
  const done = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (done.error) {
    console.error(`rigvisor set-up: ${command} did not start: ${done.error.message}`);
    process.exit(3);
  }
  if (done.status !== 0) {
    console.error(
      `rigvisor set-up: "${command} ${args.join(' ')}" ended with ${done.status ?? done.signal}; see its output above.`,
    );
    process.exit(3);
  }
}

const stamp = readStamp();
const install =
  hashFiles(['package.json', 'package-lock.json']) + process.versions.modules + process.platform + process.arch;
if (stamp.install !== install) {
  // The compiler is a development dependency, which NODE_ENV=production leaves out.
  step('installing packages (once)', 'npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']);
}
const sources = SOURCES.flatMap(sourceFiles);
const files = createHash('sha256').update(sources.join('\0')).digest('hex');
const build = hashFiles(['tsconfig.json', 'tsconfig.base.json', 'package-lock.json', ...sources]);
// The compiler leaves what it made of a file that is gone: a plan or a test that would still be run.
if (stamp.files !== files) rmSync(join(root, 'dist'), { recursive: true, force: true });
if (stamp.build !== build || !existsSync(join(root, 'dist', 'rig', 'cli', 'main.js'))) {
  step('building', process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b']);
}
mkdirSync(join(root, 'node_modules'), { recursive: true });
writeFileSync(stampFile, `${JSON.stringify({ install, build, files })}\n`);
