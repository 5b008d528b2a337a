import { expect } from 'chai';
import { JsonTextError, parseJsonText } from './json-text.js';

function problem(text: string): string {
  try {
    parseJsonText(text);
  } catch (error) {
    if (error instanceof JsonTextError) return error.message;
    throw error;
  }
  return 'none';
}

describe('JSON text', () => {
  it('reads what JSON.parse reads', () => {
    const text = ' {"a": [1, -2.5e+3, 0, true, false, null, "x\\n\\u00e9", {}, []], "b": {"c": "d"}}\n';
    expect(parseJsonText(text)).to.deep.equal(JSON.parse(text));
  });

  it('names line and column of what is wrong', () => {
    expect(problem('{\n  "a": 1,\n  "b" 2\n}')).to.equal('line 3, column 7: expected ":" after a field name');
    expect(problem('{\n  "a": 1\n  "b": 2\n}')).to.equal('line 3, column 3: expected "," or "}"');
    expect(problem('{\n  "a": 01\n}')).to.equal('line 2, column 9: expected "," or "}"');
    expect(problem("{'a': 1}")).to.equal('line 1, column 2: expected a field name in double quotes');
    expect(problem('{"a": 1,}')).to.equal('line 1, column 9: expected a field name in double quotes');
    expect(problem('[1, ]')).to.equal('line 1, column 5: expected a value');
    expect(problem('[1] 2')).to.equal('line 1, column 5: nothing may follow the end of the document');
    expect(problem('["a\nb"]')).to.match(/^line 1, column 2: this text has no closing quote/);
  });

  it('says when the file ends too soon', () => {
    expect(problem('')).to.equal('line 1, column 1: expected a value, but the file ends');
    expect(problem('{"a": [1, 2')).to.equal('line 1, column 12: expected "," or "]", but the file ends');
  });

  it('refuses the same key twice', () => {
    expect(problem('{"a": 1,\n "\\u0061": 2}')).to.equal('line 2, column 2: the field "\\u0061" stands here twice');
  });

  it('agrees with JSON.parse on thousands of damaged documents', () => {
    const good = '{"name":"x","list":[1,2.5e3,-0,true,null,"a\\"b"],"deep":{"a":{"b":[{}]}}}';
    let refused = 0;
    for (let at = 0; at < good.length; at++) {
      for (const put of ['', '"', ',', '}', ']', '0', '\\', 'e', '{', ' ', '\u0001']) {
        const text = good.slice(0, at) + put + good.slice(at + 1);
        let accepted = true;
        try {
          JSON.parse(text);
        } catch {
          accepted = false;
        }
        const ours = problem(text);
        if (ours.includes('twice')) continue;
        expect(ours === 'none', `${text}: ${ours}`).to.equal(accepted);
        if (!accepted) refused++;
      }
    }
    expect(refused).to.be.above(300);
  });

  it('refuses endless nesting', () => {
    expect(problem('['.repeat(100_000))).to.contain('nested deeper than 64 levels');
  });
});
