/** Puts something in the place of what many share. @returns puts it back */
export function replace<T extends object>(target: T, changed: Partial<T>): () => void {
  const before = Object.fromEntries(
    Object.keys(changed).map((name) => [name, Reflect.get(target, name) as unknown]),
  );
  Object.assign(target, changed);
  return () => {
    Object.assign(target, before);
  };
}
