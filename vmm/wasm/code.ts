/** The body of one WebAssembly function, written instruction by instruction. */

import { ByteWriter } from './byte-writer.js';
import type { ValueType } from './opcodes.js';

/** A block, loop or if that is open: what a branch names. */
export type Label = number;

const VOID = 0x40;

/**
 * Locals are numbered from the parameters on; labels are absolute depths, so that a branch can be written without
 * counting. Nothing is checked here but the nesting: V8 validates the module.
 */
export class Code {
  readonly #writer = new ByteWriter(4096);
  readonly #locals: ValueType[] = [];
  #depth = 0;

  constructor(readonly parameters: readonly ValueType[]) {}

  /** Bytes written so far. */
  get size(): number {
    return this.#writer.length;
  }

  /** A new local variable, zero at first. */
  local(type: ValueType): number {
    this.#locals.push(type);
    return this.parameters.length + this.#locals.length - 1;
  }

  op(opcode: number): this {
    this.#writer.byte(opcode);
    return this;
  }

  i32(value: number): this {
    this.#writer.byte(0x41);
    this.#writer.signed(value | 0);
    return this;
  }

  /** A safe integer. */
  i64(value: number): this {
    this.#writer.byte(0x42);
    this.#writer.signed(value);
    return this;
  }

  i64Big(value: bigint): this {
    this.#writer.byte(0x42);
    this.#writer.signed64(BigInt.asIntN(64, value));
    return this;
  }

  f32(value: number): this {
    this.#writer.byte(0x43);
    this.#writer.append(new Uint8Array(new Float32Array([value]).buffer));
    return this;
  }

  f64(value: number): this {
    this.#writer.byte(0x44);
    this.#writer.append(new Uint8Array(new Float64Array([value]).buffer));
    return this;
  }

  get(local: number): this {
    this.#writer.byte(0x20);
    this.#writer.unsigned(local);
    return this;
  }

  set(local: number): this {
    this.#writer.byte(0x21);
    this.#writer.unsigned(local);
    return this;
  }

  tee(local: number): this {
    this.#writer.byte(0x22);
    this.#writer.unsigned(local);
    return this;
  }

  /** A load or store (`MEMORY`) at the address on the stack plus `offset`; no alignment is promised. */
  memory(opcode: number, offset: number): this {
    this.#writer.byte(opcode);
    this.#writer.byte(0);
    this.#writer.unsigned(offset);
    return this;
  }

  /** An atomic access (`ATOMIC`) of 4 or 8 bytes. */
  atomic(opcode: number, bytes: 4 | 8, offset: number): this {
    this.#writer.byte(0xfe);
    this.#writer.byte(opcode);
    this.#writer.byte(bytes === 8 ? 3 : 2);
    this.#writer.unsigned(offset);
    return this;
  }

  /** Orders this thread's accesses before it and behind it. */
  atomicFence(): this {
    this.#writer.byte(0xfe);
    this.#writer.byte(0x03);
    this.#writer.byte(0);
    return this;
  }

  /** A saturating truncation (`TRUNCATE`). */
  truncate(opcode: number): this {
    this.#writer.byte(0xfc);
    this.#writer.byte(opcode);
    return this;
  }

  block(): Label {
    return this.#open(0x02);
  }

  loop(): Label {
    return this.#open(0x03);
  }

  if(type?: ValueType): Label {
    return this.#open(0x04, type);
  }

  else(): this {
    return this.op(0x05);
  }

  end(): this {
    this.#depth--;
    return this.op(0x0b);
  }

  br(label: Label): this {
    return this.#branch(0x0c, label);
  }

  brIf(label: Label): this {
    return this.#branch(0x0d, label);
  }

  brTable(labels: readonly Label[], otherwise: Label): this {
    this.#writer.byte(0x0e);
    this.#writer.unsigned(labels.length);
    for (const label of labels) this.#writer.unsigned(this.#depth - label);
    this.#writer.unsigned(this.#depth - otherwise);
    return this;
  }

  call(functionIndex: number): this {
    this.#writer.byte(0x10);
    this.#writer.unsigned(functionIndex);
    return this;
  }

  callIndirect(typeIndex: number): this {
    this.#writer.byte(0x11);
    this.#writer.unsigned(typeIndex);
    this.#writer.byte(0);
    return this;
  }

  /** The function's entry in the code section. */
  encode(into: ByteWriter): void {
    const body = new ByteWriter();
    body.unsigned(this.#locals.length);
    for (const type of this.#locals) {
      body.unsigned(1);
      body.byte(type);
    }
    body.append(this.#writer.view());
    body.byte(0x0b);
    into.unsigned(body.length);
    into.append(body.view());
  }

  #open(opcode: number, type?: ValueType): Label {
    this.#writer.byte(opcode);
    this.#writer.byte(type ?? VOID);
    this.#depth++;
    return this.#depth;
  }

  #branch(opcode: number, label: Label): this {
    this.#writer.byte(opcode);
    this.#writer.unsigned(this.#depth - label);
    return this;
  }
}
