/** Seeded random numbers (sfc32): the same seed gives the same sequence on every machine. */

export interface Random {
  /** Uniform 32-bit unsigned integer. */
  uint32(): number;
  /** Uniform in [0, 1). */
  float(): number;
  /** Uniform integer in [0, limit). */
  below(limit: number): number;
  /** Standard normal deviate. */
  gaussian(): number;
  /** An independent stream named `label`; asking for it does not disturb this one. */
  fork(label: string): Random;
}

/** 32-bit FNV-1a with a final avalanche, to spread a seed text over the state. */
function hash32(text: string, basis: number): number {
  let h = basis >>> 0;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

class Sfc32 implements Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(readonly seed: string) {
    this.#a = hash32(seed, 0x811c9dc5);
    this.#b = hash32(seed, 0x9e3779b9);
    this.#c = hash32(seed, 0x243f6a88);
    for (let i = 0; i < 12; i++) this.uint32();
  }

  uint32(): number {
    const t = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + t;
    return t >>> 0;
  }

  float(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  below(limit: number): number {
    return Math.floor(this.float() * limit);
  }

  gaussian(): number {
    // The sum of twelve uniforms (Irwin-Hall): exact integer arithmetic, so it needs no libm, which differs between hosts.
    let sum = 0;
    for (let i = 0; i < 12; i++) sum += this.uint32();
    return sum / 0x1_0000_0000 - 6;
  }

  fork(label: string): Random {
    return new Sfc32(`${this.seed}/${label}`);
  }
}

export function createRandom(seed: string | number): Random {
  return new Sfc32(String(seed));
}
