/** The I/O process: owns every device of a run, each with a host in a seat of its own. Started by `IoProcess`. */

import { type AnyHost, loadHost } from './host-connection.js';
import type { IoRequests, SeatMessage } from './io-protocol.js';
import { sendToParent, serveHost } from './serve-host.js';

const seats = new Map<number, AnyHost>();

serveHost<IoRequests, SeatMessage>(
  {
    async take({ seat, factory }) {
      const host = await loadHost(factory, (body) => sendToParent({ seat, body } satisfies SeatMessage));
      seats.set(seat, host);
      return undefined;
    },
    async call({ seat, op, args }) {
      const host = seats.get(seat);
      if (host === undefined) throw new Error(`seat ${seat} is empty`);
      return host.handlers[op](args);
    },
    async leave(seat) {
      const host = seats.get(seat);
      seats.delete(seat);
      await host?.end?.();
      return undefined;
    },
  },
  {
    hear: ({ seat, body }) => seats.get(seat)?.hear?.(body),
    end: async () => {
      await Promise.allSettled([...seats.values()].map(async (host) => host.end?.()));
    },
  },
);
