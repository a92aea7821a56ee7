// @ts-check
/** The demo on a terminal. Displays all runs live and handles keys. */
import { keysIn } from "./keys.mjs";
import { takeTerminal } from "./terminal.mjs";
import { layout, paint } from "./view.mjs";

/** @import { Key } from "./keys.mjs" */
/** @import { Runner } from "./runner.mjs" */

const FRAME_MS = 100;

/**
 * @param {object} options
 * @param {() => Runner[]} options.runners
 * @param {(runner: Runner) => void} options.restarted
 * @param {() => void} options.quit
 * @param {() => number} options.endsAt when the demo ends, unless a run is restarted before
 * @param {number} options.beganAt
 */
export function showLive({ runners, restarted, quit, endsAt, beganAt }) {
  const hasKeys = process.stdin.isTTY === true;
  const colors = process.env["NO_COLOR"] === undefined;
  const terminal = takeTerminal(hasKeys ? onKeys : undefined);
  let message = "";
  /** Only keys move the selection. @type {Runner | undefined} */
  let chosen = runners()[0];

  const selected = () => Math.max(0, chosen ? runners().indexOf(chosen) : 0);

  function render() {
    const screen = {
      ...terminal.size,
      ...{ now: Date.now(), beganAt, endsAt: endsAt() },
      ...{ selected: selected(), hasKeys, message },
    };
    const runs = runners().map(({ run }) => run);
    terminal.show(layout(runs, screen).map((line) => paint(line, colors)));
  }

  /** @param {string} text */
  function onKeys(text) {
    for (const key of keysIn(text)) void press(key);
  }

  /** @param {Key} key */
  async function press(key) {
    if (key === "quit") return quit();
    const index = selected();
    if (key === "up" || key === "down") {
      const next = index + (key === "up" ? -1 : 1);
      chosen = runners()[next] ?? runners()[index];
    } else {
      const runner = runners()[index];
      if (runner) message = await act(key, runner).catch(refusal);
    }
    render();
  }

  /** @param {"answer" | "cancel" | "restart"} key @param {Runner} runner */
  async function act(key, runner) {
    const { label } = runner.run;
    switch (key) {
      case "answer":
        return (await runner.answer())
          ? `${label}: sent`
          : `${label} waits for nothing that you could send.`;
      case "cancel":
        return (await runner.cancel())
          ? `${label}: canceled`
          : `${label} is not in progress.`;
      case "restart":
        if (!(await runner.restart())) return `${label} has not ended.`;
        restarted(runner);
        return `${label}: restarted`;
    }
  }

  const refusal = (/** @type {Error} */ error) => `Refused: ${error.message}`;

  const timer = setInterval(render, FRAME_MS);
  render();
  return {
    close() {
      clearInterval(timer);
      render();
      terminal.release();
    },
  };
}
