import { expect, it } from 'vitest';
import type { Commands } from '../../src/commands/command.ts';
import { publishing } from '../../src/contents/discard.ts';
import { FsError, type StagedBody } from '../../src/index.ts';

it('what is told of a body that was not published is why, also where it can not be given back', async () => {
  const location = { store: 1, container: 1n, offset: 0, length: 5000 };
  const body = { kind: 'extent', lengthBytes: 5000, contentId: 1n, location } as unknown as StagedBody;
  const tried: string[] = [];
  const commands = {
    run: async ({ name }: { readonly name: string }) => {
      tried.push(name);
      throw new FsError('NoSpace', 'the disk is full');
    },
  } as unknown as Commands;
  const refused = publishing(commands, body, async () => {
    throw new FsError('PreconditionFailed', 'there is one');
  });
  await expect(refused).rejects.toMatchObject({ code: 'PreconditionFailed' });
  expect(tried).toEqual(['discardExtent']);
});
