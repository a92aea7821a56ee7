// @ts-check
/** Takes over the terminal with an alternate screen and raw keys, and restores it at the end. */
import { writeSync } from "node:fs";

const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";

/**
 * @param {(keys: string) => void} [onKeys] default: keys are not read
 */
export function takeTerminal(onKeys) {
  const { stdin, stdout } = process;
  let taken = true;
  let shown = "";

  stdout.write(ENTER);
  const listener = (/** @type {Buffer} */ keys) => onKeys?.(keys.toString());
  if (onKeys) {
    stdin.setRawMode(true);
    stdin.on("data", listener);
    stdin.resume();
  }

  const release = () => {
    if (!taken) return;
    taken = false;
    process.off("exit", release);
    process.off("uncaughtExceptionMonitor", release);
    if (onKeys) {
      stdin.off("data", listener);
      stdin.setRawMode(false);
      stdin.pause();
    }
    // Write synchronously, because the process may be ending and later output must come after this.
    writeAll(stdout.fd, LEAVE);
  };
  // Also restores the terminal if `process.exit` is called.
  process.on("exit", release);
  // Restores the terminal before the stack trace is printed, so that you can read it.
  process.on("uncaughtExceptionMonitor", release);

  return {
    get size() {
      return { width: stdout.columns || 80, height: stdout.rows || 24 };
    },
    /** @param {string[]} lines */
    show(lines) {
      const frame = lines.map((line) => `${line}\x1b[K`).join("\r\n");
      if (!taken || frame === shown) return;
      shown = frame;
      stdout.write(`\x1b[H${frame}\x1b[J`);
    },
    release,
  };
}

/** @param {number} fd @param {string} text */
function writeAll(fd, text) {
  try {
    writeSync(fd, text);
  } catch {
    // The terminal was closed or would block, so nobody would see the output.
  }
}
