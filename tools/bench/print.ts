/** Prints even while the console is silent. See `environment.ts`. */
export function print(text: string) {
  process.stdout.write(`${text}\n`);
}
