/** Consoles are silent while functions run: see `surroundings.ts`. */
export function say(text: string) {
  process.stdout.write(`${text}\n`);
}
