import { useConsole } from "../context.js";
import {
  formatDistance,
  formatDuration,
  formatExactTime,
  formatTime,
  plural,
} from "../format.js";
import type { SegmentKind } from "../timeline/segments.js";
import { Button, IconButton } from "./buttons.js";

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

/** Shows how long something took, or has taken so far. */
export function Duration({
  from,
  to,
  now,
}: {
  from: number;
  to: number | undefined;
  now: number;
}) {
  return <>{formatDuration((to ?? now) - from)}</>;
}

export function CopyButton({
  text,
  what,
}: {
  /** Called only on copy, because JSON of a large value is expensive. */
  text: () => string;
  what: string;
}) {
  const { notify } = useConsole();
  return (
    <IconButton
      icon="copy"
      label={`Copy the ${what}`}
      title={`Copy the ${what}`}
      onClick={() => void copy(text, what, notify)}
    />
  );
}

export async function copy(
  text: () => string,
  what: string,
  notify: (text: string, kind?: "error") => void,
) {
  try {
    await navigator.clipboard.writeText(text());
    notify(`Copied the ${what}.`);
  } catch {
    notify(`Can't copy the ${what}: the browser refused it.`, "error");
  }
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

/** Switches between the beginning of a long text and all of it. */
export function ShowAllButton({
  length,
  isWhole,
  onChange,
}: {
  length: number;
  isWhole: boolean;
  onChange: (isWhole: boolean) => void;
}) {
  return (
    <Button kind="link" onClick={() => onChange(!isWhole)}>
      {isWhole ? "Show less" : `Show all ${plural(length, "character")}`}
    </Button>
  );
}
