/** Turns what zod finds wrong into one sentence that names the field, what was expected there, and what was found. */

import type { z } from 'zod';
import { HalError } from '../errors.js';

const LONGEST_FOUND = 60;

type Path = readonly PropertyKey[];

/** `simulator.parameters.outages[2].fromMs`; the whole is called `the top level`. */
export function fieldPath(path: Path): string {
  let text = '';
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`;
    else text += `${text === '' ? '' : '.'}${String(key)}`;
  }
  return text === '' ? 'the top level' : text;
}

function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

/** A value as it is quoted in a message: JSON, cut when long. */
function quote(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'number') return String(value);
  const text = JSON.stringify(value) ?? String(value);
  return text.length > LONGEST_FOUND ? `${text.slice(0, LONGEST_FOUND)}…` : text;
}

function list(values: readonly unknown[]): string {
  const quoted = values.map(quote);
  return quoted.length < 2 ? quoted.join('') : `${quoted.slice(0, -1).join(', ')} or ${quoted[quoted.length - 1]}`;
}

const SIZE_UNITS: Readonly<Record<string, string>> = { string: ' characters', array: ' entries', set: ' entries' };

const FORMATS: Readonly<Record<string, string>> = {
  int: 'an integer',
  number: 'a number',
  string: 'a text',
  array: 'a list',
};

function typeName(expected: string): string {
  return FORMATS[expected] ?? (expected === 'object' || expected === 'record' ? 'an object' : expected);
}

/** What zod expected, in words; an empty text where its own message says it all. */
function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return typeName(issue.expected);
    case 'invalid_value':
      return list(issue.values);
    case 'too_small':
      return `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${SIZE_UNITS[issue.origin] ?? ''}`;
    case 'too_big':
      return `${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}${SIZE_UNITS[issue.origin] ?? ''}`;
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`;
    default:
      return '';
  }
}

/** What any branch of a union would have taken: its discriminators, or the literals of all branches. */
function unionExpectation(issue: z.core.$ZodIssueInvalidUnion): string {
  if ('options' in issue && issue.options !== undefined) return list(issue.options);
  const words = new Set<string>();
  for (const branch of issue.errors)
    for (const inner of branch) if (inner.path.length === 0) words.add(expectation(inner));
  words.delete('');
  return [...words].join(' or ');
}

function sentence(issue: z.core.$ZodIssue, input: unknown): string {
  const where = fieldPath(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map((key) => `"${key.slice(0, LONGEST_FOUND)}"`).join(', ');
    return `${where} has no field ${names}`;
  }
  const found = quote(valueAt(input, issue.path));
  if (issue.code === 'custom' || issue.code === 'invalid_format') return `${where}: ${issue.message}, found ${found}`;
  const expected = issue.code === 'invalid_union' ? unionExpectation(issue) : expectation(issue);
  return `${where}: expected ${expected === '' ? issue.message : expected}, found ${found}`;
}

/**
 * Parses `value` with `schema`. Throws `HAL_INVALID` with one sentence about the first field that is wrong (and how many
 * more there are); `where` says of what: a file or a model.
 */
export function parseFields<Schema extends z.ZodType>(schema: Schema, value: unknown, where: string): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { issues } = result.error;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  throw new HalError('HAL_INVALID', `${where}: ${sentence(issues[0], value)}${more}`, {
    where: fieldPath(issues[0].path),
  });
}
