/** gpsd, which nobody here wrote, takes exported receivers for receivers: through a pseudo-terminal and over TCP, NMEA and UBX. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { type TestFolder, testFolder } from '../test-support/session.js';
import { endAll, startRig } from './rig-process.js';
import { noTerminal, startTerminal } from './terminal.js';

const isInstalled = ['gpsd', 'gpspipe'].every((program) => spawnSync(program, ['-V']).error === undefined);
const missing = isInstalled ? noTerminal() : 'gpsd and gpspipe are not installed (apt-get install gpsd gpsd-clients)';

interface Fix {
  readonly mode: number;
  readonly lat: number;
  readonly lon: number;
}

/**
 * The first fix in three dimensions that has a position: of a UBX receiver that it configures, gpsd's first report has mode 3
 * and the position 0/0, and its next, for the same time, the true one. gpspipe gives up while the daemon is still starting,
 * so it is asked again.
 */
async function firstFix(port: string): Promise<Fix> {
  const found = /^\{"class":"TPV".*"mode":3.*"lat":(?!0\.0+,).*\}\r?\n/m;
  for (let attempt = 0; attempt < 20; attempt++) {
    const lines = await new Promise<string>((resolve) => {
      const pipe = spawn('gpspipe', ['-w', '-x', '20', `localhost:${port}`], { timeout: 30_000 });
      let text = '';
      pipe.stdout.setEncoding('utf8').on('data', (part: string) => {
        text += part;
        if (found.test(text)) pipe.kill();
      });
      pipe.on('close', () => resolve(text));
    });
    const fix = found.exec(lines);
    if (fix !== null) return JSON.parse(fix[0]) as Fix;
  }
  throw new Error('gpsd reported no fix');
}

describe(`gpsd on an exported receiver${missing === undefined ? '' : ` (skipped: ${missing})`}`, function () {
  this.timeout(120_000);
  let folder: TestFolder;
  let daemon: ChildProcess | undefined;

  before(function () {
    if (missing !== undefined) this.skip();
  });
  beforeEach(() => {
    folder = testFolder();
    daemon = undefined;
  });
  afterEach(async () => {
    daemon?.kill();
    await endAll();
    folder.remove();
  });

  /** With `-b` gpsd only listens; without it, it configures what it reads. It looks for the rate from 9600 baud on, unless told by `-s`. */
  async function fixOf(device: string, options: readonly string[] = []): Promise<Fix> {
    const port = String(20_000 + (process.pid % 20_000));
    daemon = spawn('gpsd', ['-N', '-n', ...options, '-S', port, device], { stdio: 'ignore', timeout: 110_000 });
    return firstFix(port);
  }

  for (const [profile, latDeg, lonDeg, options] of [
    ['gnss-nmea-1hz', 52.516, 13.378, []],
    ['gnss-ubx-5hz', -33.857, 151.215, ['-s', '38400']],
    ['gnss-ubx-5hz', -33.857, 151.215, ['-s', '38400', '-b']],
  ] as const)
    it(`has a fix of ${profile} through a pseudo-terminal${options.length > 2 ? ', only listening' : ''}`, async () => {
      const terminal = await startTerminal(folder.path, profile);
      const fix = await fixOf(terminal.path, options);
      expect(fix.lat).to.be.closeTo(latDeg, 0.01);
      expect(fix.lon).to.be.closeTo(lonDeg, 0.01);
    });

  it('has a fix of gnss-nmea-1hz over TCP', async () => {
    const shown = startRig(['export', 'sim:gnss-nmea-1hz', '--tcp', '127.0.0.1:0', '-q']);
    await shown.says(/^.+\n/);
    const fix = await fixOf(`tcp://${shown.out.trim()}`);
    expect(fix.lat).to.be.closeTo(52.516, 0.01);
    expect(fix.lon).to.be.closeTo(13.378, 0.01);
  });
});
