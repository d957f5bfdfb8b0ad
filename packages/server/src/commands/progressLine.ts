import { formatBytes } from './size.ts';

const WIDTH = 30;
/** Who cannot be told better is not told that it is over before it is. */
const SHARE_MAX = 0.99;
const CLEAR_LINE = '\r\u001b[K';

export interface ShownProgress {
  readonly bytes: number;
  /** 0 as long as nobody can tell. */
  readonly bytesExpected: number;
}

/** What of standard error it needs. */
interface Terminal {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** A bar that is drawn over itself, for people at a terminal. Nothing where there is none. */
export class ProgressLine {
  readonly #terminal: Terminal;
  readonly #isShown: boolean;

  constructor(terminal: Terminal, { isWanted }: { readonly isWanted: boolean }) {
    this.#terminal = terminal;
    this.#isShown = isWanted && terminal.isTTY === true;
  }

  show(progress: ShownProgress): void {
    if (this.#isShown) this.#terminal.write(`${CLEAR_LINE}${progressText(progress)}`);
  }

  clear(): void {
    if (this.#isShown) this.#terminal.write(CLEAR_LINE);
  }
}

export function progressText({ bytes, bytesExpected }: ShownProgress): string {
  if (bytesExpected === 0) return `${formatBytes(bytes)} so far`;
  const share = Math.min(SHARE_MAX, bytes / bytesExpected);
  const filled = Math.round(share * WIDTH);
  const bar = `[${'#'.repeat(filled)}${'-'.repeat(WIDTH - filled)}]`;
  return `${bar} ${Math.floor(share * 100)} %  ${formatBytes(bytes)} of about ${formatBytes(bytesExpected)}`;
}
