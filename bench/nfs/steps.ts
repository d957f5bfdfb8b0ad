/** What is asked of both servers, in an order in which each step finds what it needs. */

/** Of guest.py. */
export interface Step {
  readonly name: string;
  /** It changes names, so that the peer's answer need not be on stable storage. */
  readonly changesNames: boolean;
  /** Not told of: it only makes ready or clears away. */
  readonly silent?: true;
  readonly plan: Readonly<Record<string, string | number>>;
}

export interface Group {
  readonly name: string;
  readonly steps: readonly Step[];
}

export interface Scale {
  readonly files: number;
  readonly sizeBytes: number;
  /** Of 4 KiB at random. */
  readonly operations: number;
}

const KiB = 1024;
const SMALL_FILE_BYTES = 4 * KiB;
const THREADS = [1, 8] as const;

const same = { changesNames: false } as const;
const names = { changesNames: true } as const;

/** @param folder of the mount, for this group and round alone */
export function groupsOf({ files, sizeBytes, operations }: Scale): Group[] {
  const size = sizeBytes >= KiB ** 3 ? `${sizeBytes / KiB ** 3} GiB` : `${sizeBytes / KiB ** 2} MiB`;
  const large: Group = {
    name: 'large',
    steps: [
      { name: 'make', ...same, silent: true, plan: { step: 'make_folder' } },
      { name: `write ${size}`, ...same, plan: { step: 'write', sizeBytes } },
      { name: `read ${size}`, ...same, plan: { step: 'read', sizeBytes } },
      ...THREADS.map((threads) => ({
        name: `read 4 KiB at random, ×${threads}`,
        ...same,
        plan: { step: 'random_read', sizeBytes, threads, operations },
      })),
      ...THREADS.map((threads) => ({
        name: `write 4 KiB at random, durable, ×${threads}`,
        ...same,
        plan: { step: 'random_write', sizeBytes, threads, operations },
      })),
      { name: 'remove', ...same, silent: true, plan: { step: 'remove_large' } },
    ],
  };
  return [large, ...THREADS.flatMap((threads) => smallGroups(files, threads))];
}

function smallGroups(files: number, threads: number): Group[] {
  const each = files - (files % threads);
  const small = { files: each, threads, fileBytes: SMALL_FILE_BYTES };
  const empty = { files: each, threads, fileBytes: 0 };
  const step = (name: string, what: string, plan: typeof small): Step => ({
    name: `${name}, ×${threads}`,
    ...(what === 'create' || what === 'remove' ? names : same),
    plan: { step: what, ...plan },
  });
  return [
    {
      name: `small ${threads}`,
      steps: [
        step('create 4 KiB', 'create', small),
        step('stat', 'stat', small),
        step('open and read 4 KiB', 'read_files', small),
        step('list', 'list_names', small),
        step('list with attributes', 'list_attributes', small),
        step('remove 4 KiB', 'remove', small),
      ],
    },
    {
      name: `empty ${threads}`,
      steps: [step('create empty', 'create', empty), step('remove empty', 'remove', empty)],
    },
  ];
}
