/** Modules put together by hand, validated and run by V8. */

import { expect } from 'chai';
import type { Code } from './code.js';
import { ModuleBuilder, type Signature } from './module-builder.js';
import { ATOMIC, MEMORY, OP, TRUNCATE, TYPE } from './opcodes.js';
import { compileModule, createSharedMemory, instantiate, type WasmTable } from './web-assembly.js';

type WasmFunction = (...values: readonly (number | bigint)[]) => number | bigint | undefined;

const { i32, i64, f32, f64 } = TYPE;
const memory = createSharedMemory(1);
const view = new DataView(memory.buffer);

function run(builder: ModuleBuilder): Readonly<Record<string, WasmFunction>> {
  return instantiate(compileModule(builder.encode()), memory) as Readonly<Record<string, WasmFunction>>;
}

/** One function whose body `write` writes. */
function one(signature: Signature, write: (code: Code) => void): WasmFunction {
  const builder = new ModuleBuilder();
  write(builder.function(signature, 'f'));
  return run(builder).f;
}

const UNARY: Signature = { parameters: [i32], results: [i32] };
const BINARY: Signature = { parameters: [i32, i32], results: [i32] };

describe('ModuleBuilder', () => {
  it('makes a module of nothing', () => {
    expect(Object.keys(run(new ModuleBuilder()))).to.deep.equal([]);
  });

  it('numbers equal signatures alike and different ones apart', () => {
    const builder = new ModuleBuilder();
    expect(builder.type(UNARY)).to.equal(0);
    expect(builder.type(BINARY)).to.equal(1);
    expect(builder.type({ parameters: [i32], results: [] })).to.equal(2);
    expect(builder.type({ parameters: [], results: [i32] })).to.equal(3);
    expect(builder.type({ ...UNARY })).to.equal(0);
  });

  it('exports functions that have a name, with signatures of their own', () => {
    const builder = new ModuleBuilder();
    builder.function(UNARY).get(0).i32(1).op(OP.i32Add);
    expect(builder.functionCount).to.equal(1);
    builder.function(UNARY, 'twice').get(0).call(0).call(0);
    builder
      .function({ parameters: [i64, f32, f64], results: [f64] }, 'sum')
      .get(0)
      .op(OP.f64ConvertI64S)
      .get(1)
      .op(OP.f64PromoteF32)
      .op(OP.f64Add)
      .get(2)
      .op(OP.f64Add);
    builder.function({ parameters: [], results: [] }, 'nothing');
    const exports = run(builder);
    expect(exports).to.have.all.keys('twice', 'sum', 'nothing');
    expect(exports.twice(40)).to.equal(42);
    expect(exports.sum(-3n, 0.5, 0.25)).to.equal(-2.25);
    expect(exports.nothing()).to.equal(undefined);
  });

  it('exports a table through which functions of different signatures are called', () => {
    const builder = new ModuleBuilder();
    builder.table(4);
    builder.function(BINARY, 'sub').get(0).get(1).op(OP.i32Sub);
    builder
      .function({ parameters: [i32, i32, i32], results: [i32] }, 'choose')
      .get(0)
      .get(1)
      .get(2)
      .callIndirect(builder.type(BINARY));
    const exports: Readonly<Record<string, unknown>> = run(builder);
    const table = exports.table as WasmTable;
    const choose = exports.choose as WasmFunction;
    expect(table.length).to.equal(4);
    table.set(3, exports.sub);
    expect(choose(50, 8, 3)).to.equal(42);
    expect(() => choose(50, 8, 2), 'an empty place').to.throw();
    table.set(3, exports.choose);
    expect(() => choose(50, 8, 3), 'another signature').to.throw();
  });
});

describe('Code', () => {
  it('writes constants from one end to the other', () => {
    for (const value of [0, 63, 64, -64, -65, 0x7fff_ffff, -0x8000_0000]) {
      expect(one({ parameters: [], results: [i32] }, (code) => code.i32(value))()).to.equal(value);
    }
    expect(one({ parameters: [], results: [i32] }, (code) => code.i32(0xffff_ffff))()).to.equal(-1);
    for (const value of [0, 2 ** 31, -(2 ** 31) - 1, Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER]) {
      expect(one({ parameters: [], results: [i64] }, (code) => code.i64(value))()).to.equal(BigInt(value));
    }
    for (const value of [2n ** 63n - 1n, -(2n ** 63n), 2n ** 64n - 1n]) {
      const constant = one({ parameters: [], results: [i64] }, (code) => code.i64Big(value));
      expect(constant()).to.equal(BigInt.asIntN(64, value));
    }
    expect(one({ parameters: [], results: [f32] }, (code) => code.f32(1.5))()).to.equal(1.5);
    expect(one({ parameters: [], results: [f64] }, (code) => code.f64(-0.1))()).to.equal(-0.1);
  });

  it('numbers locals from the parameters on, of every type and zero at first', () => {
    const mix = one({ parameters: [i32], results: [f64] }, (code) => {
      const single = code.local(f32);
      const long = code.local(i64);
      const double = code.local(f64);
      expect([single, long, double]).to.deep.equal([1, 2, 3]);
      code.get(0).op(OP.i64ExtendI32S).set(long);
      code.get(double).get(single).op(OP.f64PromoteF32).op(OP.f64Add);
      code.get(long).op(OP.f64ConvertI64S).op(OP.f64Add);
    });
    expect(mix(-7)).to.equal(-7);
  });

  it('names more locals than fit into one byte', () => {
    const last = one(UNARY, (code) => {
      let local = 0;
      for (let i = 0; i < 300; i++) {
        const next = code.local(i32);
        code.get(local).i32(1).op(OP.i32Add).set(next);
        local = next;
      }
      code.get(local);
    });
    expect(last(5)).to.equal(305);
  });

  it('branches out of blocks and back to loops from any depth', () => {
    // The sum of the odd numbers below the parameter.
    const sum = one(UNARY, (code) => {
      const total = code.local(i32);
      const i = code.local(i32);
      const done = code.block();
      const again = code.loop();
      code.get(i).get(0).op(OP.i32GeS).brIf(done);
      const even = code.block();
      code.get(i).i32(1).op(OP.i32Add).tee(i).i32(1).op(OP.i32And).brIf(even);
      code.get(i).get(0).op(OP.i32LtS).if();
      code.br(again).end();
      code.br(done);
      code.end();
      code.get(total).get(i).op(OP.i32Add).set(total).br(again).end();
      code.end().get(total);
    });
    expect(sum(9)).to.equal(1 + 3 + 5 + 7 + 9);
    expect(sum(0)).to.equal(0);
  });

  it('yields a value from both arms of an if', () => {
    const larger = one(BINARY, (code) => {
      code.get(0).get(1).op(OP.i32GtS).if(i32);
      code.get(0).else().get(1).end();
    });
    expect([larger(3, 4), larger(4, 3), larger(-1, -2)]).to.deep.equal([4, 4, -1]);
  });

  it('chooses by table among labels of different depths', () => {
    const choose = one(UNARY, (code) => {
      const outer = code.block();
      const second = code.block();
      const first = code.block();
      code.get(0).brTable([first, second, first], outer);
      code.end().i32(10).op(OP.return);
      code.end().i32(20).op(OP.return);
      code.end().i32(30);
    });
    expect([0, 1, 2, 3, -1].map((value) => choose(value))).to.deep.equal([10, 20, 10, 30, 30]);
  });

  it('loads and stores at an address plus an offset, aligned or not', () => {
    const store = one({ parameters: [i32, i64], results: [] }, (code) =>
      code.get(0).get(1).memory(MEMORY.i64Store, 300),
    );
    const load = one(UNARY, (code) => code.get(0).memory(MEMORY.i32Load16S, 300));
    store(3, 0x1122_3344_5566_8788n);
    expect(view.getBigUint64(303, true)).to.equal(0x1122_3344_5566_8788n);
    expect(load(3)).to.equal(0x8788 - 0x1_0000);
    expect(() => load(0x1_0000), 'behind the memory').to.throw();
    expect(() => load(-200), 'the sum does not wrap').to.throw();
  });

  it('accesses 4 and 8 bytes atomically, naturally aligned only', () => {
    const add = one(BINARY, (code) => code.get(0).get(1).atomic(ATOMIC.i32RmwAdd, 4, 16).atomicFence());
    view.setInt32(1040, 40, true);
    expect(add(1024, 2)).to.equal(40);
    expect(view.getInt32(1040, true)).to.equal(42);
    expect(() => add(1022, 2), 'misaligned').to.throw();
    const swap = one({ parameters: [i32, i64, i64], results: [i64] }, (code) =>
      code.get(0).get(1).get(2).atomic(ATOMIC.i64RmwCmpxchg, 8, 0),
    );
    view.setBigInt64(2048, -5n, true);
    expect(swap(2048, 4n, 9n)).to.equal(-5n);
    expect(view.getBigInt64(2048, true)).to.equal(-5n);
    expect(swap(2048, -5n, 9n)).to.equal(-5n);
    expect(view.getBigInt64(2048, true)).to.equal(9n);
  });

  it('truncates with saturation', () => {
    const truncate = one({ parameters: [f64], results: [i32] }, (code) => code.get(0).truncate(TRUNCATE.i32F64S));
    expect([1.9, -1.9, 1e20, -1e20, Number.NaN].map((value) => truncate(value))).to.deep.equal([
      1, -1, 0x7fff_ffff, -0x8000_0000, 0,
    ]);
  });

  it('encodes bodies longer than its first buffer', () => {
    const long = one(UNARY, (code) => {
      code.get(0);
      for (let i = 0; i < 5000; i++) code.i32(i).op(OP.i32Add);
      expect(code.size).to.be.greaterThan(10_000);
    });
    expect(long(1)).to.equal(1 + (4999 * 5000) / 2);
  });
});
