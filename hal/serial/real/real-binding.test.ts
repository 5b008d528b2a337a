import { expect } from 'chai';
import { WallClock } from '../../../base/index.js';
import type { HalError } from '../../errors.js';
import { HostRequestError } from '../../host-process/host-process.js';
import { alive, ptyMissing, refusal } from '../../host-process/process-test-kit.js';
import { type DialogueStep, describeSerialBinding } from '../binding-suite.js';
import { wallTime } from '../passing-time.js';
import type { ChunkArrival } from '../port-from-binding.js';
import { createPtyPair } from '../pty/pty-pair.js';
import { ScriptedTerminal } from '../pty/scripted-terminal.js';
import { ScriptedDevice } from '../scripted-device.js';
import type { LineSettings } from '../serial-port.js';
import { type MachineView, portError } from './port-errors.js';
import { openRealPort, realBinding } from './real-binding.js';

const LINE: LineSettings = { baudRate: 115200, dataBits: 8, parity: 'none', stopBits: 1 };

const missing = ptyMissing();
const HARDWARE = (process.env.RIGVISOR_SERIAL ?? '').split(',').filter((path) => path !== '');

async function makePtyFixture(dialogue: readonly DialogueStep[]) {
  const clock = new WallClock();
  const pair = createPtyPair(clock);
  const device = new ScriptedTerminal(pair.paths[1], dialogue, () => pair.close());
  return {
    binding: realBinding(),
    path: pair.paths[0],
    missingPath: '/dev/ttyUSB99',
    baudRate: LINE.baudRate,
    time: wallTime(clock),
    start: () => device.start(),
    received: () => device.received(),
    close: async () => {
      device.close();
      pair.close();
    },
  };
}

describeSerialBinding('real, over a pseudo-terminal', makePtyFixture, {
  ...(missing === undefined ? {} : { unavailable: missing }),
  withoutList: 'pseudo-terminals are not listed',
  withoutModemLines: 'a pseudo-terminal has none',
});

async function makeHardwareFixture(dialogue: readonly DialogueStep[]) {
  const clock = new WallClock();
  const [path, peerPath] = HARDWARE;
  const peer = await openRealPort({ path: peerPath, line: LINE, clock });
  const device = new ScriptedDevice(LINE, dialogue, () => {});
  peer.attach({
    receive: (byte) => device.receive(byte),
    modemStatus: () => {},
    disconnected: () => {},
  });
  return {
    binding: realBinding(),
    path,
    missingPath: '/dev/ttyUSB99',
    baudRate: LINE.baudRate,
    time: wallTime(clock),
    start: () =>
      device.start({
        transmit: (bytes, offset, length) => {
          peer.transmit(bytes, offset, length);
          void peer.drained().then(() => device.transmitIdle());
        },
        breakFor: () => {},
        modemStatus: () => {},
        backlog: 0,
      }),
    received: () => Uint8Array.from(device.received),
    close: async () => {
      peer.close();
      await peer.whenClosed;
    },
  };
}

describeSerialBinding('real, hardware', makeHardwareFixture, {
  ...(HARDWARE.length === 2
    ? {}
    : { unavailable: 'RIGVISOR_SERIAL does not name two joined ports, like /dev/ttyUSB0,/dev/ttyUSB1' }),
  withoutLeaving: 'nobody pulls the cable',
});

describe(`openRealPort${missing === undefined ? '' : ` (pending: ${missing})`}`, () => {
  before(function () {
    if (missing !== undefined) this.skip();
  });

  async function openOne(dialogue: readonly DialogueStep[]) {
    const fixture = await makePtyFixture(dialogue);
    const clock = new WallClock();
    const chunks: ChunkArrival[] = [];
    const refused: HalError[] = [];
    const port = await openRealPort({
      path: fixture.path,
      line: LINE,
      clock,
      onChunk: (chunk) => chunks.push({ ...chunk, bytes: Uint8Array.from(chunk.bytes) }),
      onRefused: (error) => refused.push(error),
    });
    const received: number[] = [];
    const errors: HalError[] = [];
    let changed: () => void = () => {};
    port.attach({
      receive: (byte) => {
        received.push(byte);
        changed();
      },
      modemStatus: () => {},
      disconnected: (error) => {
        errors.push(error);
        changed();
      },
    });
    const until = async (condition: () => boolean) => {
      while (!condition())
        await fixture.time.settle(
          new Promise<void>((resolve) => {
            changed = resolve;
          }),
        );
    };
    const close = async () => {
      port.close();
      await port.whenClosed;
      await fixture.close();
    };
    return { fixture, clock, port, received, errors, chunks, refused, until, close };
  }

  it('stamps what arrives with the time of its arrival on the clock it was given', async () => {
    const { fixture, clock, port, received, chunks, until, close } = await openOne([
      { deviceSends: Uint8Array.of(1, 2, 3) },
    ]);
    const beforeNs = clock.now();
    fixture.start();
    await until(() => received.length === 3);
    const afterNs = clock.now();
    expect(received).to.deep.equal([1, 2, 3]);
    for (const chunk of chunks) {
      expect(chunk.atNs).to.be.within(beforeNs, afterNs);
      expect(chunk.waitingSinceNs).to.be.at.most(chunk.atNs);
    }
    expect(port.binding.lowLatency).to.equal(false);
    await close();
  });

  it('goes on when the port has no modem lines, and says so', async () => {
    const { fixture, port, received, refused, errors, until, close } = await openOne([
      { deviceSends: Uint8Array.of(7) },
    ]);
    port.modemControl(3);
    await fixture.time.settle(port.drained());
    fixture.start();
    await until(() => received.length === 1);
    expect(refused.map((e) => e.code)).to.deep.equal(['HAL_UNSUPPORTED']);
    expect(errors).to.deep.equal([]);
    await close();
  });

  it('changes the frame of an open port', async () => {
    const { fixture, port, received, refused, until, close } = await openOne([
      { hostSends: Uint8Array.of(9) },
      { deviceSends: Uint8Array.of(8) },
    ]);
    port.configure({ ...LINE, stopBits: 2, parity: 'even' });
    port.transmit(Uint8Array.of(9), 0, 1);
    await until(() => received.length === 1);
    expect(refused).to.deep.equal([]);
    expect(port.binding.openOptions).to.include({ stopBits: 2, parity: 'even' });
    expect(fixture.received()).to.deep.equal(Uint8Array.of(9));
    await close();
  });

  it('ends the port with HAL_HOST_PROCESS when the process that owns it dies', async () => {
    const { port, errors, until, close } = await openOne([]);
    const pid = port.binding.hostPid ?? 0;
    process.kill(pid, 'SIGSEGV');
    await until(() => errors.length === 1);
    expect(errors[0].code).to.equal('HAL_HOST_PROCESS');
    expect(errors[0].message).to.include('SIGSEGV');
    await close();
    expect(alive(pid)).to.equal(false);
  });

  it('leaves no process behind after close', async () => {
    const { port, close } = await openOne([]);
    const pid = port.binding.hostPid ?? 0;
    expect(alive(pid)).to.equal(true);
    await close();
    expect(alive(pid)).to.equal(false);
  });

  it('names the process that holds a port in use', async () => {
    const { fixture, port, close } = await openOne([]);
    const error = await refusal(realBinding().open({ path: fixture.path, baudRate: 9600 }));
    expect(error.code).to.equal('HAL_IN_USE');
    if (process.platform === 'linux') expect(error.message).to.include(`process ${port.binding.hostPid} (`);
    await close();
  });
});

describe('portError', () => {
  const machine: MachineView = {
    ports: () => ['/dev/ttyUSB0', '/dev/ttyACM3'],
    holders: () => [{ pid: 42, name: 'gpsd' }],
    group: () => 'dialout',
  };
  const said = (message: string, code?: string) => new HostRequestError({ message, code });
  const cases: [string, Error, string, string, RegExp, RegExp][] = [
    [
      'a missing port',
      said('Error: No such file or directory, cannot open /dev/ttyUSB1'),
      'open',
      'HAL_NOT_FOUND',
      /no port \/dev\/ttyUSB1/,
      /Did you mean \/dev\/ttyUSB0/,
    ],
    [
      'a port in use',
      said('Error Resource temporarily unavailable Cannot lock port'),
      'open',
      'HAL_IN_USE',
      /process 42 \(gpsd\)/,
      /End the program/,
    ],
    [
      'a refused port',
      said('Error: Permission denied, cannot open /dev/ttyUSB1'),
      'open',
      'HAL_DENIED',
      /refuses access/,
      /usermod -aG dialout/,
    ],
    [
      'a file',
      said('Error: Inappropriate ioctl for device setting custom baud rate of 9600'),
      'open',
      'HAL_UNSUPPORTED',
      /not a serial port/,
      /Did you mean/,
    ],
    [
      'missing modem lines',
      said('Error: Inappropriate ioctl for device, cannot set'),
      'set',
      'HAL_UNSUPPORTED',
      /cannot set/,
      /^$/,
    ],
    ['a pulled adapter', said('bad file descriptor'), 'read', 'HAL_DISCONNECTED', /is gone/, /cable/],
    ['a pulled adapter', said('EIO: i/o error, write', 'EIO'), 'write', 'HAL_DISCONNECTED', /is gone/, /cable/],
    [
      'anything else',
      said('Error: Something new, cannot drain'),
      'drain',
      'HAL_IO',
      /drain failed: Error: Something new/,
      /^$/,
    ],
  ];
  for (const [what, error, call, code, message, hint] of cases) {
    it(`explains ${what} (${call})`, () => {
      const explained = portError(error, '/dev/ttyUSB1', call, machine);
      expect(explained.code).to.equal(code);
      expect(explained.message).to.match(message);
      expect(explained.hint ?? '').to.match(hint);
      expect(explained.cause).to.equal(error);
    });
  }

  it('gives the udev rule when the port belongs to no group one could join', () => {
    const error = portError(said('Error: Permission denied, cannot open /dev/ttyUSB1'), '/dev/ttyUSB1', 'open', {
      ...machine,
      group: () => 'root',
    });
    expect(error.hint).to.include('SUBSYSTEM=="tty", KERNEL=="ttyUSB1"');
  });
});

describe('realBinding', () => {
  it('lists the ports of this machine, be there any or none, without udev too', async () => {
    const ports = await realBinding().list();
    expect(ports.every((port) => typeof port.path === 'string' && port.path !== '')).to.equal(true);
  });

  it('refuses a file that is no port', async () => {
    const error = await refusal(realBinding().open({ path: '/etc/passwd', baudRate: 9600 }));
    expect(error.code).to.be.oneOf(['HAL_UNSUPPORTED', 'HAL_NOT_FOUND']);
  });
});
