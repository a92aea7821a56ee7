import { useEffect, useId, useState, type RefObject } from "react";
import { fromLocalInput, toLocalInput } from "../format.js";
import { RANGES, type Filter, type Range } from "../route.js";
import { Icon } from "../ui/Icon.js";

/** How long after the last key press a filter applies. */
const TYPING_MS = 250;

export function Filters({
  filter,
  names,
  searchRef,
  onChange,
}: {
  filter: Filter;
  /** Suggested names. The user can type others. */
  names: readonly string[];
  searchRef: RefObject<HTMLInputElement | null>;
  onChange: (changes: Partial<Filter>) => void;
}) {
  const listId = useId();
  const hasTimes = filter.since !== undefined || filter.until !== undefined;
  const [isCustom, setIsCustom] = useState(hasTimes);
  const time = filter.range ?? (isCustom || hasTimes ? "custom" : "");
  return (
    <search className="wfc-filters">
      <label className="wfc-field wfc-search">
        <span className="wfc-hidden">Id, or how it begins</span>
        <Icon name="search" />
        <TypedInput
          inputRef={searchRef}
          placeholder="Id, or how it begins"
          value={filter.idPrefix ?? ""}
          onChange={(idPrefix) => onChange({ idPrefix: idPrefix || undefined })}
        />
        <kbd aria-hidden="true">/</kbd>
      </label>
      <label className="wfc-field">
        <span className="wfc-hidden">Workflow</span>
        <TypedInput
          list={listId}
          placeholder="Workflow"
          value={filter.name ?? ""}
          onChange={(name) => onChange({ name: name || undefined })}
        />
        <datalist id={listId}>
          {names.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </label>
      <label className="wfc-field">
        <span className="wfc-hidden">Started</span>
        <select
          value={time}
          onChange={({ target: { value } }) => {
            setIsCustom(value === "custom");
            onChange({
              range: value in RANGES ? (value as Range) : undefined,
              since: undefined,
              until: undefined,
            });
          }}
        >
          <option value="">Any time</option>
          {Object.entries(RANGES).map(([range, { label }]) => (
            <option key={range} value={range}>
              {label}
            </option>
          ))}
          <option value="custom">Between…</option>
        </select>
      </label>
      {time === "custom" && (
        <div className="wfc-times">
          <TimeInput
            label="Started at or after"
            value={filter.since}
            onChange={(since) => onChange({ since })}
          />
          <span aria-hidden="true">–</span>
          <TimeInput
            label="Started before"
            value={filter.until}
            onChange={(until) => onChange({ until })}
          />
        </div>
      )}
    </search>
  );
}

function TimeInput({
  label,
  value,
  onChange,
}: {
  label: string;
  value: number | undefined;
  onChange: (value: number | undefined) => void;
}) {
  return (
    <label className="wfc-field">
      <span className="wfc-hidden">{label}</span>
      <input
        type="datetime-local"
        value={toLocalInput(value)}
        onChange={({ target }) => onChange(fromLocalInput(target.value))}
      />
    </label>
  );
}

/** An input whose value applies once the user stops typing. */
function TypedInput({
  value,
  onChange,
  inputRef,
  list,
  placeholder,
}: {
  value: string;
  onChange: (value: string) => void;
  inputRef?: RefObject<HTMLInputElement | null>;
  list?: string;
  placeholder: string;
}) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text.trim() === value) return;
    const timeout = setTimeout(() => onChange(text.trim()), TYPING_MS);
    return () => clearTimeout(timeout);
  }, [text]);
  return (
    <input
      ref={inputRef}
      type="text"
      list={list}
      value={text}
      placeholder={placeholder}
      spellCheck={false}
      autoComplete="off"
      onChange={({ target }) => setText(target.value)}
    />
  );
}
