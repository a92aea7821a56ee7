import { spawn } from "@lydell/node-pty";
import headless from "@xterm/headless";
import { expect, onTestFinished, vi } from "vitest";
import { ROOT } from "../../../tools/paths.mjs";

const SIZE = { cols: 110, rows: 40 };

/** Runs a shell command in its own terminal, and returns the screen as a user would see it. */
export function openTerminal(command: string) {
  const terminal = new headless.Terminal({
    ...{ ...SIZE, allowProposedApi: true, scrollback: 1000 },
  });
  const pty = spawn("/bin/bash", ["-c", command], { ...SIZE, cwd: ROOT });
  let output = "";
  pty.onData((data) => {
    output += data;
    terminal.write(data);
  });
  onTestFinished(() => pty.kill());

  const lines = () => {
    const { active } = terminal.buffer;
    return Array.from(
      { length: active.length },
      (_, row) => active.getLine(row)?.translateToString(true) ?? "",
    );
  };
  return {
    /** Everything that was written, including control codes. */
    output: () => output,
    press: (keys: string) => pty.write(keys),
    resize: (cols: number, rows: number) => {
      pty.resize(cols, rows);
      terminal.resize(cols, rows);
    },
    /** The screen's text, including lines that have scrolled off. */
    screen: () => lines().join("\n"),
    /** Whether the alternate screen is active. */
    isTaken: () => terminal.buffer.active.type === "alternate",
    /** Waits until the screen shows something. */
    shows: (text: string | RegExp) =>
      vi.waitFor(() => expect(lines().join("\n")).toMatch(text), {
        ...{ timeout: 240_000, interval: 20 },
      }),
  };
}
