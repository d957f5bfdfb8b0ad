/**
 * The soak's last line, which is what people read of it.
 *
 * @param lacking what was asked for and not tried: nothing can be said of that
 */
export function conclusionOf({
  faults,
  lacking,
}: {
  readonly faults: number;
  readonly lacking: readonly string[];
}): string {
  return [faults === 0 ? 'nothing was lost' : `${faults} FAULTS`, ...lacking].join('; ');
}
