/** The first line of `facet serve --json`: what listens where. */
import type { Endpoint } from '../wire/send.ts';

export interface Serving {
  readonly pid: number;
  readonly s3: Door;
  readonly admin: Door;
  readonly nfs: Endpoint;
}

export interface Door extends Endpoint {
  readonly url: string;
}

const PORT_MAX = 65_535;

/** @throws Error with the line, where it is another */
export function servingOf(line: string): Serving {
  const said = parsed(line);
  const wrong = (what: string): Error =>
    new Error(`facet serve was to say first what it serves, and there is no ${what} in: ${line}`);

  const endpointAt = (name: 's3' | 'admin' | 'nfs'): Endpoint => {
    const { host, port } = Object(said[name]);
    if (typeof host !== 'string' || host === '') throw wrong(`${name}.host`);
    if (!isWhole(port) || port > PORT_MAX) throw wrong(`${name}.port`);
    return { host, port };
  };
  const doorAt = (name: 's3' | 'admin'): Door => {
    const { url } = Object(said[name]);
    if (typeof url !== 'string' || !URL.canParse(url)) throw wrong(`${name}.url`);
    return { ...endpointAt(name), url };
  };
  if (!isWhole(said.pid)) throw wrong('pid');
  return { pid: said.pid, s3: doorAt('s3'), admin: doorAt('admin'), nfs: endpointAt('nfs') };
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

/** What is no JSON has nothing in it. */
function parsed(line: string): Readonly<Record<keyof Serving, unknown>> {
  try {
    return Object(JSON.parse(line));
  } catch {
    return Object(undefined);
  }
}
