import { useState } from "react";
import { plural } from "../format.js";
import { describeValue, preview, type Described } from "../values.js";
import { useCut } from "./basics.js";
import { Button } from "./buttons.js";
import { Icon } from "./Icon.js";

/** How many children are shown at first, and added with each click on "Show more". */
const PAGE = 100;

/** Shows a value of any size and depth. It renders only open parts, up to the number that the user asked for. */
export function ValueTree({ value }: { value: unknown }) {
  return (
    <ul className="wfc-tree">
      <Node value={value} open />
    </ul>
  );
}

function Node({
  name,
  value,
  open = false,
}: {
  name?: string;
  value: unknown;
  open?: boolean;
}) {
  const [isOpen, setIsOpen] = useState(open);
  const [count, setCount] = useState(PAGE);
  const described = describeValue(value);
  const key = name !== undefined && (
    <span className="wfc-tree-key">
      {name}
      <span className="wfc-tree-colon">:</span>
    </span>
  );
  if (described.kind === "leaf")
    return (
      <li className="wfc-tree-leaf">
        {key}
        <Leaf leaf={described} />
      </li>
    );

  const { isArray, size, first } = described;
  if (size === 0)
    return (
      <li className="wfc-tree-leaf">
        {key}
        <span className="wfc-tree-empty">{isArray ? "[]" : "{}"}</span>
      </li>
    );
  return (
    <li>
      <button
        type="button"
        className="wfc-tree-toggle"
        aria-expanded={isOpen}
        onClick={() => setIsOpen(!isOpen)}
      >
        <Icon name="chevron" />
        {key}
        {isOpen ? (
          <span className="wfc-tree-size">
            {plural(size, isArray ? "item" : "field")}
          </span>
        ) : (
          <span className="wfc-tree-preview">{preview(value, 80)}</span>
        )}
      </button>
      {isOpen && (
        <ul>
          {first(count).map(([childName, child]) => (
            <Node key={childName} name={childName} value={child} />
          ))}
          {size > count && (
            <li>
              <Button kind="link" onClick={() => setCount(count + PAGE)}>
                {`Show ${Math.min(PAGE, size - count)} more`}
              </Button>
            </li>
          )}
        </ul>
      )}
    </li>
  );
}

function Leaf({ leaf }: { leaf: Described & { kind: "leaf" } }) {
  const { type, text } = leaf;
  const { shown, toggle } = useCut(text, 1000);
  if (type !== "string")
    return <span className={`wfc-tree-${type}`}>{text}</span>;
  return (
    <>
      <span className="wfc-tree-string">&quot;{shown}&quot;</span>
      {toggle}
    </>
  );
}
