/** What is wrong with a value from outside, in words for whoever wrote it. */

import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

/** Everything that is wrong, in one line. */
export function explainInvalid(error: z.ZodError): string {
  return error.issues.map(explainIssue).join('; ');
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'text in quotes',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object, as in { … }',
};

function explainIssue(issue: Issue): string {
  const name = issue.path.length === 0 ? 'the whole of it' : `'${issue.path.join('.')}'`;
  switch (issue.code) {
    case 'unrecognized_keys':
      return `${issue.keys.map((key) => `'${key}'`).join(', ')} is not known`;
    case 'invalid_type':
      // Zod tells a value that is not there from a wrong one in its message alone.
      if (issue.message.endsWith('received undefined')) return `${name} is missing`;
      return `${name} must be ${KINDS[issue.expected] ?? issue.expected}`;
    case 'too_small':
      return issue.origin === 'string'
        ? `${name} must not be empty`
        : `${name} must be at least ${issue.minimum}`;
    case 'too_big':
      return `${name} must be at most ${issue.maximum}`;
    default:
      return `${name} ${issue.message}`;
  }
}
