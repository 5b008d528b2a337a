/** Reads JSON with errors that name line and column, and refuses what `JSON.parse` lets pass: the same key twice. */

const DEEPEST = 64;

/** Where reading stopped, and why. Lines and columns count from 1. */
export class JsonTextError extends Error {
  constructor(
    readonly problem: string,
    readonly line: number,
    readonly column: number,
  ) {
    super(`line ${line}, column ${column}: ${problem}`);
  }
}

/** Parses `text`. Throws `JsonTextError`. Objects nested deeper than 64 levels are refused. */
export function parseJsonText(text: string): unknown {
  new Scanner(text).scan();
  return JSON.parse(text);
}

const SPACE = /[ \t\n\r]*/y;
const LITERAL = /true|false|null/y;
const NUMBER = /-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids exactly these in a text.
const STRING = /"([^"\\\u0000-\u001f]|\\(["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;

/** Checks the grammar of RFC 8259 without building anything. */
class Scanner {
  #at = 0;

  constructor(readonly text: string) {}

  scan(): void {
    this.#skip(SPACE);
    this.#value(0);
    if (this.#at < this.text.length) this.#fail('nothing may follow the end of the document');
  }

  #value(depth: number): void {
    const first = this.text[this.#at];
    if (depth > DEEPEST) this.#fail(`nested deeper than ${DEEPEST} levels`);
    if (first === '{') this.#object(depth);
    else if (first === '[') this.#array(depth);
    else if (first === '"') this.#string();
    else if (!this.#skip(LITERAL) && !this.#skip(NUMBER)) this.#fail('expected a value');
    this.#skip(SPACE);
  }

  #object(depth: number): void {
    const keys = new Set<string>();
    this.#step();
    if (this.#takes('}')) return;
    do {
      const at = this.#at;
      if (this.text[at] !== '"') this.#fail('expected a field name in double quotes');
      const key: unknown = JSON.parse(this.#string());
      if (typeof key === 'string' && keys.has(key)) {
        this.#at = at;
        this.#fail(
          `the field ${this.text
            .slice(at, at + 60)
            .split('\n')[0]
            .split(':')[0]
            .trim()} stands here twice`,
        );
      }
      keys.add(String(key));
      this.#skip(SPACE);
      if (!this.#takes(':')) this.#fail('expected ":" after a field name');
      this.#value(depth + 1);
    } while (this.#takes(','));
    if (!this.#takes('}')) this.#fail('expected "," or "}"');
  }

  #array(depth: number): void {
    this.#step();
    if (this.#takes(']')) return;
    do this.#value(depth + 1);
    while (this.#takes(','));
    if (!this.#takes(']')) this.#fail('expected "," or "]"');
  }

  #string(): string {
    const start = this.#at;
    if (!this.#skip(STRING)) this.#fail('this text has no closing quote or a character that must be escaped');
    return this.text.slice(start, this.#at);
  }

  #step(): void {
    this.#at++;
    this.#skip(SPACE);
  }

  #takes(character: string): boolean {
    if (this.text[this.#at] !== character) return false;
    this.#step();
    return true;
  }

  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.text)) return false;
    this.#at = pattern.lastIndex;
    return true;
  }

  #fail(problem: string): never {
    const before = this.text.slice(0, this.#at).split('\n');
    const ended = this.#at >= this.text.length ? ', but the file ends' : '';
    throw new JsonTextError(problem + ended, before.length, before[before.length - 1].length + 1);
  }
}
