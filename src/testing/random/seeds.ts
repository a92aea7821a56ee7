/**
 * `SEEDS=1000` runs that many programs in each random suite (a multiple of what the gate runs);
 * `SEED=7` runs the one of that seed, to see a failure again.
 */
const { SEED, SEEDS } = process.env;

export const onlySeed = SEED === undefined ? undefined : Number(SEED);

/** The seeds to run: as many as the gate has time for, unless the environment says otherwise. */
export function seeds(usual: number): number[] {
  if (onlySeed !== undefined) return [onlySeed];
  const count = SEEDS === undefined ? usual : Number(SEEDS);
  return Array.from({ length: count }, (_, seed) => seed);
}

/** Runs `body` for each seed. A failure says which seed it was, of what, and how to see it again. */
export async function forEachSeed(
  usual: number,
  file: string,
  title: string,
  body: (seed: number) => Promise<void>,
) {
  for (const seed of seeds(usual)) {
    try {
      await body(seed);
    } catch (error) {
      throw new Error(
        `seed ${seed}: ${(error as Error).message}\n` +
          `To run it again: SEED=${seed} npx vitest run ${file} -t "${title}"`,
        { cause: error },
      );
    }
  }
}
