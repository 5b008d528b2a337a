/** Tests of how the stations of a path in wall time are stamped, with hand-made exchanges. */

import { expect } from 'chai';
import { WallClock } from '../../base/index.js';
import type { HostConnection, HostExchange, HostProvider } from '../../hal/index.js';
import type { Architecture, StationPassage } from '../run/run-types.js';
import { StationLog } from './station-log.js';
import { WallStations } from './wall-stations.js';

const ORIGIN = { unixNs: 0n, monotonicNs: 0n };
const NOWHERE = new URL('file:///nowhere');

describe('stations in wall time', () => {
  function stamped(architecture: Architecture) {
    const clock = new WallClock({ origin: ORIGIN, polled: true });
    const log = new StationLog();
    log.keepPassages(0);
    const stations = new WallStations(clock, log, architecture);
    const connection = { onAnswered: () => {} } as unknown as HostConnection<Record<string, never>>;
    const hosts: HostProvider = { connect: () => connection as never };
    stations.stamped(hosts).connect(NOWHERE, 'device');
    const nowNs = process.hrtime.bigint();
    const answer = (op: string, times: readonly number[]): void => {
      const [askedNs, heardNs, doneNs, answeredNs] = times.map((us) => nowNs + BigInt(1000 * us));
      connection.onAnswered({ op, askedNs, heardNs, doneNs, answeredNs } satisfies HostExchange);
    };
    /** Passages in microseconds since `stamped`; those that end at the clock's present time have none. */
    const passages = (): string[] =>
      (log.passages as readonly StationPassage[]).map(
        ({ direction, station, fromNs, toNs }) => `${direction} ${station} ${Math.round((toNs - fromNs) / 1000)}`,
      );
    return { stations, answer, passages, atUs: (us: number) => Number(nowNs) + 1000 * us };
  }

  it('hosted, stamps the way of what a guest writes through the I/O process to the host OS', () => {
    const { answer, passages } = stamped('hosted');
    answer('write', [0, 30, 100, 180]);
    expect(passages()).to.deep.equal(['out ioProcess 30', 'out hostOs 70']);
  });

  it('hosted, stamps the way of a transfer out and the way of its data back', () => {
    const { answer, passages, stations, atUs } = stamped('hosted');
    answer('transferIn', [0, 30, 100, 180]);
    stations.handover(atUs(200), atUs(260));
    expect(passages()).to.deep.equal(['out ioProcess 30', 'out hostOs 70', 'in ioProcess 80', 'in driver 80']);
  });

  it('partitioned, there is the loop between the host OS and the guest, and nothing else', () => {
    const { answer, passages, stations, atUs } = stamped('partitioned');
    answer('transferIn', [0, 5, 100, 100]);
    stations.handover(atUs(120), atUs(150));
    expect(passages()).to.deep.equal(['out hostOs 95', 'in cellLoop 50']);
  });

  it('stamps a burst that waited for nothing new from when it was handed over', () => {
    const { passages, stations, atUs } = stamped('hosted');
    stations.handover(atUs(10), atUs(35));
    expect(passages()).to.deep.equal(['in driver 25']);
  });

  it('takes requests that carry no data for no station', () => {
    const { answer, passages } = stamped('hosted');
    for (const op of ['open', 'get', 'drain', 'close']) answer(op, [0, 1, 2, 3]);
    expect(passages()).to.deep.equal([]);
  });
});
