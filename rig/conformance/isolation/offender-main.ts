/** The program of a process that runs guests which misbehave, until it is killed. */

import { serveHost } from '../../../hal/index.js';
import type { OffenderRequests } from './offender.js';
import { WildLives } from './wild-lives.js';

const lives = new WildLives();

serveHost<OffenderRequests>({ live: (seed) => lives.live(seed) });
