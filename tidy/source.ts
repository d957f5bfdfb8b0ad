/** Just enough understanding of TypeScript's text to look at imports and comments. */

const TOKEN =
  /(\/\/[^\n]*|\/\*[\s\S]*?\*\/)|("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`)/g;

/** Code with its comments blanked, line numbers kept. Strings stay: import specifiers are strings. */
export function withoutComments(text: string): string {
  return text.replace(TOKEN, (token, comment: string | undefined) =>
    comment === undefined ? token : comment.replace(/[^\n]/g, ' '),
  );
}

// Strings are numbered first: a string may itself hold the word `from`.
const SPECIFIER = /(?:\bfrom\s*|\b(?:import|require|mock)\s*\(\s*|(?:^|[;\n])\s*import\s+)"(\d+)"/g;

export interface ImportedModule {
  readonly specifier: string;
  /** From 1. */
  readonly line: number;
}

/** Every module that a file names: static, dynamic, type and re-export imports. */
export function importsOf(text: string): readonly ImportedModule[] {
  const strings: string[] = [];
  const code = text.replace(TOKEN, (token, comment: string | undefined) => {
    const lines = '\n'.repeat(token.split('\n').length - 1);
    return comment === undefined ? `"${strings.push(token.slice(1, -1)) - 1}"${lines}` : lines;
  });
  return Array.from(code.matchAll(SPECIFIER), (match) => ({
    specifier: strings[Number(match[1])] ?? '',
    line: lineAt(code, match.index + match[0].length),
  }));
}

export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}
