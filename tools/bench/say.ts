/** Prints even while the console is silent. See `surroundings.ts`. */
export function say(text: string) {
  process.stdout.write(`${text}\n`);
}
