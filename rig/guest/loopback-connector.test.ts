/** Tests of the loopback connector against servers of this process: only listed ports, only at a poll, never unbounded. */

import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { RigError } from '../errors.js';
import { nextTurn } from '../wiring/host-time.js';
import { LoopbackConnector, type LoopbackHandlers, type LoopbackStream } from './loopback-connector.js';

/** The network's end: keeps what it is told, and takes as much as it is said to. */
class Guest implements LoopbackHandlers {
  readonly calls: string[] = [];
  readonly #chunks: Uint8Array[] = [];
  room = Number.POSITIVE_INFINITY;

  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  connected(): void {
    this.calls.push('connected');
  }

  refused(): void {
    this.calls.push('refused');
  }

  data(bytes: Uint8Array, offset: number, length: number): number {
    const count = Math.min(length, this.room);
    this.#chunks.push(bytes.slice(offset, offset + count));
    this.room -= count;
    return count;
  }

  writable(): void {
    this.calls.push('writable');
  }

  ended(): void {
    this.calls.push('ended');
  }

  reset(): void {
    this.calls.push('reset');
  }
}

describe('LoopbackConnector', () => {
  const servers: Server[] = [];
  const connectors: LoopbackConnector[] = [];

  afterEach(() => {
    for (const connector of connectors.splice(0)) connector.close();
    for (const server of servers.splice(0)) server.close();
  });

  async function serve(onConnection: (socket: Socket) => void): Promise<number> {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      // What a test leaves open is reset at its end.
      socket.on('error', () => {});
      onConnection(socket);
    });
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  function connectTo(port: number) {
    const connector = new LoopbackConnector({ ports: [port] });
    connectors.push(connector);
    const guest = new Guest();
    const stream = connector.connect(port, guest);
    if (stream === undefined) throw new Error('the port was refused');
    return { connector, guest, stream };
  }

  async function pollUntil(connector: LoopbackConnector, isDone: () => boolean): Promise<void> {
    while (!isDone()) {
      connector.poll();
      await nextTurn();
    }
  }

  function send(stream: LoopbackStream, bytes: Uint8Array): number {
    return stream.write(bytes, 0, bytes.length);
  }

  it('refuses every port that is not in the list, and lists that hold no ports', () => {
    const connector = new LoopbackConnector({ ports: [8080] });
    expect(connector.connect(8081, new Guest())).to.equal(undefined);
    expect(connector.connections).to.equal(0);
    for (const port of [0, 65_536, 1.5, Number.NaN])
      expect(() => new LoopbackConnector({ ports: [port] }))
        .to.throw(RigError)
        .with.property('code', 'RIG_USAGE');
  });

  it('connects to the loopback address, echoes, and closes when both sides have', async () => {
    const peers: (string | undefined)[] = [];
    const port = await serve((socket) => {
      peers.push(socket.localAddress);
      socket.pipe(socket);
    });
    const { connector, guest, stream } = connectTo(port);
    await pollUntil(connector, () => guest.calls.includes('connected'));
    const message = Buffer.from('hello, host');
    expect(send(stream, message)).to.equal(message.length);
    message.fill(0);
    stream.end();
    await pollUntil(connector, () => connector.connections === 0);
    expect(guest.received.toString()).to.equal('hello, host');
    expect(guest.calls).to.deep.equal(['connected', 'ended']);
    expect(peers).to.deep.equal(['127.0.0.1']);
  });

  it('tells nothing between polls', async () => {
    let served = false;
    const port = await serve((socket) => {
      socket.end('early');
      served = true;
    });
    const { connector, guest } = connectTo(port);
    while (!served) await nextTurn();
    for (let i = 0; i < 20; i++) await nextTurn();
    expect([guest.calls, guest.received.length]).to.deep.equal([[], 0]);
    await pollUntil(connector, () => guest.calls.includes('ended'));
    expect(guest.received.toString()).to.equal('early');
    expect(connector.poll()).to.equal(false);
  });

  it('says that nobody listens', async () => {
    const port = await serve(() => {});
    servers[0].close();
    await once(servers[0], 'close');
    const { connector, guest } = connectTo(port);
    await pollUntil(connector, () => connector.connections === 0);
    expect(guest.calls).to.deep.equal(['refused']);
  });

  it('passes a reset on, either way', async () => {
    let peer: Socket | undefined;
    const errors: (string | undefined)[] = [];
    const port = await serve((socket) => {
      peer = socket;
      socket.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code));
      socket.resume();
    });
    const byHost = connectTo(port);
    await pollUntil(byHost.connector, () => peer !== undefined && byHost.guest.calls.includes('connected'));
    peer?.resetAndDestroy();
    await pollUntil(byHost.connector, () => byHost.connector.connections === 0);
    expect(byHost.guest.calls).to.deep.equal(['connected', 'reset']);
    expect(send(byHost.stream, Uint8Array.of(1))).to.equal(0);

    peer = undefined;
    const byGuest = connectTo(port);
    await pollUntil(byGuest.connector, () => peer !== undefined && byGuest.guest.calls.includes('connected'));
    byGuest.stream.reset();
    await pollUntil(byGuest.connector, () => errors.length > 0);
    expect(errors).to.deep.equal(['ECONNRESET']);
    expect(byGuest.guest.calls).to.deep.equal(['connected']);
  });

  it('keeps a bounded part of what a guest does not take, and delivers all of it in the end', async () => {
    const whole = Buffer.alloc(16 * 1024 * 1024, 'rigvisor');
    let sender: Socket | undefined;
    const port = await serve((socket) => {
      sender = socket;
      socket.end(whole);
    });
    const { connector, guest, stream } = connectTo(port);
    guest.room = 0;
    await pollUntil(connector, () => sender !== undefined && guest.calls.includes('connected'));
    for (let i = 0; i < 500; i++) {
      connector.poll();
      await nextTurn();
    }
    expect(sender?.bytesWritten).to.equal(whole.length);
    expect(sender?.writableLength, 'the host waits').to.be.above(0);
    guest.room = Number.POSITIVE_INFINITY;
    expect(connector.poll(), 'before the network says that it has room').to.equal(false);
    stream.resume();
    await pollUntil(connector, () => guest.calls.includes('ended'));
    expect(guest.received.equals(whole)).to.equal(true);
  });

  it('takes no more from a guest than the host does, and says when it does again', async () => {
    let peer: Socket | undefined;
    const port = await serve((socket) => {
      peer = socket;
      socket.pause();
    });
    const { connector, guest, stream } = connectTo(port);
    await pollUntil(connector, () => peer !== undefined && guest.calls.includes('connected'));
    const block = new Uint8Array(32 * 1024);
    let sent = 0;
    for (let idle = 0; idle < 50; idle++) {
      const taken = send(stream, block);
      sent += taken;
      if (taken > 0) idle = 0;
      await nextTurn();
    }
    expect(send(stream, block)).to.equal(0);
    let arrived = 0;
    peer?.on('data', (bytes: Buffer) => {
      arrived += bytes.length;
    });
    peer?.resume();
    await pollUntil(connector, () => guest.calls.includes('writable'));
    await pollUntil(connector, () => arrived === sent);
    expect(send(stream, block)).to.equal(block.length);
  });
});
