/** Physical memory protection: matching, rights, priority, locks, and what M and U mode may do. */

import { expect } from 'chai';
import { type CreateVcpu, DEVICE, VcpuBench } from './vcpu-bench.js';

const OFF = 0;
const TOR = 1 << 3;
const NA4 = 2 << 3;
const NAPOT = 3 << 3;
const R = 1;
const W = 2;
const X = 4;
const LOCK = 0x80;

/** One entry: configuration byte and `pmpaddr`. */
type Entry = readonly [config: number, address: number];

/** `pmpaddr` of a naturally aligned power of two. */
const napot = (base: number, length: number): number => base / 4 + (length / 8 - 1);

const ALL: Entry = [NAPOT | R | W | X, 0xffff_ffff];
const DATA = 0x8000_2000;
const TEXT_PAGE: Entry = [NAPOT | X, napot(0x8000_0000, 0x1000)];

function program(entries: readonly Entry[], body: string, mode: 'user' | 'machine'): string {
  const writes = entries.map(([, address], i) => `li t0, ${address}\ncsrw pmpaddr${i}, t0`);
  const configs = [0, 4, 8, 12].map((first) => {
    const value = entries.slice(first, first + 4).reduce((sum, [config], i) => sum + config * 2 ** (8 * i), 0);
    return `li t0, ${value}\ncsrw pmpcfg${first / 4}, t0`;
  });
  const enter = mode === 'user' ? 'csrw mepc, s11\nmret' : 'jr s11';
  return `la t0, handler\ncsrw mtvec, t0\nla s11, body\n${writes.join('\n')}\n${configs.join('\n')}\n${enter}
    body: ${body}
    done: nop
    .align 2
    handler: nop`;
}

type Outcome = 'permitted' | number;

/** How one instruction ends in `mode`: permitted (to a device: by an exit), or the cause of its trap. */
function attempt(
  create: CreateVcpu,
  entries: readonly Entry[],
  body: string,
  mode: 'user' | 'machine',
  s0 = DATA,
): Outcome {
  const bench = new VcpuBench(create, program(entries, body, mode));
  bench.set('s0', s0);
  for (let i = 0; i < 200; i++) {
    if (bench.pc === bench.address('done')) return 'permitted';
    // The handler's first instruction has run when `step` returns from a trap.
    if (bench.pc === bench.address('handler') + 4) {
      const epc = bench.csr('mepc');
      const isInBody = epc >= bench.address('body') && epc < bench.address('done');
      expect(isInBody || bench.csr('mcause') === 1, 'where it trapped').to.equal(true);
      return bench.csr('mcause');
    }
    if (bench.step().reason.startsWith('mmio')) return 'permitted';
  }
  throw new Error('The program did not end.');
}

const LOAD = 'lw a0, 0(s0)';
const STORE = 'sw a0, 0(s0)';
const JUMP = 'jr s0';

export function describePmp(create: CreateVcpu): void {
  const user = (entries: readonly Entry[], body: string, s0?: number): Outcome =>
    attempt(create, entries, body, 'user', s0);
  const machine = (entries: readonly Entry[], body: string, s0?: number): Outcome =>
    attempt(create, entries, body, 'machine', s0);

  describe('physical memory protection', () => {
    it('denies U mode everything until an entry permits it, and M mode nothing', () => {
      expect(user([], 'nop')).to.equal(1);
      expect(user([ALL], LOAD)).to.equal('permitted');
      expect(user([ALL], STORE)).to.equal('permitted');
      expect(machine([], LOAD)).to.equal('permitted');
    });

    for (const [name, rights, load, store] of [
      ['nothing', 0, 5, 7],
      ['reads', R, 'permitted', 7],
      ['reads and writes', R | W, 'permitted', 'permitted'],
      ['execution', X, 5, 7],
    ] as const) {
      it(`lets U mode do what the entry permits: ${name}`, () => {
        const entries: Entry[] = [[NAPOT | rights, napot(DATA, 0x1000)], ALL];
        expect(user(entries, LOAD)).to.equal(load);
        expect(user(entries, STORE)).to.equal(store);
        expect(user(entries, 'amoadd.w a0, a0, (s0)')).to.equal(store);
        expect(user(entries, 'lr.w a0, (s0)')).to.equal(load);
        expect(user(entries, 'sc.w a0, a0, (s0)')).to.equal(store);
        expect(machine(entries, STORE)).to.equal('permitted');
      });
    }

    it('checks fetches, to the halfword that may not be fetched', () => {
      expect(user([TEXT_PAGE, [NAPOT | R | W, napot(DATA, 0x1000)]], JUMP)).to.equal(1);
      const bench = new VcpuBench(
        create,
        program([[TOR | X, 0x2000_0402], TEXT_PAGE], `nop\n.org 0x80001006\nedge: nop\n`, 'user'),
      );
      bench.runTo('body');
      bench.vcpu.writePc(BigInt(bench.address('edge')));
      bench.step();
      expect(bench.trap).to.deep.equal({ cause: 1, epc: 0x8000_1006, tval: 0x8000_1008 });
    });

    it('reports the address of a protected access', () => {
      const bench = new VcpuBench(create, program([[NA4, (DATA + 8) / 4], ALL], 'lw a0, 6(s0)', 'user'));
      bench.set('s0', DATA);
      bench.runTo('body');
      bench.step();
      expect(bench.trap).to.deep.equal({ cause: 5, epc: bench.address('body'), tval: DATA + 8 });
    });

    it('guards devices as it guards RAM', () => {
      expect(user([TEXT_PAGE], LOAD, DEVICE)).to.equal(5);
      expect(user([TEXT_PAGE], STORE, DEVICE)).to.equal(7);
      expect(user([TEXT_PAGE, [NA4 | R, DEVICE / 4]], LOAD, DEVICE)).to.equal('permitted');
      expect(user([TEXT_PAGE, [NA4 | R, DEVICE / 4]], LOAD, DEVICE + 4)).to.equal(5);
    });

    it('matches NA4, NAPOT and TOR to the word', () => {
      const ranges: readonly (readonly [entries: readonly Entry[], first: number, end: number])[] = [
        [[[NA4, DATA / 4]], DATA, DATA + 4],
        [[[NAPOT, napot(DATA, 8)]], DATA, DATA + 8],
        [[[NAPOT, napot(DATA, 0x100)]], DATA, DATA + 0x100],
        [
          [
            [OFF, DATA / 4],
            [TOR, DATA / 4 + 5],
          ],
          DATA,
          DATA + 20,
        ],
      ];
      for (const [entries, first, end] of ranges) {
        const guarded = [...entries, ALL];
        expect(user(guarded, LOAD, first - 4)).to.equal('permitted');
        expect(user(guarded, LOAD, first)).to.equal(5);
        expect(user(guarded, 'lb a0, 0(s0)', end - 1)).to.equal(5);
        expect(user(guarded, LOAD, end)).to.equal('permitted');
      }
    });

    it('matches nothing with an empty TOR range, and from 0 with the first entry', () => {
      expect(user([[OFF, DATA / 4], [TOR, DATA / 4], ALL], LOAD)).to.equal('permitted');
      expect(user([[TOR | R | W | X, 0x4000_0000]], LOAD)).to.equal('permitted');
    });

    it('goes by the lowest-numbered entry that matches', () => {
      expect(user([[NA4 | R, DATA / 4], [NAPOT, napot(DATA, 0x1000)], ALL], LOAD)).to.equal('permitted');
      expect(user([[NAPOT, napot(DATA, 0x1000)], [NA4 | R, DATA / 4], ALL], LOAD)).to.equal(5);
    });

    it('goes on checking after an access that was permitted', () => {
      const entries: Entry[] = [
        [NA4, (DATA + 0x40) / 4],
        [NA4 | R, (DATA + 0x80) / 4],
        [NAPOT | R | W, napot(DATA, 0x100)],
        TEXT_PAGE,
      ];
      for (const [offset, load, store] of [
        [-4, 5, 7],
        [0, 'permitted', 'permitted'],
        [0x3c, 'permitted', 'permitted'],
        [0x40, 5, 7],
        [0x44, 'permitted', 'permitted'],
        [0x80, 'permitted', 7],
        [0xfc, 'permitted', 'permitted'],
        [0x100, 5, 7],
      ] as const) {
        for (const first of [0, 0x20, 0x60, 0x84]) {
          const warm = `addi s1, s0, ${first}\nlw a1, 0(s1)\nsw a1, 0(s1)\nlw a1, 0(s1)\naddi s1, s0, ${offset}`;
          for (const [text, expected] of [
            ['lw a0, 0(s1)', load],
            ['lb a0, 3(s1)', load],
            ['lhu a0, 2(s1)', load],
            ['sw a0, 0(s1)', store],
            ['sb a0, 3(s1)', store],
            ['sh a0, 2(s1)', store],
          ] as const) {
            expect(user(entries, `${warm}\n${text}`), `${text} at ${offset} after ${first}`).to.equal(expected);
          }
        }
      }
    });

    it('has 16 entries', () => {
      const none: Entry = [OFF, 0];
      const fifteen: Entry[] = [TEXT_PAGE, ...Array.from({ length: 14 }, () => none)];
      expect(user([...fifteen, [NA4 | R, DATA / 4]], LOAD)).to.equal('permitted');
      expect(user([...fifteen, none], LOAD)).to.equal(5);
    });

    it('binds M mode by locked entries', () => {
      expect(machine([[LOCK | NAPOT | R, napot(DATA, 0x1000)]], LOAD)).to.equal('permitted');
      expect(machine([[LOCK | NAPOT | R, napot(DATA, 0x1000)]], STORE)).to.equal(7);
      expect(machine([[LOCK | NAPOT | R | W, napot(DATA, 0x1000)]], JUMP)).to.equal(1);
    });

    it('binds M mode to code that it has run before', () => {
      const lock = `li t0, ${napot(0x8000_2000, 0x1000)}\ncsrw pmpaddr0, t0\nli t0, ${LOCK | NAPOT | R}\ncsrw pmpcfg0, t0`;
      const text = `la t0, handler\ncsrw mtvec, t0\ncall sub\n${lock}\ncall sub\n.align 2\nhandler: nop\n.org 0x80002000\nsub: ret`;
      const bench = new VcpuBench(create, text);
      bench.runToTrap();
      expect(bench.trap).to.deep.equal({ cause: 1, epc: bench.address('sub'), tval: bench.address('sub') });
      expect(bench.get('ra')).to.equal(bench.address('handler'));
    });

    it('keeps a locked entry, and the lower bound of a locked TOR entry, from being written', () => {
      const entries: Entry[] = [
        [OFF, 0x111],
        [LOCK | TOR | R, 0x222],
        [OFF, 0x333],
      ];
      const body = `li t1, 0x1f
        csrw pmpcfg0, t1
        csrw pmpaddr0, x0
        csrw pmpaddr1, x0
        csrw pmpaddr2, x0
        csrr a0, pmpcfg0
        csrr a1, pmpaddr0
        csrr a2, pmpaddr1
        csrr a3, pmpaddr2`;
      const bench = new VcpuBench(create, program(entries, body, 'machine'));
      bench.runTo('done');
      const values = ['a0', 'a1', 'a2', 'a3'].map((name) => bench.get(name));
      expect(values).to.deep.equal([0x891f, 0x111, 0x222, 0]);
    });

    it('stores the reserved combination of W without R as neither', () => {
      const bench = new VcpuBench(
        create,
        program([], 'li t1, 0x06020307\ncsrw pmpcfg1, t1\ncsrr a0, pmpcfg1', 'machine'),
      );
      bench.runTo('done');
      expect(bench.get('a0')).to.equal(0x0400_0307);
    });

    it('lends M mode the rights of MPP under MPRV, for loads and stores alone', () => {
      const toUser = 'li t1, 0x1800\ncsrc mstatus, t1\nli t1, 0x20000\ncsrs mstatus, t1';
      const bench = new VcpuBench(
        create,
        program([[NAPOT | R, napot(DATA, 0x1000)]], `${toUser}\nlw a0, 0(s0)\nthere: sw a0, 0(s0)`, 'machine'),
      );
      bench.set('s0', DATA);
      bench.runTo('there');
      bench.step();
      expect(bench.trap).to.deep.equal({ cause: 7, epc: bench.address('there'), tval: DATA });
      expect(bench.vcpu.privilege).to.equal(3);
    });

    it('takes effect at once on code that U mode has run before', () => {
      const bench = new VcpuBench(
        create,
        `la t0, handler
        csrw mtvec, t0
        li t0, 0x1f
        csrw pmpcfg0, t0
        li t0, -1
        csrw pmpaddr0, t0
        la t0, user
        csrw mepc, t0
        mret
        user: addi a0, a0, 1
        ecall
        .align 2
        handler: nop
        csrw pmpcfg0, x0
        la t0, user
        csrw mepc, t0
        mret`,
      );
      bench.runToTrap();
      expect(bench.trap.cause).to.equal(8);
      bench.step(5);
      bench.runToTrap();
      expect(bench.trap).to.include({ cause: 1, tval: bench.address('user') });
      expect(bench.get('a0')).to.equal(1);
    });
  });
}
