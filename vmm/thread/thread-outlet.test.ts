import { expect } from 'chai';
import { ThreadOutlet } from './thread-outlet.js';
import { createThreadMemory, OUTBOUND } from './thread-protocol.js';
import { VcpuOutbox } from './vcpu-outbox.js';

describe('ThreadOutlet', () => {
  it('hands nothing on while it gathers, and in order what was gathered from inside a call that hands on', () => {
    const memory = createThreadMemory();
    const outbox = new VcpuOutbox(
      memory,
      () => 0,
      () => {},
    );
    const seen: number[] = [];
    const later = Array.from({ length: 5_000 }, (_, i) => i);
    const outlet: ThreadOutlet = new ThreadOutlet(memory, {
      console: (byte) => seen.push(byte),
      handover: () => {},
      departure: () => {},
      report: (record, length) => {
        for (const word of later) outbox.put(OUTBOUND.console, word);
        outbox.commit();
        outlet.gather();
        seen.push(...record.subarray(0, length));
      },
    });
    outbox.report(Uint8Array.of(7, 8), 2, 0);
    outbox.put(OUTBOUND.console, 9);
    outbox.commit();
    outlet.gather();
    expect(seen).to.deep.equal([]);
    expect(outlet.take()).to.equal(2 + later.length);
    expect(seen).to.deep.equal([7, 8, 9, ...later]);
    expect(outlet.take()).to.equal(0);
  });
});
