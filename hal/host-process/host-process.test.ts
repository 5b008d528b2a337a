import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { WallClock } from '../../base/index.js';
import type { HalError } from '../errors.js';
import { wallTime } from '../serial/passing-time.js';
import { HostProcess, type HostProcessOptions } from './host-process.js';
import { alive, refusal } from './process-test-kit.js';

interface TestRequests {
  ping: { args: undefined; answer: undefined };
  list: { args: undefined; answer: undefined };
}

async function untilGone(clock: WallClock, pid: number): Promise<void> {
  const time = wallTime(clock);
  for (const limitNs = clock.now() + 5e9; alive(pid); ) {
    if (clock.now() > limitNs) throw new Error(`process ${pid} lives on`);
    await time.pass(10_000_000);
  }
}

describe('HostProcess', () => {
  const start = (options: Omit<HostProcessOptions, 'where'>): HostProcess<TestRequests> =>
    new HostProcess({ where: '/dev/ttyTEST', ...options });
  const directory = mkdtempSync(join(tmpdir(), 'rigvisor-host-'));
  after(() => rmSync(directory, { recursive: true }));

  function program(name: string, source: string): URL {
    const path = join(directory, `${name}.mjs`);
    writeFileSync(path, source);
    return pathToFileURL(path);
  }

  it('ends a process that hangs and says so', async () => {
    const module = program('hang', `process.on('message', () => { for (;;) {} });`);
    const host = start({ module, heartbeatMs: 50, missedHeartbeats: 3 });
    const error = await refusal(host.request('ping', undefined));
    expect(error.code).to.equal('HAL_HOST_PROCESS');
    expect(error.message).to.match(/the process that owns \/dev\/ttyTEST gave no sign of life/);
    await host.end();
  });

  it('passes on the last words of a process that crashes', async () => {
    const module = program(
      'crash',
      `process.on('message', () => { console.error('x'.repeat(5000) + ' driver: bad magic'); process.exit(3); });`,
    );
    const host = start({ module });
    const lost: HalError[] = [];
    host.onLost = (error) => lost.push(error);
    const error = await refusal(host.request('ping', undefined));
    expect(error.code).to.equal('HAL_HOST_PROCESS');
    expect(error.message).to.match(/exit code 3; its last words: x+ driver: bad magic$/);
    expect(error.message.length).to.be.below(2200);
    expect(lost).to.deep.equal([error]);
    expect(await refusal(host.request('list', undefined))).to.equal(error);
    await host.end();
  });

  it('lets no request wait longer than its deadline', async () => {
    const module = program(
      'deaf',
      `process.on('message', ({ id, op }) => { if (op === 'ping') process.send({ id }); });
       process.on('disconnect', () => process.exit());`,
    );
    const host = start({ module, heartbeatMs: 50 });
    const error = await refusal(host.request('list', undefined, 200));
    expect(error.code).to.equal('HAL_TIMEOUT');
    expect(error.message).to.equal('/dev/ttyTEST: list did not finish within 200 ms');
    await host.end();
  });

  it('ends by force a process that does not end by itself', async () => {
    const module = program(
      'stay',
      `setInterval(() => {}, 1000); process.on('message', ({ id }) => process.send({ id }));`,
    );
    const host = start({ module });
    await host.request('ping', undefined);
    const pid = host.pid ?? 0;
    await host.end();
    expect(alive(pid)).to.equal(false);
  });

  it('ends with the process that started it, even when that is killed', async function () {
    if (process.platform !== 'linux') {
      console.log('      skipped: needs /proc');
      this.skip();
    }
    const supervisor = new URL('./host-process.js', import.meta.url).href;
    const service = new URL('./serve-host.js', import.meta.url).href;
    const child = program('child', `import { serveHost } from '${service}'; serveHost({});`);
    const parent = program(
      'parent',
      `import { HostProcess } from '${supervisor}';
       const host = new HostProcess({ where: 'test', module: new URL('${child.href}') });
       await host.request('ping', undefined);
       console.log(host.pid);`,
    );
    const started = spawn(process.execPath, [parent.pathname], { stdio: ['ignore', 'pipe', 'inherit'] });
    const pid = await new Promise<number>((resolve) => started.stdout.once('data', (text) => resolve(Number(text))));
    expect(alive(pid)).to.equal(true);
    started.kill('SIGKILL');
    await untilGone(new WallClock(), pid);
  });
});
