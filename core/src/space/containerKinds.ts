import { type ContainerInfo, containerId, ExtentError, type ExtentStore } from '@facet/extents';

export type ContainerKind = ContainerInfo['kind'];

/** Each with what kind of container it is of, where its file is there: so that it can be called as that is. */
export async function withKinds<T extends { readonly container: number }>(
  extents: Pick<ExtentStore, 'status'>,
  places: readonly T[],
): Promise<readonly (T & { readonly kind?: ContainerKind })[]> {
  const kinds = new Map<number, ContainerKind | undefined>();
  for (const { container } of places)
    if (!kinds.has(container)) kinds.set(container, await kindOf(extents, container));
  return places.map((place) => {
    const kind = kinds.get(place.container);
    return kind === undefined ? place : { ...place, kind };
  });
}

/** Undefined also where the device does not say. */
async function kindOf(
  extents: Pick<ExtentStore, 'status'>,
  container: number,
): Promise<ContainerKind | undefined> {
  try {
    return (await extents.status(containerId(container)))?.kind;
  } catch (error) {
    if (error instanceof ExtentError) return undefined;
    throw error;
  }
}
