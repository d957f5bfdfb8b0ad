/** Each rule twice: the project keeps it, and an offence planted into a copy of the project is found. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { documentedCommandsExist, linksLeadSomewhere } from './documents.ts';
import {
  filesAreShort,
  namesSaySomething,
  noTestStandsAlone,
  nothingIsLeftUndone,
  operationsReturnSomething,
} from './house.ts';
import { foldersDependOneWay, importDirection, importsAreDeclared } from './importDirection.ts';
import { missingFromLock } from './lockfile.ts';
import { type ProjectFile, type Rule, readProject } from './project.ts';
import { worldsHaveTheirOwnTime } from './realTime.ts';
import { importsOf, withoutComments } from './source.ts';

const project = readProject();

interface RuleCase {
  readonly name: string;
  readonly rule: Rule;
  /** Each is one offence, alone enough for a complaint. */
  readonly offences: readonly ProjectFile[];
}

const cases: readonly RuleCase[] = [
  {
    name: 'imports go downwards and through index.ts',
    rule: importDirection,
    offences: [
      { path: 'core/src/planted.ts', text: "import { createS3Gateway } from '@facet/gateway-s3';\n" },
      { path: 'packages/engine/src/planted.ts', text: "import type { Core } from '@facet/core';\n" },
      {
        path: 'packages/engine/src/planted.ts',
        text: "export type A = import('@facet/extents').Location;\n",
      },
      { path: 'gateway-s3/src/planted.ts', text: "export * from '@facet/engine';\n" },
      { path: 'gateway-s3/test/planted.test.ts', text: "await import('@facet/server');\n" },
      { path: 'core/src/planted.ts', text: "import { frame } from '@facet/extents/dist/frame.js';\n" },
      { path: 'core/src/planted.ts', text: "import { frame } from '../../packages/extents/src/frame.ts';\n" },
      { path: 'core/test/planted.test.ts', text: "import '../../packages/engine/src/index.ts';\n" },
    ],
  },
  {
    name: 'folders beside each other depend one way',
    rule: foldersDependOneWay,
    offences: [
      ['protocol', '../supervisor/restarts.ts'],
      ['processes', '../supervisor/restarts.ts'],
      ['supervisor', '../processes/toParent.ts'],
      ['supervisor', '../serveFamily.ts'],
    ].map(([folder, imported]) => ({
      path: `packages/server/src/serve/family/${folder}/planted.ts`,
      text: `import '${imported}';\n`,
    })),
  },
  {
    name: 'imports are declared',
    rule: importsAreDeclared,
    offences: [
      { path: 'core/src/planted.ts', text: "import { z } from 'zod';\n" },
      { path: 'core/src/planted.ts', text: "import fc from 'fast-check';\n" },
      { path: 'gateway-s3/test/planted.test.ts', text: "import { x } from '@somebody/else/x';\n" },
    ],
  },
  {
    name: 'operations return something',
    rule: operationsReturnSomething,
    offences: [
      { path: 'core/src/planted.ts', text: 'export function* touch(): Op<void> {}\n' },
      { path: 'packages/engine/src/planted.ts', text: 'type A = Generator<ReadRequest, void, ReadReply>;\n' },
      { path: 'core/src/planted.ts', text: 'export function* touch(tx: Tx, f: (a: number) => void) {}\n' },
    ],
  },
  {
    name: 'files are short',
    rule: filesAreShort,
    offences: [{ path: 'core/src/planted.ts', text: 'x;\n'.repeat(401) }],
  },
  {
    name: 'names say something',
    rule: namesSaySomething,
    offences: [
      'core/src/utils/planted.ts',
      'core/src/helpers.ts',
      'bench/common/x.ts',
      'core/test/misc.ts',
    ].map((path) => ({ path, text: '' })),
  },
  {
    name: 'nothing is left undone',
    rule: nothingIsLeftUndone,
    offences: [
      { path: 'core/src/planted.ts', text: `// ${'TO'}${'DO'}: later\n` },
      { path: 'README.md', text: `${'FIX'}${'ME'}\n` },
    ],
  },
  {
    name: 'no test stands alone',
    rule: noTestStandsAlone,
    offences: [
      { path: 'core/test/planted.test.ts', text: `test${'.only'}('x', () => {});\n` },
      { path: 'core/test/planted.test.ts', text: `describe.concurrent${'.only'}('x', () => {});\n` },
    ],
  },
  {
    name: 'worlds have their own time',
    rule: worldsHaveTheirOwnTime,
    offences: [
      { path: 'core/src/planted.ts', text: 'const until = Date.now() + 5;\n' },
      { path: 'core/src/workers/planted.ts', text: 'setTimeout(resolve, 5);\n' },
      { path: 'packages/extents/src/planted.ts', text: 'const began = performance.now();\n' },
      { path: 'packages/engine/src/memory/planted.ts', text: 'if (Math.random() < 0.5) fail();\n' },
      { path: 'core/src/planted.ts', text: "import { createHash, randomUUID } from 'node:crypto';\n" },
      { path: 'core/test/simulation/planted.ts', text: 'await new Promise(setImmediate);\n' },
    ],
  },
  {
    name: 'documented commands exist',
    rule: documentedCommandsExist,
    offences: [
      { path: 'README.md', text: 'Run `npm run fly`, says npm itself.\n' },
      { path: 'docs/planted.md', text: '    npm ci && npm fly\n' },
    ],
  },
  {
    name: 'links lead somewhere',
    rule: linksLeadSomewhere,
    offences: [{ path: 'docs/planted.md', text: 'See [the map](../NOWHERE.md).\n' }],
  },
];

describe.each(cases)('$name', ({ rule, offences }) => {
  test('in this project', () => {
    expect(rule(project)).toEqual([]);
  });

  test.each(offences)('an offence in $path is found', (offence) => {
    const kept = project.filter(({ path }) => path !== offence.path);
    const complaints = rule([...kept, offence]);
    expect(complaints.filter((complaint) => complaint.startsWith(offence.path))).toHaveLength(1);
  });
});

describe('the lock file', () => {
  const lock = readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8');

  test('has every optional package', () => {
    expect(missingFromLock(lock)).toEqual([]);
  });

  test('without one of them it is found wanting', () => {
    const entry = 'node_modules/@biomejs/cli-darwin-arm64';
    const { [entry]: removed, ...packages } = JSON.parse(lock).packages;
    expect(removed).toBeDefined();
    expect(missingFromLock(JSON.stringify({ packages }))).toEqual([
      'node_modules/@biomejs/biome may need @biomejs/cli-darwin-arm64, which package-lock.json does not have',
    ]);
  });
});

describe('reading sources', () => {
  test('the project is there', () => {
    expect(project.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['package.json', 'core/src/index.ts', 'tidy/project.ts']),
    );
  });

  test('comments are blanked, strings are not', () => {
    expect(withoutComments("a; // from 'x'\nb('//not');/* c\nd */e")).toBe(
      `a; ${' '.repeat(11)}\nb('//not');${' '.repeat(4)}\n${' '.repeat(4)}e`,
    );
  });

  test('every way to import is seen', () => {
    const text = [
      "import a from 'm1';",
      "import { b,\n  c } from 'm2';",
      "import 'm3';",
      "export * from 'm4';",
      "type D = import('m5').D;",
      "const e = await import('m6');",
      "// import f from 'not';",
      "f('from'), g('not');",
      "/* a\nb */ import g from 'm7';",
    ].join('\n');
    expect(importsOf(text).map(({ specifier, line }) => `${specifier}:${line}`)).toEqual([
      ...['m1:1', 'm2:3', 'm3:4', 'm4:5', 'm5:6', 'm6:7', 'm7:11'],
    ]);
  });
});
