/** Imports go gateway → core → engine and extents, through each package's `index.ts`, and are declared. */

import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import type { ProjectFile, Rule } from './project.ts';
import { importsOf } from './source.ts';

/** What each workspace's sources may import. Its tests may also import itself, and what lies further down. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'packages/journal': [],
  'packages/link': [],
  'packages/nfs-client': [],
  'packages/engine': ['@facet/journal'],
  'packages/extents': ['@facet/journal'],
  core: ['@facet/engine', '@facet/extents'],
  'gateway-s3': ['@facet/core'],
  'gateway-nfs': ['@facet/core'],
  'packages/server': [
    '@facet/core',
    '@facet/engine',
    '@facet/extents',
    '@facet/gateway-s3',
    '@facet/gateway-nfs',
    '@facet/journal',
    '@facet/link',
  ],
  // They drive the whole from outside, and measure its parts.
  conformance: [
    '@facet/engine',
    '@facet/extents',
    '@facet/core',
    '@facet/gateway-s3',
    '@facet/gateway-nfs',
    '@facet/nfs-client',
  ],
  bench: [
    '@facet/journal',
    '@facet/engine',
    '@facet/extents',
    '@facet/core',
    '@facet/gateway-s3',
    '@facet/gateway-nfs',
    '@facet/nfs-client',
  ],
};

const FOLDER_OF: Readonly<Record<string, string>> = {
  '@facet/journal': 'packages/journal',
  '@facet/link': 'packages/link',
  '@facet/nfs-client': 'packages/nfs-client',
  '@facet/engine': 'packages/engine',
  '@facet/extents': 'packages/extents',
  '@facet/core': 'core',
  '@facet/gateway-s3': 'gateway-s3',
  '@facet/gateway-nfs': 'gateway-nfs',
};

function namesOf(workspace: string): readonly string[] {
  return Object.keys(FOLDER_OF).filter((name) => FOLDER_OF[name] === workspace);
}

function withEverythingBelow(names: readonly string[]): ReadonlySet<string> {
  const all = new Set<string>();
  const add = (name: string): void => {
    if (all.has(name)) return;
    all.add(name);
    for (const below of MAY_IMPORT[FOLDER_OF[name] ?? ''] ?? []) add(below);
  };
  names.forEach(add);
  return all;
}

function workspaceOf(path: string): string | undefined {
  return Object.keys(MAY_IMPORT).find((folder) => path.startsWith(`${folder}/`));
}

const isCode = (file: ProjectFile): boolean => /\.(?:ts|mjs)$/.test(file.path);
const isTest = (path: string): boolean => /(?:^|\/)test\/|\.test\.ts$/.test(path);

export const importDirection: Rule = (files) =>
  files.filter(isCode).flatMap((file) => {
    const workspace = workspaceOf(file.path);
    if (workspace === undefined) return [];
    const own = MAY_IMPORT[workspace] ?? [];
    const allowed = isTest(file.path) ? withEverythingBelow([...own, ...namesOf(workspace)]) : new Set(own);
    const complaints: string[] = [];
    for (const { specifier, line } of importsOf(file.text)) {
      const place = `${file.path}:${line}`;
      if (specifier.startsWith('.')) {
        const target = posix.join(posix.dirname(file.path), specifier);
        if (!target.startsWith(`${workspace}/`)) {
          complaints.push(
            `${place} reaches out of ${workspace} to ${target}: import the package by its name`,
          );
        }
      } else if (specifier.startsWith('@facet/')) {
        const [scope, name, ...inside] = specifier.split('/');
        if (inside.length > 0) {
          complaints.push(`${place} imports ${specifier}: a package's index.ts is its only door`);
        } else if (!allowed.has(`${scope}/${name}`)) {
          complaints.push(`${place} imports ${specifier}: ${workspace} may not know it`);
        }
      }
    }
    return complaints;
  });

const BUILT_IN = new Set(builtinModules);

/** `a` of `a/b`, `@s/a` of `@s/a/b`. */
function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

function declaredIn(files: readonly ProjectFile[], path: string): readonly string[] {
  const file = files.find((candidate) => candidate.path === path);
  const manifest: Manifest = file === undefined ? {} : JSON.parse(file.text);
  return [...Object.keys(manifest.dependencies ?? {}), ...Object.keys(manifest.devDependencies ?? {})];
}

export const importsAreDeclared: Rule = (files) => {
  const rootDeclares = declaredIn(files, 'package.json');
  return files.filter(isCode).flatMap((file) => {
    const workspace = workspaceOf(file.path);
    if (workspace === undefined) return [];
    const declared = new Set(declaredIn(files, `${workspace}/package.json`));
    // What only tests and measurements use is declared once, at the root; what lies further down may be used too.
    const isProduct = file.path.startsWith(`${workspace}/src/`);
    const alsoAllowed = isProduct ? [] : [...rootDeclares, ...Object.keys(FOLDER_OF)];
    return importsOf(file.text)
      .filter(({ specifier }) => !/^(?:\.|node:)/.test(specifier) && !BUILT_IN.has(specifier))
      .filter(({ specifier }) => {
        const name = packageName(specifier);
        return !declared.has(name) && !alsoAllowed.includes(name);
      })
      .map(
        ({ specifier, line }) =>
          `${file.path}:${line} imports ${specifier}, which ${workspace}/package.json does not declare`,
      );
  });
};

/** Of the folders in a folder: which of those beside it each may import. */
const MAY_IMPORT_BESIDE: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'packages/server/src/serve/family': { protocol: [], supervisor: ['protocol'], processes: ['protocol'] },
};

/** The folder in `parent` that a file lies in, or its own name if it lies in none; undefined for one that is elsewhere. */
function folderBelow(parent: string, path: string): string | undefined {
  return path.startsWith(`${parent}/`) ? path.slice(parent.length + 1).split('/')[0] : undefined;
}

export const foldersDependOneWay: Rule = (files) =>
  Object.entries(MAY_IMPORT_BESIDE).flatMap(([parent, folders]) =>
    files.filter(isCode).flatMap((file) => {
      const folder = folderBelow(parent, file.path) ?? '';
      const allowed = folders[folder];
      if (allowed === undefined) return [];
      return importsOf(file.text)
        .filter(({ specifier }) => specifier.startsWith('.'))
        .map(({ specifier, line }) => ({
          line,
          target: folderBelow(parent, posix.join(posix.dirname(file.path), specifier)),
        }))
        .filter(({ target }) => target !== undefined && target !== folder && !allowed.includes(target))
        .map(({ line, target }) => `${file.path}:${line} imports of ${target}: ${folder} may not know it`);
    }),
  );
