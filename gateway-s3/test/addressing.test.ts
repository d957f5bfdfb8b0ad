import { describe, expect, it } from 'vitest';
import { parseTarget } from '../src/addressing.ts';
import { startWorld } from './world.ts';

const at = (rawPath: string, host = '127.0.0.1:9000') => {
  const target = parseTarget({ rawPath, host, domain: 's3.test' });
  if (target.level === 'object') return `${target.bucket}|${target.key.toString('utf8')}`;
  return target.level === 'bucket' ? target.bucket : '';
};

describe('parseTarget', () => {
  it.each([
    ['/', ''],
    ['/buck', 'buck'],
    ['/buck/', 'buck'],
    ['/buck/a', 'buck|a'],
    ['/buck//a', 'buck|/a'],
    ['/buck/a//b/', 'buck|a//b/'],
    ['/buck/./../x', 'buck|./../x'],
    ['/buck/%2e%2e/x', 'buck|../x'],
    ['/buck/a%2Fb', 'buck|a/b'],
    ['/buck/a+b', 'buck|a+b'],
    ['/buck/a%2Bb', 'buck|a+b'],
    ['/buck/a%20b', 'buck|a b'],
    ['/buck/%C3%A9', 'buck|é'],
    ['/buck/%25', 'buck|%'],
  ])('%s is %s, path-style', (path, expected) => {
    expect(at(path)).toBe(expected);
  });

  it.each([
    ['/a/b', 'buck.s3.test', 'buck|a/b'],
    ['/a/b', 'buck.s3.test:9000', 'buck|a/b'],
    ['/a/b', 'BUCK.S3.Test', 'buck|a/b'],
    ['//a', 'buck.s3.test', 'buck|/a'],
    ['/', 'my.dotted.name.s3.test', 'my.dotted.name'],
    ['/a/b', 's3.test', 'a|b'],
    ['/a/b', 'buckxs3.test', 'a|b'],
    ['/a/b', '.s3.test', 'a|b'],
    ['/a/b', 'other.example', 'a|b'],
    ['/a/b', '[::1]:9000', 'a|b'],
    ['/a/b', '10.0.0.1', 'a|b'],
  ])('%s at %s is %s', (path, host, expected) => {
    expect(at(path, host)).toBe(expected);
  });

  it.each([
    ['/buck/%ae%8a-', 'InvalidURI'],
    ['/buck/%', 'InvalidURI'],
    ['/buck/%zz', 'InvalidURI'],
    ['/buck/%ed%a0%80', 'InvalidURI'],
    ['*', 'InvalidURI'],
    ['//key', 'InvalidBucketName'],
    [`/buck/${'a'.repeat(1025)}`, 'KeyTooLongError'],
    [`/buck/${'%C3%A9'.repeat(513)}`, 'KeyTooLongError'],
  ])('%s is refused with %s', (path, code) => {
    expect(() => at(path)).toThrow(expect.objectContaining({ code }));
  });

  it('takes a key of 1,024 bytes', () => {
    expect(at(`/buck/${'%C3%A9'.repeat(512)}`)).toBe(`buck|${'é'.repeat(512)}`);
  });
});

it('serves one object under both addressing styles', async () => {
  const world = await startWorld();
  try {
    const { alice } = world;
    await alice.put('/styles');
    await alice.put('/styles/a/b', 'x');
    const hosted = alice.as(alice.credentials, `styles.s3.test:${world.port}`);
    expect(await hosted.get('/a/b')).toMatchObject({ status: 200, text: 'x' });
    expect(await hosted.put('/c', 'y')).toMatchObject({ status: 200 });
    expect(await alice.get('/styles/c')).toMatchObject({ status: 200, text: 'y' });
    const listed = await hosted.get('/?list-type=2');
    expect(listed.text).toContain('<Name>styles</Name>');
    // An absolute-form request line names the same thing.
    const { host } = alice;
    expect(await alice.sendRaw({ path: `http://${host}/styles/c` })).toMatchObject({ code: 'AccessDenied' });
  } finally {
    await world.close();
  }
});
