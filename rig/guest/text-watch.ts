/** Notices when a text has passed on the console. */

/** Looks at bytes one by one; holds no more of them than the text is long. */
export class TextWatch {
  readonly #text: Uint8Array;
  readonly #fallback: Uint16Array;
  #matched = 0;

  /** A text of at least one byte. */
  constructor(text: string) {
    this.#text = new TextEncoder().encode(text);
    this.#fallback = fallbacks(this.#text);
  }

  /** True at the byte that completes the text, each time it passes. */
  see(byte: number): boolean {
    while (this.#matched > 0 && this.#text[this.#matched] !== byte) this.#matched = this.#fallback[this.#matched - 1];
    if (this.#text[this.#matched] === byte) this.#matched++;
    if (this.#matched < this.#text.length) return false;
    this.#matched = this.#fallback[this.#matched - 1];
    return true;
  }
}

/** For each place the length of the longest beginning that ends there (Knuth, Morris, Pratt). */
function fallbacks(text: Uint8Array): Uint16Array {
  const table = new Uint16Array(text.length);
  for (let i = 1, length = 0; i < text.length; i++) {
    while (length > 0 && text[i] !== text[length]) length = table[length - 1];
    if (text[i] === text[length]) length++;
    table[i] = length;
  }
  return table;
}
