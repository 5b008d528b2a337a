/** Tests of the TCP export: what programs hear, say and lose. */

import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { WallClock } from '../../../base/index.js';
import type { HalError } from '../../errors.js';
import { createSimulatedLink } from '../simulated-port.js';
import { serveTcp, type TcpExport } from './serve-tcp.js';

const LINE = { baudRate: 921_600, dataBits: 8, parity: 'none', stopBits: 1 } as const;

describe('a serial port over TCP', () => {
  let exported: TcpExport;
  let heard: number[];
  let say: (text: string) => void;

  beforeEach(async () => {
    const [port, peer] = createSimulatedLink({ clock: new WallClock(), names: ['shown', 'device'], line: LINE });
    heard = [];
    peer.attach({ receive: (byte) => heard.push(byte), modemStatus: () => {}, disconnected: () => {} });
    say = (text) => peer.transmit(Buffer.from(text), 0, text.length);
    exported = await serveTcp({ port });
  });

  afterEach(() => exported.close());

  function dial(): Promise<Socket> {
    const [host, port] = exported.path.split(':');
    return new Promise((resolve) => {
      const socket = connect(Number(port), host, () => resolve(socket));
    });
  }

  function hears(socket: Socket, length: number): Promise<string> {
    return new Promise((resolve) => {
      let text = '';
      socket.on('data', (piece) => {
        text += piece.toString();
        if (text.length >= length) resolve(text);
      });
    });
  }

  it('carries characters both ways, to every program', async () => {
    const sockets = [await dial(), await dial()];
    const heardBy = sockets.map((socket) => hears(socket, 5));
    await new Promise((resolve) => setTimeout(resolve, 10));
    say('hello');
    expect(await Promise.all(heardBy)).to.deep.equal(['hello', 'hello']);
    sockets[0].write('you');
    while (heard.length < 3) await new Promise((resolve) => setTimeout(resolve, 2));
    expect(Buffer.from(heard).toString()).to.equal('you');
    expect(exported.opened).to.equal(true);
    expect(exported.lost).to.equal(0);
  });

  it('counts what nobody heard', async () => {
    const socket = await dial();
    await new Promise((resolve) => setTimeout(resolve, 10));
    socket.destroy();
    while (exported.opened) await new Promise((resolve) => setTimeout(resolve, 2));
    say('lost');
    while (exported.lost < 4) await new Promise((resolve) => setTimeout(resolve, 2));
    expect(exported.lost).to.equal(4);
  });

  it('says that an address is in use', async () => {
    const [other] = createSimulatedLink({ clock: new WallClock(), names: ['a', 'b'], line: LINE });
    try {
      await serveTcp({ port: other, tcpPort: Number(exported.path.split(':')[1]) });
      expect.fail('it listens twice');
    } catch (error) {
      expect((error as HalError).code).to.equal('HAL_IN_USE');
    }
  });
});
