import { expect } from 'chai';
import { VirtualClock } from '../../base/index.js';
import { HalError } from '../errors.js';
import { injectFaults } from './inject-faults.js';
import { LINE_STATUS, type LineSettings, MODEM_CONTROL, MODEM_STATUS } from './serial-port.js';
import { createSimulatedLink } from './simulated-port.js';
import { type SerialTap, tapPort } from './tap.js';

const LINE: LineSettings = { baudRate: 10000, dataBits: 8, parity: 'none', stopBits: 1 };

/** Writes down what it is shown, one line each. */
function writingTap(lines: string[]): SerialTap {
  return {
    received: (byte, status, atNs) => lines.push(`${atNs} rx ${byte} ${status}`),
    transmitted: (bytes, offset, length, atNs) =>
      lines.push(`${atNs} tx ${[...bytes.subarray(offset, offset + length)].join(',')}`),
    configured: (line, atNs) => lines.push(`${atNs} line ${line.baudRate}`),
    modemControl: (bits, atNs) => lines.push(`${atNs} control ${bits}`),
    modemStatus: (bits, atNs) => lines.push(`${atNs} status ${bits}`),
    disconnected: (error, atNs) => lines.push(`${atNs} ${error.code}`),
    closed: (atNs) => lines.push(`${atNs} closed`),
    fault: (fault) => lines.push(`${fault.atNs} fault ${fault.kind}`),
  };
}

describe('tapPort', () => {
  it('shows everything that crosses the port, before it has its effect, at the time of its clock', () => {
    const clock = new VirtualClock();
    const [a, b] = createSimulatedLink({ clock, names: ['sim:a', 'sim:b'], line: LINE });
    const lines: string[] = [];
    const port = tapPort(a, writingTap(lines), clock);
    port.attach({
      receive: (byte) => lines.push(`host ${byte}`),
      modemStatus: (bits) => lines.push(`host status ${bits}`),
      disconnected: (error) => lines.push(`host ${error.code}`),
    });
    b.attach({ receive: (byte) => lines.push(`device ${byte}`), modemStatus: () => {}, disconnected: () => {} });
    expect(port.name).to.equal('sim:a');
    port.configure({ ...LINE });
    port.transmit(Uint8Array.of(9, 1, 2, 9), 1, 2);
    port.modemControl(MODEM_CONTROL.dtr);
    clock.advanceTo(1_500_000);
    b.transmit(Uint8Array.of(7), 0, 1);
    b.modemControl(MODEM_CONTROL.rts);
    clock.advanceTo(3_000_000);
    a.unplug();
    port.close();
    port.close();
    expect(lines).to.deep.equal([
      '0 line 10000',
      '0 tx 1,2',
      '0 control 1',
      'device 1',
      `1500000 status ${MODEM_STATUS.cts}`,
      `host status ${MODEM_STATUS.cts}`,
      'device 2',
      '2500000 rx 7 0',
      'host 7',
      '3000000 HAL_DISCONNECTED',
      'host HAL_DISCONNECTED',
      '3000000 closed',
    ]);
  });

  it('serves as the listener of a fault injector under it', () => {
    const clock = new VirtualClock();
    const [a, b] = createSimulatedLink({ clock, names: ['sim:a', 'sim:b'], line: LINE });
    const lines: string[] = [];
    const tap = writingTap(lines);
    const faulty = injectFaults(a, {
      seed: 1,
      clock,
      plan: { events: [{ kind: 'parity', atIndex: 0 }] },
      listener: tap,
    });
    tapPort(faulty, tap, clock).attach({ receive: () => {}, modemStatus: () => {}, disconnected: () => {} });
    b.transmit(Uint8Array.of(0), 0, 1);
    clock.runUntilIdle(1e9);
    expect(lines[0]).to.equal('1000000 fault parity');
    expect(lines[1]).to.match(new RegExp(`^1000000 rx \\d+ ${LINE_STATUS.parity}$`));
  });

  it('passes on the error of a port that refuses a call', () => {
    const clock = new VirtualClock();
    const [a] = createSimulatedLink({ clock, names: ['sim:a', 'sim:b'], line: LINE });
    const port = tapPort(a, writingTap([]), clock);
    port.close();
    expect(() => port.transmit(Uint8Array.of(1), 0, 1))
      .to.throw(HalError)
      .with.property('code', 'HAL_CLOSED');
  });
});
