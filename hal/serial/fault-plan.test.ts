/** Tests of the check of fault plans: what is misspelt is refused, not left out. */

import { expect } from 'chai';
import { HalError } from '../errors.js';
import { checkFaultPlan } from './fault-plan.js';

/** As a plan comes from a file or from untyped code. */
const check = (text: string) => () => checkFaultPlan(JSON.parse(text));

describe('checkFaultPlan', () => {
  it('accepts a plan that uses every key', () => {
    check(`{
      "receive": {"drop": 0.1, "corrupt": 0.1, "duplicate": 0.1, "parity": 0.1, "framing": 0.1, "break": 0.1,
        "overrun": 0.1, "delay": 0.1, "stall": 0.1, "overrunCount": 4, "durationNs": 5},
      "transmit": {"drop": 1},
      "events": [
        {"kind": "drop", "direction": "transmit", "atIndex": 3, "count": 2},
        {"kind": "unplug", "atNs": 9, "durationNs": 5}
      ]
    }`)();
    check('{}')();
  });

  for (const [plan, where, sentence] of [
    ['{"recieve": {"drop": 1}}', 'recieve', 'recieve is unknown; did you mean receive?'],
    ['{"receive": {"dorp": 1}}', 'receive.dorp', 'receive.dorp is unknown; did you mean drop?'],
    ['{"transmit": {"durationMs": 1}}', 'transmit.durationMs', 'did you mean durationNs?'],
    ['{"events": [{"kind": "drop", "at_index": 1}]}', 'events[0].at_index', 'did you mean atIndex?'],
    [
      '{"events": [{"kind": "drop", "atNs": 1, "probability": 1}]}',
      'events[0].probability',
      'it may have kind, direction',
    ],
    ['{"events": [{"kind": "dropp", "atNs": 1}]}', 'events[0].kind', 'not dropp'],
    ['{"events": [{"kind": "drop", "atNs": 1, "direction": "recieve"}]}', 'events[0].direction', 'not recieve'],
    ['{"events": {"kind": "drop", "atNs": 1}}', 'events', 'events is a list'],
    ['{"receive": 0.5}', 'receive', 'receive is an object with drop'],
    ['{"receive": {"drop": "0.5"}}', 'receive.drop', 'is a chance from 0 to 1'],
    ['[]', 'it', 'it is an object with receive, transmit, events'],
  ]) {
    it(`refuses ${plan}`, () => {
      expect(check(plan)).to.throw(HalError, sentence).that.deep.includes({ code: 'HAL_INVALID', where });
    });
  }
});
