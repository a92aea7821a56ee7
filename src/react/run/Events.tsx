import { useMutation } from "convex/react";
import { useId, useState } from "react";
import type { ConsoleEvent } from "../api.js";
import { useConsole } from "../context.js";
import { capitalized, formatCount } from "../format.js";
import { Time } from "../ui/basics.js";
import { Button } from "../ui/buttons.js";
import { messageOf } from "../ui/errors.js";
import { parseTyped, preview } from "../values.js";

export function Events({
  workflowId,
  events,
  now,
  onMore,
}: {
  workflowId: string;
  events: readonly ConsoleEvent[];
  now: number;
  /** Absent if all events are shown. */
  onMore: (() => void) | undefined;
}) {
  const waiting = events.filter(({ state }) => state === "waiting");
  return (
    <div
      className="wfc-events"
      tabIndex={0}
      role="region"
      aria-label="Events of the run"
    >
      <SendEvent
        workflowId={workflowId}
        names={[...new Set(waiting.map(({ name }) => name))]}
      />
      {events.length === 0 ? (
        <p className="wfc-message">
          This run has neither awaited nor received an event.
        </p>
      ) : (
        <table className="wfc-event-table">
          <thead>
            <tr>
              {["Event", "State", "Time", "Step", "Value"].map((header) => (
                <th key={header} scope="col">
                  {header}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {events.map((event) => {
              const at = event.sentAt ?? event.waitingSince;
              return (
                <tr key={event.eventId}>
                  <th scope="row" title={event.eventId}>
                    {event.name}
                  </th>
                  <td>
                    <span className={`wfc-pill wfc-event-${event.state}`}>
                      {capitalized(event.state)}
                    </span>
                  </td>
                  <td>{at !== undefined && <Time at={at} now={now} />}</td>
                  <td>{event.stepNumber ?? ""}</td>
                  <td>
                    {event.error !== undefined ? (
                      <span className="wfc-error-line">
                        {event.error.slice(0, 300)}
                      </span>
                    ) : event.cut ? (
                      <code title={`${formatCount(event.cut.bytes)} bytes`}>
                        {event.cut.preview.slice(0, 160)}
                      </code>
                    ) : event.value !== undefined ? (
                      <code>{preview(event.value)}</code>
                    ) : null}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
      {onMore && (
        <p className="wfc-more">
          <Button kind="link" onClick={onMore}>
            Show more events
          </Button>
        </p>
      )}
    </div>
  );
}

function SendEvent({
  workflowId,
  names,
}: {
  workflowId: string;
  /** The names of events that steps wait for. */
  names: string[];
}) {
  const { api, notify } = useConsole();
  const send = useMutation(api.sendEvent);
  const [name, setName] = useState<string>();
  const [as, setAs] = useState<"value" | "error">("value");
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<string>();
  const [isBusy, setIsBusy] = useState(false);
  const id = useId();
  const chosen = name ?? names[0] ?? "";

  async function submit() {
    if (chosen.trim() === "") return setProblem("Name the event.");
    const parsed = as === "value" ? parseTyped(text) : { value: text };
    if ("problem" in parsed)
      return setProblem(`The value isn't JSON: ${parsed.problem}`);
    setProblem(undefined);
    setIsBusy(true);
    try {
      await send({
        workflowId,
        name: chosen.trim(),
        ...(parsed.value !== undefined && { [as]: parsed.value }),
      });
      notify(`Sent “${chosen.trim()}”.`);
      setText("");
      setName(undefined);
    } catch (error) {
      setProblem(messageOf(error) || "The server refused it.");
    } finally {
      setIsBusy(false);
    }
  }

  return (
    <form
      className="wfc-send"
      aria-label="Send an event"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <label>
        Event
        <input
          type="text"
          list={`${id}-names`}
          value={chosen}
          spellCheck={false}
          autoComplete="off"
          onChange={({ target }) => setName(target.value)}
        />
        <datalist id={`${id}-names`}>
          {names.map((each) => (
            <option key={each} value={each} />
          ))}
        </datalist>
      </label>
      <label>
        As
        <select
          value={as}
          onChange={({ target }) => setAs(target.value as typeof as)}
        >
          <option value="value">a value</option>
          <option value="error">an error</option>
        </select>
      </label>
      <label className="wfc-send-value">
        {as === "value" ? "Value, as JSON" : "Message"}
        <textarea
          rows={1}
          value={text}
          spellCheck={false}
          placeholder={as === "value" ? '{ "approved": true }' : "Rejected"}
          aria-invalid={problem !== undefined}
          aria-describedby={problem && `${id}-problem`}
          onChange={({ target }) => setText(target.value)}
        />
      </label>
      <Button type="submit" kind="primary" disabled={isBusy}>
        Send
      </Button>
      {problem && (
        <p id={`${id}-problem`} role="alert" className="wfc-problem">
          {problem}
        </p>
      )}
    </form>
  );
}
