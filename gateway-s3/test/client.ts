/** A small S3 client over a real socket: it signs what it is told to, and sends nonsense when asked. */
import { createHash, createHmac } from 'node:crypto';
import http from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
  /** The `<Code>` of an error document. */
  readonly code: string | undefined;
}

export interface Ask {
  readonly method?: string;
  /** Still percent-encoded, with the query: sent as it is. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** In place of the body's SHA-256. */
  readonly payload?: string;
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretKey: string;
}

export const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');
export const md5Base64 = (data: string | Buffer): string => createHash('md5').update(data).digest('base64');
export const md5Hex = (data: string | Buffer): string => createHash('md5').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();

/** RFC 3986, as SigV4 wants it. */
export const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
/** A key as a path: slashes stay. */
export const encodeKey = (key: string): string => encode(key).replaceAll('%2F', '/');

const REGION = 'eu-central-1';

/** The headers of a signed request, `Authorization` among them. */
export function sign(
  { accessKeyId, secretKey }: Credentials,
  ask: Ask & { readonly host: string },
): Record<string, string> {
  const timestamp = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const date = timestamp.slice(0, 8);
  const payload = ask.payload ?? sha256(ask.body ?? '');
  const headers: Record<string, string> = {
    host: ask.host,
    'x-amz-date': timestamp,
    'x-amz-content-sha256': payload,
    ...ask.headers,
  };
  const names = Object.keys(headers)
    .map((name) => name.toLowerCase())
    .filter((name) => name === 'host' || name === 'content-type' || name.startsWith('x-amz-'))
    .sort();
  const value = (name: string) => {
    const entry = Object.entries(headers).find(([other]) => other.toLowerCase() === name);
    return (entry?.[1] ?? '').trim();
  };
  const [path = '', query = ''] = ask.path.split('?', 2);
  const params = query
    .split('&')
    .filter((piece) => piece !== '')
    .map((piece) => piece.split('='))
    .map(([name = '', given = '']) => [
      reencode(name.replaceAll('+', ' ')),
      reencode(given.replaceAll('+', ' ')),
    ])
    .sort(([a = '', x = ''], [b = '', y = '']) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1))
    .map(([name, given]) => `${name}=${given}`)
    .join('&');
  const canonical = [
    ask.method ?? 'GET',
    path.split('/').map(reencode).join('/'),
    params,
    ...names.map((name) => `${name}:${value(name)}`),
    '',
    names.join(';'),
    payload,
  ].join('\n');
  const scope = `${date}/${REGION}/s3/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', timestamp, scope, sha256(Buffer.from(canonical, 'latin1'))].join('\n');
  const key = ['s3', 'aws4_request'].reduce<Buffer>(
    (inner, step) => hmac(inner, step),
    hmac(hmac(`AWS4${secretKey}`, date), REGION),
  );
  headers['authorization'] =
    `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, ` +
    `Signature=${createHmac('sha256', key).update(toSign).digest('hex')}`;
  return headers;
}

/** Decodes and encodes again, byte for byte: also what is not UTF-8. */
function reencode(piece: string): string {
  const bytes = piece.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return [...bytes]
    .map((c) =>
      /[A-Za-z0-9\-._~]/.test(c) ? c : `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('');
}

export class S3TestClient {
  readonly agent = new http.Agent({ keepAlive: true });
  readonly port: number;
  readonly credentials: Credentials;
  /** What goes into `Host`. */
  readonly host: string;

  constructor(port: number, credentials: Credentials, host = `127.0.0.1:${port}`) {
    this.port = port;
    this.credentials = credentials;
    this.host = host;
  }

  /** The same server seen by another account, or under another name. */
  as(credentials: Credentials, host?: string): S3TestClient {
    return new S3TestClient(this.port, credentials, host);
  }

  async send(ask: Ask): Promise<Answer> {
    return this.sendRaw({ ...ask, headers: sign(this.credentials, { ...ask, host: this.host }) });
  }

  /** Sends headers as they are, unsigned. */
  async sendRaw(ask: Ask): Promise<Answer> {
    const response = await this.open(ask);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    return answerOf(response, Buffer.concat(chunks));
  }

  /** Resolves at the head of the answer. */
  open(ask: Ask): Promise<http.IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = http.request(
        {
          agent: this.agent,
          host: '127.0.0.1',
          port: this.port,
          method: ask.method ?? 'GET',
          path: ask.path,
          setHost: false,
          headers: {
            host: this.host,
            ...(ask.body !== undefined && { 'content-length': Buffer.byteLength(ask.body) }),
            ...ask.headers,
          },
        },
        resolve,
      );
      request.on('error', reject);
      // As bytes: Node joins a text body to the head and encodes both as UTF-8.
      request.end(ask.body === undefined ? undefined : Buffer.from(ask.body));
    });
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send({ path, headers });
  }
  head(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send({ method: 'HEAD', path, headers });
  }
  put(path: string, body: string | Buffer = '', headers: Record<string, string> = {}): Promise<Answer> {
    return this.send({ method: 'PUT', path, body, headers });
  }
  post(path: string, body: string | Buffer = '', headers: Record<string, string> = {}): Promise<Answer> {
    return this.send({ method: 'POST', path, body, headers });
  }
  delete(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send({ method: 'DELETE', path, headers });
  }

  close(): void {
    this.agent.destroy();
  }
}

function answerOf(response: http.IncomingMessage, body: Buffer): Answer {
  const text = body.toString('utf8');
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body,
    text,
    code: /<Error>.*<Code>([^<]*)<\/Code>/s.exec(text)?.[1],
  };
}

/** Every text of `<name>` in a document, references replaced. */
export function texts(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map((match) =>
    unescapeXml(match[1] ?? ''),
  );
}

export function textOf(xml: string, name: string): string | undefined {
  return texts(xml, name)[0];
}

function unescapeXml(text: string): string {
  const named: Record<string, string> = { lt: '<', gt: '>', quot: '"', amp: '&' };
  return text.replace(/&(?:#x([0-9A-F]+)|(\w+));/g, (_, hex?: string, name?: string) =>
    hex === undefined ? (named[name ?? ''] ?? '?') : String.fromCodePoint(Number.parseInt(hex, 16)),
  );
}
