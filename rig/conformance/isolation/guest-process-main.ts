/** The program of a process that runs guests of the isolation tests, until it is ended or killed. */

import { serveHost } from '../../../hal/index.js';
import type { GuestRequests } from './guest-process.js';
import { exchange } from './steady-neighbour.js';
import { WildLives } from './wild-lives.js';

const lives = new WildLives();

serveHost<GuestRequests>({ live: (seed) => lives.live(seed), exchange });
