const PATHS = {
  chevron: "m6 4 4 4-4 4",
  copy: "M6 6h7v7H6zM10 6V3H3v7h3",
  search: "M11 11l3 3M12 7A5 5 0 1 1 2 7a5 5 0 0 1 10 0Z",
  close: "m4 4 8 8m0-8-8 8",
  plus: "M8 3.5v9M3.5 8h9",
  minus: "M3.5 8h9",
  download: "M8 3v7m-3-3 3 3 3-3M3 13h10",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="wfc-icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
