import { expect } from 'chai';
import { VirtualClock } from '../../base/index.js';
import type { HalError } from '../errors.js';
import { type DialogueStep, describeSerialBinding } from './binding-suite.js';
import { virtualTime } from './passing-time.js';
import { ScriptedDevice } from './scripted-device.js';
import type { LineSettings } from './serial-port.js';
import { simulatedBinding } from './simulated-binding.js';
import { createSimulatedPort } from './simulated-port.js';

const LINE: LineSettings = { baudRate: 115200, dataBits: 8, parity: 'none', stopBits: 1 };

function makeFixture(dialogue: readonly DialogueStep[]) {
  const clock = new VirtualClock();
  let device: ScriptedDevice | undefined;
  const binding = simulatedBinding({
    clock,
    ports: [
      {
        path: 'sim:scripted',
        create: () => {
          device = new ScriptedDevice(LINE, dialogue, () => port.unplug());
          const port = createSimulatedPort({ name: 'sim:scripted', clock, device });
          return port;
        },
      },
    ],
  });
  return {
    clock,
    binding,
    path: 'sim:scripted',
    missingPath: 'sim:scirpted',
    baudRate: LINE.baudRate,
    time: virtualTime(clock),
    start: () => {},
    received: () => Uint8Array.from(device?.received ?? []),
    close: async () => {},
  };
}

describeSerialBinding('simulated', async (dialogue) => makeFixture(dialogue));

describe('simulatedBinding', () => {
  it('names the port that was meant', async () => {
    const { binding } = makeFixture([]);
    const error: HalError = await binding.open({ path: 'sim:scriptde', baudRate: 9600 }).then(
      () => expect.fail('it opened'),
      (e) => e,
    );
    expect(error.hint).to.equal('Did you mean sim:scripted?');
  });

  it('drains when the last bit has left, to the nanosecond', async () => {
    const { binding, clock, time } = makeFixture([]);
    const port = await binding.open({ path: 'sim:scripted', baudRate: 115200 });
    await port.write(Buffer.alloc(100));
    await time.settle(port.drain());
    // Six runs of sixteen characters and one of four, each rounded down to a whole nanosecond.
    const run = (characters: number) => Math.floor((characters * 10e9) / 115200);
    expect(clock.now()).to.equal(6 * run(16) + run(4));
  });

  it('lets a write wait while 4 KiB are ahead of it', async () => {
    const { binding, clock, time } = makeFixture([]);
    const port = await binding.open({ path: 'sim:scripted', baudRate: 115200 });
    await port.write(Buffer.alloc(4096));
    expect(clock.now()).to.equal(0);
    await time.settle(port.write(Buffer.alloc(4096)));
    expect(clock.now() / 1e9).to.be.closeTo((4080 * 10) / 115200, 0.002);
  });

  it('drops on flush what was written and is not yet with the line', async () => {
    const { binding, received, time } = makeFixture([]);
    const port = await binding.open({ path: 'sim:scripted', baudRate: 115200 });
    await port.write(Buffer.alloc(1000));
    await port.flush();
    await time.settle(port.drain());
    await time.pass(1e9);
    expect(received()).to.have.length(16);
  });

  it('keeps received bytes up to its buffer and counts the rest as lost', async () => {
    const clock = new VirtualClock();
    const device = new ScriptedDevice(LINE, [{ deviceSends: new Uint8Array(100) }], () => {});
    const binding = simulatedBinding({
      clock,
      rxBufferBytes: 64,
      ports: [{ path: 'sim:small', create: () => createSimulatedPort({ name: 'sim:small', clock, device }) }],
    });
    const port = await binding.open({ path: 'sim:small', baudRate: 115200 });
    clock.advanceTo(1e9);
    expect((await port.read(Buffer.alloc(200), 0, 200)).bytesRead).to.equal(64);
    expect(port.lost).to.equal(36);
  });
});
