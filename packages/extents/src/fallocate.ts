/**
 * fallocate(2), which Node does not offer. Calls run on a worker thread.
 *
 * @source Linux man page fallocate(2); values from linux/falloc.h
 */

import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';

const FALLOC_FL_KEEP_SIZE = 0x01;
const FALLOC_FL_PUNCH_HOLE = 0x02;
const EINTR = 4;

type Fallocate = (fd: number, mode: number, offset: number, length: number) => Promise<void>;

/** Takes blocks for a run of the file, growing it when the run ends past its end. */
export function allocateRun(
  fd: number,
  run: { readonly offset: number; readonly length: number },
): Promise<void> {
  return bound()(fd, 0, run.offset, run.length);
}

/** Makes a run read as zeros and frees its whole blocks; the partial blocks at its ends are zeroed. */
export function punchRun(
  fd: number,
  run: { readonly offset: number; readonly length: number },
): Promise<void> {
  return bound()(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, run.offset, run.length);
}

let call: Fallocate | undefined;

function bound(): Fallocate {
  call ??= bind();
  return call;
}

/** The C library is bound at first use: most processes never punch. */
function bind(): Fallocate {
  const native = koffi.load(null).func('int fallocate(int fd, int mode, int64_t offset, int64_t length)');
  const once = (fd: number, mode: number, offset: number, length: number): Promise<number> =>
    new Promise((resolve, reject) => {
      native.async(fd, mode, offset, length, (error: unknown, result: number) => {
        if (error) reject(error);
        else resolve(result === 0 ? 0 : koffi.errno());
      });
    });
  return async (fd, mode, offset, length) => {
    let errno = await once(fd, mode, offset, length);
    while (errno === EINTR) errno = await once(fd, mode, offset, length);
    if (errno === 0) return;
    const code = getSystemErrorName(-errno);
    throw Object.assign(new Error(`${code}: fallocate`), { code, errno, syscall: 'fallocate' });
  };
}
