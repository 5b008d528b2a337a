/** Runs in a process of its own: `engine-probe.js ENGINE PROGRAM XLEN` runs the program once and prints its `EngineRun`. */

import { runOnEngine } from './engine-programs.js';

const [engine, name, width] = process.argv.slice(2);
process.stdout.write(`${JSON.stringify(runOnEngine(engine, name, width === '64' ? 64 : 32))}\n`);
