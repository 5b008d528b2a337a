import { expect } from 'chai';
import { z } from 'zod';
import { HalError } from '../errors.js';
import { fieldPath, parseFields } from './schema-error.js';

const schema = z.strictObject({
  name: z.string().min(2).max(5),
  rate: z.union([z.literal(1), z.literal(5), z.literal(10)]).optional(),
  list: z
    .array(z.strictObject({ kind: z.enum(['a', 'b']), depth: z.int().min(1).max(9) }))
    .max(2)
    .optional(),
  shape: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('dot') }),
      z.strictObject({ kind: z.literal('bar') }),
    ])
    .optional(),
});

function sentence(value: unknown): string {
  try {
    parseFields(schema, value, 'file.json');
  } catch (error) {
    if (error instanceof HalError && error.code === 'HAL_INVALID') return error.message;
    throw error;
  }
  return 'accepted';
}

describe('schema error', () => {
  it('writes the path of a field as one would in code', () => {
    expect(fieldPath(['a', 'b', 2, 'c'])).to.equal('a.b[2].c');
    expect(fieldPath([])).to.equal('the top level');
  });

  it('names the field, what was expected and what was found', () => {
    expect(sentence({ name: 'x' })).to.equal('file.json: name: expected at least 2 characters, found "x"');
    expect(sentence({ name: 'toolong' })).to.equal('file.json: name: expected at most 5 characters, found "toolong"');
    expect(sentence({})).to.equal('file.json: name: expected a text, found nothing');
    expect(sentence({ name: 'ok', rate: 2 })).to.equal('file.json: rate: expected 1 or 5 or 10, found 2');
    expect(sentence({ name: 'ok', list: [{ kind: 'c', depth: 1 }] })).to.equal(
      'file.json: list[0].kind: expected "a" or "b", found "c"',
    );
    expect(sentence({ name: 'ok', list: [{ kind: 'a', depth: 1.5 }] })).to.equal(
      'file.json: list[0].depth: expected an integer, found 1.5',
    );
    expect(sentence({ name: 'ok', list: [{ kind: 'a', depth: 10 }] })).to.equal(
      'file.json: list[0].depth: expected at most 9, found 10',
    );
    expect(sentence({ name: 'ok', list: {} })).to.equal('file.json: list: expected a list, found {}');
    expect(sentence([])).to.equal('file.json: the top level: expected an object, found []');
    expect(sentence({ name: 'ok', shape: { kind: 'box' } })).to.equal(
      'file.json: shape.kind: expected "dot" or "bar", found "box"',
    );
  });

  it('names a field that does not exist', () => {
    expect(sentence({ name: 'ok', nmae: 1 })).to.equal('file.json: the top level has no field "nmae"');
    expect(sentence({ name: 'ok', shape: { kind: 'dot', radius: 1 } })).to.equal(
      'file.json: shape has no field "radius"',
    );
  });

  it('counts further problems and cuts long values', () => {
    expect(sentence({ name: 1, rate: 2 })).to.match(/found 1 \(and 1 more\)$/);
    expect(sentence({ name: 'y'.repeat(1000) }).length).to.be.below(140);
  });
});
