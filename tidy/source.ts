/** Just enough understanding of TypeScript's text to look at imports and comments. */

const TOKEN =
  /(\/\/[^\n]*|\/\*[\s\S]*?\*\/)|("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`)/g;

/** Code with its comments blanked, line numbers kept. Strings stay: import specifiers are strings. */
export function withoutComments(text: string): string {
  return text.replace(TOKEN, (token, comment: string | undefined) =>
    comment === undefined ? token : comment.replace(/[^\n]/g, ' '),
  );
}

const SPECIFIER =
  /(?:\bfrom\s*|\bimport\s*\(\s*|(?:^|[;\n])\s*import\s+|\b(?:resolve|mock)\s*\(\s*)(['"])([^'"\n]+)\1/g;

export interface ImportedModule {
  readonly specifier: string;
  /** From 1. */
  readonly line: number;
}

/** Every module that a file names: static, dynamic, type and re-export imports. */
export function importsOf(text: string): readonly ImportedModule[] {
  const code = withoutComments(text);
  return Array.from(code.matchAll(SPECIFIER), (match) => ({
    specifier: match[2] ?? '',
    line: lineAt(code, match.index),
  }));
}

export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}
