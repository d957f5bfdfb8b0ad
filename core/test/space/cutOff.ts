/** Cuts a world off in the middle of something: what takes a step after that waits for ever. */
export class CutOff {
  #stepsLeft = Number.POSITIVE_INFINITY;
  #onCut: () => void = () => undefined;

  /** What a world is opened with whose steps are counted. */
  get hooks() {
    const step = this.#step;
    return { disk: { before: step }, memory: { beforeCommit: step, afterCommit: step } };
  }

  readonly #step = async (): Promise<undefined> => {
    if (this.#stepsLeft > 0) {
      this.#stepsLeft -= 1;
      return undefined;
    }
    this.#onCut();
    return new Promise(() => undefined);
  };

  /** Whether work came to its end before it took more steps than that. */
  async endsWithin(steps: number, work: () => Promise<unknown>): Promise<boolean> {
    const { promise: cut, resolve } = Promise.withResolvers<false>();
    this.#onCut = () => resolve(false);
    this.#stepsLeft = steps;
    const ended = await Promise.race([work().then(() => true), cut]);
    // What comes after a crash goes on.
    this.#stepsLeft = Number.POSITIVE_INFINITY;
    return ended;
  }
}
