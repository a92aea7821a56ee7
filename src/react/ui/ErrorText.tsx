import { useState } from "react";
import { CopyButton, ShowAllButton } from "./basics.js";

/** Longer errors are cut until the user asks for the rest. */
const SHOWN_LENGTH = 2000;

/** Shows a thrown error as plain text, whatever it contains. */
export function ErrorText({ text, label }: { text: string; label: string }) {
  const [isWhole, setIsWhole] = useState(false);
  const isLong = text.length > SHOWN_LENGTH;
  const shown = isLong && !isWhole ? text.slice(0, SHOWN_LENGTH) : text;
  return (
    <div className="wfc-error">
      <pre
        className="wfc-error-text"
        tabIndex={0}
        role="region"
        aria-label={label}
      >
        {shown}
        {isLong && !isWhole && "…"}
      </pre>
      <div className="wfc-error-actions">
        <CopyButton text={() => text} what="error" />
        {isLong && (
          <ShowAllButton
            length={text.length}
            isWhole={isWhole}
            onChange={setIsWhole}
          />
        )}
      </div>
    </div>
  );
}
