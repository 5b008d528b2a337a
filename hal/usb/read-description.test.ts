/** Tests of asking a device for its descriptors, honest and hostile. */

import { expect } from 'chai';
import { createRandom, ENDPOINT_IN, URB_STATUS, type Urb } from '../../base/index.js';
import { HalError } from '../errors.js';
import { TestHidPeripheral } from '../hid/test-hid-peripheral.js';
import { readDescription, type UndescribedPort } from './read-description.js';
import { StandardRequests } from './standard-requests.js';
import type { UsbDescription, UsbSink } from './usb-port.js';

const EMPTY: UsbDescription = {
  speed: 'full',
  device: new Uint8Array(0),
  configurations: [],
  strings: new Map(),
  reports: new Map(),
};

/** Answers control transfers by a function; nothing where that answers undefined. */
class AnsweringPort implements UndescribedPort {
  readonly name = 'test';
  description = EMPTY;
  asked = 0;
  #sink: UsbSink | undefined;

  constructor(readonly answer: (setup: Uint8Array, data: Uint8Array) => number | undefined) {}

  attach(sink: UsbSink): void {
    this.#sink = sink;
  }

  detach(): void {
    this.#sink = undefined;
  }

  get attached(): boolean {
    return this.#sink !== undefined;
  }

  submit(urb: Urb): void {
    this.asked++;
    queueMicrotask(() => {
      const answer = this.answer(urb.setup, urb.data);
      if (answer === undefined) return;
      urb.status = answer < 0 ? URB_STATUS.stall : URB_STATUS.ok;
      urb.actualLength = Math.max(0, answer);
      this.#sink?.completed(urb);
    });
  }

  cancel(urb: Urb): void {
    urb.status = URB_STATUS.unlinked;
    urb.actualLength = 0;
    this.#sink?.completed(urb);
  }

  reset(): void {}
  close(): void {}
}

async function code(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'read';
  } catch (error) {
    expect(error).to.be.instanceOf(HalError);
    return (error as HalError).code;
  }
}

describe('readDescription', () => {
  const { description } = new TestHidPeripheral({ numbered: true, withOutput: true });

  it('reads everything a device says of itself, and gives its host side up', async () => {
    const requests = new StandardRequests(description, { configured: () => {} });
    const port = new AnsweringPort((setup, data) => requests.answer(setup, data));
    const described = await readDescription(port, 'full', 1000);
    expect(described.description).to.deep.equal(description);
    expect(port.attached).to.equal(false);
  });

  it('leaves out strings and reports that the device refuses', async () => {
    const requests = new StandardRequests(description, { configured: () => {} });
    const port = new AnsweringPort((setup, data) =>
      setup[3] === 3 || setup[3] === 0x22 ? -2 : requests.answer(setup, data),
    );
    const { strings, reports } = (await readDescription(port, 'full', 1000)).description;
    expect([strings.size, reports.size]).to.deep.equal([0, 0]);
  });

  it('fails with a code when the device refuses, is silent or talks nonsense', async () => {
    expect(await code(readDescription(new AnsweringPort(() => -2), 'full', 1000))).to.equal('HAL_IO');
    expect(await code(readDescription(new AnsweringPort(() => undefined), 'full', 20))).to.equal('HAL_TIMEOUT');
    expect(await code(readDescription(new AnsweringPort(() => 0), 'full', 1000))).to.equal('HAL_INVALID');
    const half = new AnsweringPort((setup, data) => {
      if (setup[3] === 2) return 3;
      data.set(description.device.subarray(0, data.length));
      return Math.min(18, data.length);
    });
    expect(await code(readDescription(half, 'full', 1000))).to.equal('HAL_INVALID');
  });

  it('ends after a bounded number of requests, whatever it is answered', async () => {
    const random = createRandom('hostile device');
    const requests = new StandardRequests(description, { configured: () => {} });
    const outcomes = new Set<string>();
    for (let round = 0; round < 1000; round++) {
      const port = new AnsweringPort((setup, data) => {
        const count = requests.answer(setup, data);
        for (let i = 0; i < data.length; i++) if (random.below(25) === 0) data[i] = random.below(256);
        return random.below(20) === 0 ? random.below(data.length + 1) : count;
      });
      outcomes.add(await code(readDescription(port, 'full', 1000)));
      expect(port.asked).to.be.lessThan(1 + 8 * 2 + 64 + 256);
    }
    expect([...outcomes].sort()).to.deep.equal(['HAL_INVALID', 'HAL_IO', 'read']);
  });

  it('asks by control transfers to the device only', async () => {
    const requests = new StandardRequests(description, { configured: () => expect.fail('it was configured') });
    const port = new AnsweringPort((setup, data) => {
      expect(setup[0] & ENDPOINT_IN).to.equal(ENDPOINT_IN);
      return requests.answer(setup, data);
    });
    await readDescription(port, 'full', 1000);
  });
});
