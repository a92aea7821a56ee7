/**
 * `SEEDS=1000` runs that many programs in each random suite (a multiple of what the gate runs);
 * `SEED=7` runs the one of that seed, to see a failure again.
 */
const { SEED, SEEDS } = process.env;

export const onlySeed = SEED === undefined ? undefined : Number(SEED);

/** The first of all seeds: as many as the gate has time for, unless the environment says otherwise. */
export function seeds(usual: number): number[] {
  const count = SEEDS === undefined ? usual : Number(SEEDS);
  return firstNumbers(count);
}

export const firstNumbers = (count: number): number[] =>
  Array.from({ length: count }, (_, index) => index);

/**
 * Runs `body` for each seed. A failure says which seed it was, of what, and how to see it again. If the environment
 * names no number of seeds, half of them do where `isEnough` says so.
 */
export async function forEachSeed(
  seeds: number[],
  file: string,
  title: string,
  body: (seed: number) => Promise<void>,
  isEnough = () => false,
) {
  const all = onlySeed === undefined ? seeds : [onlySeed];
  for (const [index, seed] of all.entries()) {
    const isHalf = SEEDS === undefined && index * 2 >= all.length;
    if (index > 0 && isHalf && isEnough()) return;
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
