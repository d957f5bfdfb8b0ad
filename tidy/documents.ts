/** What the documents promise exists: commands in them are scripts of `package.json`, links lead somewhere. */

import { posix } from 'node:path';
import type { Rule } from './project.ts';

const BUILT_IN_SCRIPTS = new Set(['ci', 'install', 'run', 'exec']);

interface Scripts {
  readonly scripts?: Readonly<Record<string, string>>;
}

/** Code spans, fenced and indented blocks: prose speaks of npm in other ways. */
function codeIn(markdown: string): string {
  return Array.from(markdown.matchAll(/```[\s\S]*?```|`[^`\n]+`|^ {4}.*$/gm), ([code]) => code).join('\n');
}

export const documentedCommandsExist: Rule = (files) => {
  const manifest: Scripts = JSON.parse(files.find(({ path }) => path === 'package.json')?.text ?? '{}');
  const scripts = new Set(Object.keys(manifest.scripts ?? {}));
  return files
    .filter(({ path }) => path.endsWith('.md'))
    .flatMap(({ path, text }) =>
      Array.from(codeIn(text).matchAll(/\bnpm\s+(?:run\s+)?([a-z][a-z0-9:-]*)/g), (match) => ({
        path,
        written: match[0],
        script: match[1] ?? '',
      })),
    )
    .filter(({ script, written }) => !(BUILT_IN_SCRIPTS.has(script) && !/\srun\s/.test(written)))
    .filter(({ script }) => !scripts.has(script))
    .map(({ path, written }) => `${path} says '${written}', which package.json does not know`);
};

export const linksLeadSomewhere: Rule = (files) => {
  const paths = files.map(({ path }) => path);
  return files
    .filter(({ path }) => path.endsWith('.md'))
    .flatMap(({ path, text }) =>
      Array.from(text.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g), (match) => ({
        path,
        target: match[1] ?? '',
      })),
    )
    .filter(({ target }) => !/^[a-z]+:/.test(target))
    .map(({ path, target }) => ({ path, target, place: posix.join(posix.dirname(path), target) }))
    .filter(({ place }) => {
      const folder = place.endsWith('/') ? place : `${place}/`;
      return !paths.includes(place) && !paths.some((candidate) => candidate.startsWith(folder));
    })
    .map(({ path, target }) => `${path} links to ${target}, which is not there`);
};
