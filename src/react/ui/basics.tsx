import { useState } from "react";
import { useConsole } from "../context.js";
import {
  formatDistance,
  formatExactTime,
  formatTime,
  plural,
} from "../format.js";
import type { SegmentKind } from "../timeline/segments.js";
import { Button, IconButton } from "./buttons.js";
import { messageOf } from "./errors.js";

function timeAs(format: (at: number, now: number) => string) {
  return function ({ at, now }: { at: number; now: number }) {
    const exact = formatExactTime(at);
    return (
      <time dateTime={exact} title={exact}>
        {format(at, now)}
      </time>
    );
  };
}

export const Time = timeAs(formatTime);

/** Shows a time as its distance from now. */
export const Due = timeAs(formatDistance);

/** Shows the color and pattern of a kind of segment. */
export function Swatch({ kind }: { kind: SegmentKind }) {
  return <span className={`wfc-swatch wfc-seg-${kind}`} aria-hidden="true" />;
}

export function CopyButton({
  text,
  what,
}: {
  /** Called only on copy, because JSON of a large value is expensive. */
  text: () => string;
  what: string;
}) {
  const copy = useCopy();
  return (
    <IconButton
      icon="copy"
      label={`Copy the ${what}`}
      onClick={() => void copy(text, what)}
    />
  );
}

export function useCopy() {
  const { notify } = useConsole();
  return async (text: () => string, what: string) => {
    try {
      await navigator.clipboard.writeText(text());
      notify(`Copied the ${what}.`);
    } catch {
      notify(`Can't copy the ${what}: the browser refused it.`, "error");
    }
  };
}

export function Message({
  title,
  children,
  kind = "plain",
}: {
  title: string;
  children?: React.ReactNode;
  kind?: "plain" | "error";
}) {
  return (
    <div
      className={`wfc-message wfc-message-${kind}`}
      role={kind === "error" ? "alert" : undefined}
    >
      <p className="wfc-message-title">{title}</p>
      {children && <div className="wfc-message-text">{children}</div>}
    </div>
  );
}

/** Shows named facts. One without a value is left out. */
export function Facts(props: {
  className: string;
  of: Record<string, React.ReactNode>;
}) {
  return (
    <dl className={props.className}>
      {Object.entries(props.of).map(
        ([name, fact]) =>
          fact && (
            <div key={name} className="wfc-fact">
              <dt>{name}</dt>
              <dd>{fact}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

/** Explains why nothing is shown. */
export function ErrorMessage({ error }: { error: Error }) {
  const reason = "It gave no reason. Look into your deployment's logs.";
  return (
    <Message kind="error" title="The server refused this">
      <p>{messageOf(error) || reason}</p>
    </Message>
  );
}

/** Cuts a text that is longer than `max`. The toggle shows all of it. */
export function useCut(text: string, max: number) {
  const [isWhole, setIsWhole] = useState(false);
  if (text.length <= max) return { shown: text };
  return {
    shown: isWhole ? text : `${text.slice(0, max)}…`,
    toggle: (
      <Button kind="link" onClick={() => setIsWhole(!isWhole)}>
        {isWhole ? "Show less" : `Show all ${plural(text.length, "character")}`}
      </Button>
    ),
  };
}

/** Shows a thrown error as plain text, whatever it contains. */
export function ErrorText({ text, label }: { text: string; label: string }) {
  const { shown, toggle } = useCut(text, 2000);
  return (
    <div className="wfc-error">
      <pre
        className="wfc-error-text"
        tabIndex={0}
        role="region"
        aria-label={label}
      >
        {shown}
      </pre>
      <div className="wfc-error-actions">
        <CopyButton text={() => text} what="error" />
        {toggle}
      </div>
    </div>
  );
}
