/** Rules of the house that no linter knows. */

import type { ProjectFile, Rule } from './project.ts';
import { lineAt, withoutComments } from './source.ts';

const LINES_MAX = 400;
const isTypeScript = (file: ProjectFile): boolean => file.path.endsWith('.ts');

/** A forgotten `yield*` on an operation that returns nothing would go unnoticed. */
export const operationsReturnSomething: Rule = (files) =>
  files
    .filter((file) => isTypeScript(file) && /^(?:core|packages\/engine)\/src\//.test(file.path))
    .flatMap((file) => {
      const code = withoutComments(file.text);
      const empty =
        /\bOp<\s*(?:void|undefined|never)\s*>|\bGenerator<\s*ReadRequest\s*,\s*(?:void|undefined)\b/g;
      const silent = Array.from(code.matchAll(empty), (match) => ({
        index: match.index,
        complaint: `${match[0]}: an operation returns what it learned`,
      }));
      const untyped = Array.from(code.matchAll(/(?<!async\s+)\bfunction\s*\*\s*(\w+)/g))
        .filter((match) => !statesReturnType(code, match.index))
        .map((match) => ({
          index: match.index,
          complaint: `function* ${match[1]} does not state what it returns`,
        }));
      return [...silent, ...untyped].map(
        ({ index, complaint }) => `${file.path}:${lineAt(code, index)} ${complaint}`,
      );
    });

/** Whether a `:` follows the parameter list that begins after `from`. */
function statesReturnType(code: string, from: number): boolean {
  let depth = 0;
  for (let index = code.indexOf('(', from); index >= 0 && index < code.length; index++) {
    if (code[index] === '(') depth++;
    if (code[index] === ')') depth--;
    if (depth === 0) return /^\s*:/.test(code.slice(index + 1));
  }
  return false;
}

export const filesAreShort: Rule = (files) =>
  files
    .filter(isTypeScript)
    .map((file) => ({ path: file.path, lines: file.text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > LINES_MAX)
    .map(({ path, lines }) => `${path} has ${lines} lines: more than ${LINES_MAX} is more than one idea`);

const SAYS_NOTHING = /(?:^|\/)(?:utils?|helpers?|common|misc|shared|stuff)(?:\/|\.\w+$)/i;

export const namesSaySomething: Rule = (files) =>
  files
    .filter(({ path }) => SAYS_NOTHING.test(path))
    .map(({ path }) => `${path}: the name does not say what it does`);

// Put together from pieces, or this file would be its own first offence.
const UNFINISHED = new RegExp(
  `\\b(?:${['TO', 'FIX'].map((start) => `${start}${start === 'TO' ? 'DO' : 'ME'}`).join('|')})\\b`,
);

export const nothingIsLeftUndone: Rule = (files) =>
  files.flatMap((file) =>
    file.text
      .split('\n')
      .map((line, index) => ({ line, number: index + 1 }))
      .filter(({ line }) => UNFINISHED.test(line))
      .map(
        ({ number }) =>
          `${file.path}:${number} leaves something undone: do it, or file it where work is kept`,
      ),
  );

export const noTestStandsAlone: Rule = (files) =>
  files.filter(isTypeScript).flatMap((file) => {
    const code = withoutComments(file.text);
    return Array.from(
      code.matchAll(/\b(?:it|test|describe|bench)(?:\.\w+)*\.only\b/g),
      (match) => `${file.path}:${lineAt(code, match.index)} ${match[0]} switches every other test off`,
    );
  });
