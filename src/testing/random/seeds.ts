/**
 * `SEEDS=1000` runs more programs in each random suite than the gate does. `SEED=7` runs only that seed,
 * to reproduce a failure.
 */
const { SEED, SEEDS } = process.env;

export const onlySeed = SEED === undefined ? undefined : Number(SEED);

/** Returns the first seeds, as many as the gate has time for or the environment requests. */
export function seeds(usual: number): number[] {
  const count = SEEDS === undefined ? usual : Number(SEEDS);
  return firstNumbers(count);
}

export const firstNumbers = (count: number): number[] =>
  Array.from({ length: count }, (_, index) => index);

/**
 * Runs `body` for each seed. A failure names the seed and the command that reproduces it. If `SEEDS` isn't set, it may
 * stop after half of the seeds once `isEnough` returns true.
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
