/** Each color on a light and on a dark page. */
const COLORS = {
  bg: ["#ffffff", "#111113"],
  raised: ["#ffffff", "#19191c"],
  subtle: ["#f7f7f8", "#17171a"],
  hover: ["#f3f3f5", "#1d1d21"],
  selected: ["#eef2ff", "#1c2340"],
  border: ["#e4e4e8", "#2b2b31"],
  "strong-border": ["#8b8b95", "#6c6c78"],
  text: ["#1c1c21", "#ededf0"],
  muted: ["#61616b", "#a0a0ab"],
  accent: ["#3451b2", "#9eb1ff"],
  "on-accent": ["#ffffff", "#111113"],
  focus: ["#3e63dd", "#849dff"],
  running: ["#2f6bd8", "#70a5ff"],
  success: ["#18794e", "#4cc38a"],
  danger: ["#c62a2f", "#ff8589"],
  "danger-bg": ["#fff5f5", "#241316"],
  "danger-border": ["#f3c3c3", "#5a2a2e"],
  warn: ["#ad5700", "#f1a10d"],
  neutral: ["#80808c", "#878792"],
  waiting: ["#6e56cf", "#a897f5"],
  "bar-success": ["#46a171", "#388f62"],
  "bar-danger": ["#dc4a50", "#d6494f"],
  "bar-running": ["#4a84ea", "#4d86e8"],
  string: ["#18653f", "#7fd3a6"],
  number: ["#8a4b08", "#f0b46a"],
} as const;

const colors = (page: 0 | 1) =>
  Object.entries(COLORS)
    .map(([name, values]) => `--${name}: ${values[page]};`)
    .join("\n  ");

/**
 * The console's styles. Every selector begins with `.wfc`, so they don't affect the rest of the app's page. Widths refer
 * to the console, not to the window.
 */
export const STYLES = `
.wfc {
  ${colors(0)}
  --shadow: 0 8px 30px rgb(0 0 0 / 12%), 0 1px 3px rgb(0 0 0 / 12%);
  --mono: ui-monospace, "SF Mono", SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace;
  color-scheme: light dark;
  container: wfc / inline-size;
  position: relative;
  display: flex;
  flex-direction: column;
  height: 100vh;
  height: 100dvh;
  min-height: 320px;
  overflow: hidden;
  background: var(--bg);
  color: var(--text);
  font: 13px/1.45 ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums;
  text-align: start;
  -webkit-text-size-adjust: 100%;
}
@media (prefers-color-scheme: dark) {
  .wfc {
    ${colors(1)}
    --shadow: 0 12px 40px rgb(0 0 0 / 60%), 0 0 0 1px #2b2b31;
  }
}
/* What the app's page does to elements by their names stops here. */
.wfc :where(:not(svg, svg *)) { all: revert; box-sizing: border-box; }
.wfc ::before, .wfc ::after { box-sizing: border-box; }
.wfc h1, .wfc h2, .wfc h3, .wfc p, .wfc dl, .wfc dd, .wfc ul, .wfc ol, .wfc pre { margin: 0; padding: 0; font-size: inherit; }
.wfc ul, .wfc ol { list-style: none; }
.wfc code, .wfc pre, .wfc kbd { font: 12px/1.5 var(--mono); font-variant-ligatures: none; }
.wfc button, .wfc input, .wfc select, .wfc textarea { font: inherit; color: inherit; letter-spacing: inherit; }
.wfc button { margin: 0; padding: 0; border: 0; border-radius: 0; background: none; cursor: pointer; text-align: inherit; }
.wfc button:disabled { cursor: default; }
.wfc a { color: inherit; text-decoration: none; }
.wfc :focus { outline: none; }
.wfc :focus-visible { outline: 2px solid var(--focus); outline-offset: 1px; border-radius: 4px; }
.wfc [hidden] { display: none; }
.wfc-hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.wfc-ellipsis { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; min-width: 0; }
.wfc-muted { color: var(--muted); }
.wfc-icon { width: 14px; height: 14px; flex: none; fill: none; stroke: currentColor; stroke-width: 1.5; stroke-linecap: round; stroke-linejoin: round; }
.wfc-icon .wfc-fill { fill: currentColor; stroke: none; }
.wfc-icon .wfc-cut { stroke: var(--bg); stroke-width: 1.6; }

.wfc-page { flex: 1; min-height: 0; display: flex; flex-direction: column; }
.wfc-title { font-size: 15px !important; font-weight: 600; line-height: 24px; letter-spacing: -0.005em; }

.wfc .wfc-button { display: inline-flex; align-items: center; gap: 6px; height: 28px; padding: 0 10px; border: 1px solid var(--border); border-radius: 6px; background: var(--raised); font-weight: 500; white-space: nowrap; }
.wfc .wfc-button:hover:not(:disabled) { background: var(--hover); border-color: var(--strong-border); }
.wfc .wfc-button:disabled { color: var(--muted); opacity: 0.6; }
.wfc .wfc-button-primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
.wfc .wfc-button-primary:hover:not(:disabled) { background: var(--accent); filter: brightness(1.08); }
.wfc .wfc-button-danger { background: #c62a2f; border-color: #c62a2f; color: #fff; }
.wfc .wfc-button-danger:hover:not(:disabled) { background: #b3242a; border-color: #b3242a; }
.wfc .wfc-icon-button { display: inline-grid; place-items: center; width: 24px; height: 24px; flex: none; border-radius: 5px; color: var(--muted); }
.wfc .wfc-icon-button:hover:not(:disabled) { background: var(--hover); color: var(--text); }
.wfc .wfc-icon-button:disabled { opacity: 0.4; }
.wfc .wfc-link-button { color: var(--accent); font-weight: 500; border-radius: 3px; }
.wfc .wfc-link { display: inline-flex; align-items: center; gap: 5px; color: var(--accent); max-width: 100%; }
.wfc .wfc-link:hover, .wfc .wfc-link-button:hover, .wfc-crumbs a:hover { text-decoration: underline; text-underline-offset: 2px; }
.wfc-count { color: var(--muted); font-weight: 400; }
.wfc-tab .wfc-status-count { min-width: 6ch; text-align: left; font-variant-numeric: tabular-nums; }

.wfc-status { display: flex; align-items: center; gap: 6px; white-space: nowrap; }
.wfc-status-text { color: var(--text); }
.wfc-status-inProgress { color: var(--running); }
.wfc-status-completed { color: var(--success); }
.wfc-status-failed { color: var(--danger); }
.wfc-status-canceled { color: var(--neutral); }

/* Header of the runs page */
.wfc-runs-header { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 8px 16px; padding: 12px 16px 10px; }
.wfc-filters { display: flex; flex-wrap: wrap; gap: 8px; min-width: 0; }
.wfc-times { display: flex; align-items: center; gap: 6px; color: var(--muted); }
.wfc-field { position: relative; display: flex; align-items: center; }
.wfc-field input, .wfc-field select { height: 30px; width: 100%; min-width: 0; padding: 0 9px; border: 1px solid var(--strong-border); border-radius: 6px; background: var(--bg); border-color: var(--border); }
.wfc-field input::placeholder, .wfc-send textarea::placeholder { color: var(--muted); opacity: 1; }
.wfc-field input:hover, .wfc-field select:hover { border-color: var(--strong-border); }
.wfc-field :focus-visible, .wfc-send :focus-visible { outline-offset: -1px; border-radius: 6px; }
.wfc-field input[list] { width: 200px; }
.wfc-search { width: 240px; }
.wfc-search .wfc-icon { position: absolute; left: 9px; color: var(--muted); pointer-events: none; }
.wfc-search input { padding-left: 29px; padding-right: 28px; font-family: var(--mono); font-size: 12px; }
.wfc-search kbd { position: absolute; right: 7px; }
.wfc kbd { display: inline-block; min-width: 18px; padding: 0 4px; border: 1px solid var(--border); border-radius: 4px; background: var(--subtle); color: var(--muted); font-size: 11px; line-height: 16px; text-align: center; }

.wfc-toolbar { flex: none; display: flex; align-items: center; height: 40px; padding: 0 12px; border-bottom: 1px solid var(--border); overflow-x: auto; scrollbar-width: none; }
.wfc-tabs { display: flex; gap: 2px; height: 100%; }
.wfc .wfc-tab { position: relative; display: inline-flex; align-items: center; gap: 6px; height: 28px; margin: auto 0; padding: 0 9px; border-radius: 6px; color: var(--muted); font-weight: 500; white-space: nowrap; }
.wfc .wfc-tab:hover { color: var(--text); background: var(--hover); }
.wfc .wfc-tab[aria-pressed="true"] { color: var(--text); }
.wfc .wfc-tab[aria-pressed="true"]::after { content: ""; position: absolute; left: 9px; right: 9px; bottom: -6px; height: 2px; border-radius: 1px; background: var(--accent); }
.wfc-bulk { display: flex; align-items: center; gap: 8px; padding-left: 4px; white-space: nowrap; }
.wfc-bulk-count { min-width: 84px; font-weight: 600; }
.wfc-bulk .wfc-link-button { margin-left: 4px; }

/* Tables */
.wfc-table { flex: 1; min-height: 0; display: flex; flex-direction: column; }
.wfc-thead { flex: none; overflow-y: scroll; scrollbar-gutter: stable; scrollbar-color: transparent transparent; border-bottom: 1px solid var(--border); background: var(--subtle); color: var(--muted); font-size: 12px; }
.wfc-thead .wfc-row { height: 30px; }
.wfc-scroller { flex: 1; min-height: 0; overflow-y: scroll; overflow-x: hidden; scrollbar-gutter: stable; scrollbar-color: var(--border) transparent; overflow-anchor: none; contain: strict; }
.wfc-thead, .wfc-scroller { scrollbar-width: thin; }
.wfc-rows { position: relative; }
.wfc-rows .wfc-row { position: absolute; left: 0; right: 0; top: 0; border-bottom: 1px solid var(--border); }
.wfc-row { display: grid; align-items: center; column-gap: 12px; padding: 0 16px; }
.wfc-row > * { min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.wfc-rows .wfc-row:hover { background: var(--hover); }
.wfc-rows .wfc-row[data-selected] { background: var(--selected); }
.wfc-rows .wfc-row:has(.wfc-row-link:focus-visible) { outline: 2px solid var(--focus); outline-offset: -2px; }
.wfc .wfc-row-link { display: block; max-width: 100%; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-weight: 500; }
.wfc .wfc-row-link:focus-visible { outline: none; }
.wfc .wfc-row-link::after { content: ""; position: absolute; inset: 0; }
.wfc-runs .wfc-row { grid-template-columns: 18px 104px minmax(120px, 1.3fr) minmax(90px, 0.7fr) 128px 92px 84px minmax(120px, 2fr); }
.wfc-runs .wfc-row > :first-child { position: relative; z-index: 1; line-height: 0; overflow: visible !important; }
.wfc-runs .wfc-row > :first-child input { position: relative; width: 15px; height: 15px; margin: 0; accent-color: var(--accent); cursor: pointer; }
.wfc-runs .wfc-row > :first-child::before { content: ""; position: absolute; inset: -10px; }
.wfc-cell-id, .wfc-cell-started { color: var(--muted); }
.wfc-error-line { color: var(--danger); }
.wfc-skeleton > div { display: flex; align-items: center; padding: 0 16px; border-bottom: 1px solid var(--border); }
.wfc-skeleton span { height: 9px; border-radius: 4px; background: var(--hover); }

.wfc-footer { flex: none; display: flex; justify-content: space-between; gap: 16px; height: 30px; align-items: center; padding: 0 16px; border-top: 1px solid var(--border); color: var(--muted); font-size: 12px; white-space: nowrap; overflow: hidden; }
.wfc-message { padding: 40px 16px; color: var(--muted); text-align: center; flex: 1; }
.wfc-message-title { color: var(--text); font-weight: 600; font-size: 14px !important; margin-bottom: 4px !important; }
.wfc-message-text { max-width: 560px; margin: 0 auto; overflow-wrap: anywhere; white-space: pre-wrap; max-height: 50vh; overflow: auto; }
.wfc-message-error .wfc-message-title { color: var(--danger); }

/* Run page */
.wfc-crumbs { flex: none; display: flex; align-items: center; gap: 8px; height: 36px; padding: 0 16px; color: var(--muted); border-bottom: 1px solid var(--border); }
.wfc-crumbs a { color: var(--accent); font-weight: 500; }
.wfc-run-header { flex: none; padding: 12px 16px; border-bottom: 1px solid var(--border); }
.wfc-run-title { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 12px; }
.wfc-run-title .wfc-title { max-width: 100%; }
.wfc-actions { display: flex; flex-wrap: wrap; gap: 8px; margin-left: auto; }
.wfc-facts { display: flex; flex-wrap: wrap; gap: 8px 28px; margin-top: 10px !important; }
.wfc-facts .wfc-fact { min-width: 0; max-width: 100%; }
.wfc-fact dt { color: var(--muted); }
.wfc-facts dt { font-size: 12px; }
.wfc-facts dd { display: flex; flex-wrap: wrap; align-items: center; gap: 0 12px; min-height: 22px; max-height: 66px; overflow-y: auto; min-width: 0; }
.wfc-facts dd > code { max-width: 300px; }
.wfc-facts .wfc-icon-button { width: 22px; height: 22px; margin-left: -8px; }
.wfc-panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(320px, 100%), 1fr)); gap: 8px; margin-top: 12px; align-items: start; }
.wfc-panel { min-width: 0; border: 1px solid var(--border); border-radius: 8px; background: var(--subtle); }
.wfc-panel-head { display: flex; align-items: center; gap: 10px; height: 34px; padding: 0 6px 0 4px; }
.wfc-panel-head code { flex: 1; color: var(--muted); }
.wfc-panel-head .wfc-icon-button { margin-left: auto; }
.wfc-panel-name { font-size: 12px !important; font-weight: 600; }
.wfc .wfc-panel-name button { display: inline-flex; align-items: center; gap: 4px; height: 26px; padding: 0 4px; border-radius: 5px; font-weight: 600; }
.wfc [aria-expanded] > .wfc-icon { transition: none; color: var(--muted); }
.wfc [aria-expanded="true"] > .wfc-icon { transform: rotate(90deg); }
.wfc-panel-body { max-height: min(320px, 36vh); overflow: auto; padding: 2px 10px 10px; border-top: 1px solid var(--border); scrollbar-width: thin; }
.wfc-panel-error { border-color: var(--danger-border); background: var(--danger-bg); padding: 7px 10px 8px; }
.wfc-panel-error .wfc-panel-name { color: var(--danger); margin-bottom: 2px; }
.wfc-failed-at { display: flex; flex-wrap: wrap; gap: 2px 12px; margin-bottom: 4px !important; overflow-wrap: anywhere; }
.wfc-error { position: relative; }
.wfc-error-text { max-height: 96px; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere; color: var(--text); scrollbar-width: thin; padding-right: 28px !important; }
.wfc-error-actions { display: flex; align-items: center; flex-direction: row-reverse; justify-content: flex-end; gap: 8px; }
.wfc-error-actions .wfc-icon-button { position: absolute; right: 0; top: 0; }
.wfc-error-actions .wfc-icon-button:only-child { top: -2px; }

.wfc-body { flex: 1; min-height: 0; display: flex; }
.wfc-main { flex: 1; min-width: 0; display: flex; flex-direction: column; }
.wfc-timeline-tools { flex: none; display: flex; align-items: center; justify-content: space-between; gap: 12px; min-height: 36px; padding: 4px 16px; }
.wfc-legend { display: flex; flex-wrap: wrap; gap: 2px 11px; color: var(--muted); }
.wfc-legend li { font-size: 11px; display: inline-flex; align-items: center; gap: 5px; white-space: nowrap; }
.wfc-zoom { display: flex; align-items: center; gap: 4px; margin-left: auto; }
.wfc-zoom .wfc-button { height: 26px; }
.wfc-steps-timeline .wfc-row { grid-template-columns: 40px minmax(110px, 240px) 1fr; }
.wfc-steps-list .wfc-row { grid-template-columns: 40px minmax(140px, 2fr) 78px 112px 128px 92px 72px; }
.wfc-steps .wfc-rows .wfc-row { border-bottom-color: transparent; }
.wfc-steps-list .wfc-rows .wfc-row { border-bottom-color: var(--border); }
.wfc-steps-timeline .wfc-thead .wfc-row > :last-child { overflow: visible; }
.wfc-cell-number { color: var(--muted); text-align: right; font-size: 12px; }
.wfc-steps .wfc-thead .wfc-row > :first-child { text-align: right; }
.wfc-cell-state { display: flex; align-items: center; gap: 7px; }
.wfc-axis { position: relative; height: 30px; cursor: grab; touch-action: pan-y; user-select: none; overflow: hidden; margin-right: -16px; }
.wfc-axis:active { cursor: grabbing; }
.wfc-tick { position: absolute; top: 0; padding-left: 5px; line-height: 30px; border-left: 1px solid var(--border); font-size: 11px; white-space: nowrap; }
.wfc-bar { position: relative; display: block; height: 27px; margin-right: -16px; }
.wfc-cell-bar { overflow: visible !important; clip-path: inset(0 -16px 0 0); align-self: stretch; }
.wfc-seg { position: absolute; top: 8px; height: 12px; min-width: 3px; border-radius: 2px; }
.wfc-bar-label { position: absolute; top: 0; padding-left: 7px; line-height: 28px; color: var(--muted); font-size: 11px; pointer-events: none; }
.wfc-swatch { display: inline-block; position: relative; flex: none; width: 16px; height: 9px; border-radius: 2px; vertical-align: middle; margin-right: 0; }

/* Each kind of segment differs in its pattern too, not only in its color. */
.wfc-seg-succeeded { background: var(--bar-success); }
.wfc-seg-failed { background: var(--bar-danger); box-shadow: inset -3px 0 0 color-mix(in srgb, var(--bar-danger) 55%, #000); }
.wfc-seg-running { background: var(--bar-running); }
.wfc-seg-canceled { background: repeating-linear-gradient(45deg, var(--neutral) 0 2px, transparent 2px 4px); box-shadow: inset 0 0 0 1px var(--neutral); }
.wfc-seg-queued { background: radial-gradient(circle at 2.5px 50%, var(--running) 1.2px, transparent 1.6px) 0 0 / 5px 100%; box-shadow: inset 0 0 0 1px color-mix(in srgb, var(--running) 45%, transparent); }
.wfc-seg-scheduled { border: 1px dashed var(--neutral); }
.wfc-seg-waiting { background: linear-gradient(var(--waiting), var(--waiting)) center / 100% 2px no-repeat; border-left: 2px solid var(--waiting); border-right: 2px solid var(--waiting); border-radius: 0; }
.wfc-seg-backingOff { background: repeating-linear-gradient(90deg, var(--warn) 0 2px, transparent 2px 5px); opacity: 0.85; border-radius: 0; }
.wfc-seg-due { background: linear-gradient(90deg, var(--neutral) 50%, transparent 50%) center / 6px 2px repeat-x; border-right: 2px solid var(--neutral); border-radius: 0; }

/* Details of a step */
.wfc-details { flex: none; width: min(440px, 46%); display: flex; flex-direction: column; min-height: 0; border-left: 1px solid var(--border); background: var(--bg); }
.wfc-details-header { flex: none; padding: 8px 10px 10px 16px; border-bottom: 1px solid var(--border); }
.wfc-details-title { display: flex; align-items: center; gap: 8px; min-height: 24px; }
.wfc-details-title h2 { flex: 1; min-width: 0; font-size: 14px !important; font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.wfc-details-actions { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 8px; }
.wfc-details-body { flex: 1; min-height: 0; overflow: auto; padding: 12px 16px 24px; scrollbar-width: thin; overscroll-behavior: contain; }
.wfc-details-body:focus-visible, .wfc-events:focus-visible { outline-offset: -2px; }
.wfc-pairs { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px; }
.wfc-pairs .wfc-fact { display: contents; }
.wfc-pairs dd { display: flex; align-items: center; gap: 7px; min-width: 0; overflow-wrap: anywhere; }
.wfc-section { margin-top: 16px; }
.wfc-section h3 { font-size: 12px !important; font-weight: 600; }
.wfc-section-head { display: flex; align-items: center; gap: 2px; min-height: 24px; }
.wfc-section .wfc-error { margin-top: 4px; padding: 7px 9px; border: 1px solid var(--danger-border); border-radius: 6px; background: var(--danger-bg); }
.wfc-section .wfc-error-text { max-height: 220px; }
.wfc-section .wfc-error-actions .wfc-icon-button { right: 5px; top: 5px; }
.wfc-attempts > li { padding: 5px 0; }
.wfc-attempts > li + li { border-top: 1px solid var(--border); }
.wfc-attempt { display: flex; flex-wrap: wrap; align-items: center; gap: 2px 10px; }
.wfc-attempt time { color: var(--muted); margin-left: auto; }

/* Values */
.wfc-tree { font: 12px/1.55 var(--mono); }
.wfc-tree ul { margin-left: 5px; padding-left: 11px; border-left: 1px solid var(--border); }
/* Deeply nested values scroll sideways instead of vanishing. */
.wfc-tree li { min-width: 170px; }
.wfc-tree-leaf { padding-left: 18px !important; white-space: pre-wrap; overflow-wrap: anywhere; }
.wfc-tree > .wfc-tree-leaf { padding-left: 0 !important; }
.wfc .wfc-tree-toggle { display: flex; align-items: center; gap: 4px; max-width: 100%; font: inherit; border-radius: 3px; }
.wfc .wfc-tree-toggle:hover { background: var(--hover); }
.wfc-tree-key { color: var(--text); white-space: nowrap; overflow: hidden; text-overflow: ellipsis; max-width: 260px; }
.wfc-tree-leaf .wfc-tree-key { white-space: pre-wrap; max-width: none; }
.wfc-tree-colon { color: var(--muted); margin-right: 6px; }
.wfc-tree-size, .wfc-tree-preview, .wfc-tree-empty, .wfc-tree-null, .wfc-tree-bytes { color: var(--muted); }
.wfc-tree-preview { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; min-width: 0; }
.wfc-tree-string { color: var(--string); }
.wfc-tree-number, .wfc-tree-bigint { color: var(--number); }
.wfc-tree-boolean { color: var(--waiting); }
.wfc-tree .wfc-link-button { font: 500 12px/1.5 ui-sans-serif, system-ui, sans-serif; margin-left: 6px; }

/* Events */
.wfc-events { flex: 1; min-height: 0; overflow: auto; scrollbar-width: thin; }
.wfc-send { display: grid; grid-template-columns: minmax(120px, 200px) 110px minmax(160px, 1fr) auto; align-items: end; gap: 10px; padding: 12px 16px; border-bottom: 1px solid var(--border); }
.wfc-send label { display: grid; gap: 3px; color: var(--muted); font-size: 12px; }
.wfc-send input, .wfc-send select, .wfc-send textarea { width: 100%; height: 30px; padding: 0 8px; border: 1px solid var(--border); border-radius: 6px; background: var(--bg); color: var(--text); font-size: 13px; }
.wfc-send textarea { padding: 6px 8px; font: 12px/1.4 var(--mono); resize: vertical; min-height: 30px; }
.wfc-send [aria-invalid="true"] { border-color: var(--danger); }
.wfc-send .wfc-button { height: 30px; }
.wfc-problem { grid-column: 1 / -1; color: var(--danger); overflow-wrap: anywhere; }
.wfc-event-table { width: 100%; border-collapse: collapse; table-layout: fixed; }
.wfc-event-table th, .wfc-event-table td { padding: 7px 8px; border-bottom: 1px solid var(--border); text-align: start; font-weight: 400; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.wfc-event-table thead th { color: var(--muted); font-size: 12px; background: var(--subtle); padding: 5px 8px; }
.wfc-event-table tbody th { font-weight: 500; }
.wfc-event-table tr > :first-child { padding-left: 16px; width: 26%; }
.wfc-event-table tr > :nth-child(2) { width: 96px; }
.wfc-event-table tr > :nth-child(3) { width: 140px; }
.wfc-event-table tr > :nth-child(4) { width: 56px; }
.wfc-pill { display: inline-block; padding: 0 7px; border: 1px solid var(--border); border-radius: 10px; font-size: 12px; line-height: 18px; color: var(--muted); }
.wfc-event-waiting { color: var(--waiting); border-color: currentColor; }
.wfc-event-consumed { color: var(--success); border-color: currentColor; }
.wfc-event-sent { color: var(--running); border-color: currentColor; }

.wfc-more { padding: 10px 16px !important; }

/* Dialogs and notices */
.wfc .wfc-dialog { width: min(460px, calc(100vw - 32px)); padding: 0; margin: auto; border: 0; border-radius: 10px; background: var(--raised); color: var(--text); box-shadow: var(--shadow); }
.wfc-dialog::backdrop { background: rgb(0 0 0 / 40%); }
.wfc-dialog-body { padding: 18px 20px; }
.wfc-dialog-title { font-size: 15px !important; font-weight: 600; }
.wfc-dialog-text { display: grid; gap: 12px; margin-top: 10px; color: var(--muted); }
.wfc-dialog-actions { display: flex; justify-content: flex-end; gap: 8px; margin-top: 18px; }
.wfc-choice { display: flex; gap: 8px; align-items: flex-start; color: var(--text); }
.wfc-choice input { width: 15px; height: 15px; margin: 2px 0 0; flex: none; accent-color: var(--accent); }
.wfc-targets { display: grid; gap: 4px; }
.wfc-targets li { display: flex; align-items: center; gap: 8px; min-width: 0; }
.wfc-targets .wfc-ellipsis:not(code) { color: var(--text); flex: none; max-width: 60%; }
.wfc-notices { position: absolute; left: 0; right: 0; bottom: 42px; display: grid; justify-items: center; pointer-events: none; z-index: 3; }
.wfc-notice { pointer-events: auto; display: flex; gap: 14px; max-width: min(560px, calc(100% - 32px)); max-height: 40vh; overflow: auto; padding: 9px 14px; border-radius: 8px; background: var(--raised); border: 1px solid var(--border); box-shadow: var(--shadow); overflow-wrap: anywhere; }
.wfc-notice-error { border-color: var(--danger-border); background: var(--danger-bg); }

@container wfc (max-width: 1100px) {
  .wfc-runs .wfc-row { grid-template-columns: 18px 104px minmax(110px, 1.2fr) 84px 124px 84px 64px minmax(100px, 1.4fr); }
}
@container wfc (max-width: 900px) {
  .wfc-steps-list .wfc-row { grid-template-columns: 32px minmax(110px, 1fr) 104px 84px; }
  .wfc-steps-list .wfc-row > :nth-child(3), .wfc-steps-list .wfc-row > :nth-child(5), .wfc-steps-list .wfc-row > :nth-child(7) { display: none; }
  .wfc-details { position: absolute; z-index: 2; right: 0; top: 0; bottom: 0; width: min(440px, 100%); box-shadow: var(--shadow); }
}
@container wfc (max-width: 720px) {
  .wfc-runs-header { padding: 10px 12px 8px; }
  .wfc-filters { width: 100%; }
  .wfc-field { flex: 1 1 120px; }
  .wfc-field input[list] { width: 100%; }
  .wfc-search { flex: 1 1 100%; }
  .wfc-times { flex: 1 1 100%; }
  .wfc-runs .wfc-thead { display: none; }
  .wfc-runs .wfc-row { padding: 0 12px; column-gap: 10px; row-gap: 2px; align-content: center; grid-template: "check status name started" auto "check id id duration" auto / 18px 14px minmax(0, 1fr) auto; }
  .wfc-runs .wfc-row[data-id]:has(.wfc-error-line) { grid-template-areas: "check status name started" "check last last duration"; }
  .wfc-runs .wfc-row:has(.wfc-error-line) .wfc-cell-id { display: none; }
  .wfc-runs .wfc-row:not(:has(.wfc-error-line)) .wfc-cell-last { display: none; }
  .wfc-runs .wfc-row > :first-child { grid-area: check; }
  .wfc-runs .wfc-cell-status { grid-area: status; }
  .wfc-runs .wfc-cell-status .wfc-status-text { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .wfc-runs .wfc-cell-name { grid-area: name; }
  .wfc-runs .wfc-cell-started { grid-area: started; }
  .wfc-runs .wfc-cell-id { grid-area: id; }
  .wfc-runs .wfc-cell-duration { grid-area: duration; color: var(--muted); text-align: end; }
  .wfc-runs .wfc-cell-last { grid-area: last; }
  .wfc-runs .wfc-cell-steps { display: none; }
  .wfc-keys { display: none; }
  .wfc-run { overflow-y: auto; scrollbar-width: thin; }
  .wfc-run-header { padding: 10px 12px; }
  .wfc-crumbs { padding: 0 12px; }
  .wfc-actions { margin-left: 0; width: 100%; }
  .wfc-facts { flex-direction: column; gap: 2px; }
  .wfc-facts .wfc-fact { display: grid; grid-template-columns: 92px 1fr; align-items: baseline; }
  .wfc-body { flex: none; height: max(360px, 78cqh, 70vh); }
  .wfc-timeline-tools { padding: 4px 12px; }
  .wfc-steps .wfc-row { padding: 0 12px; column-gap: 8px; }
  .wfc-steps-timeline .wfc-row { grid-template-columns: 26px minmax(70px, 34%) 1fr; }
  .wfc-axis, .wfc-bar { margin-right: -12px; }
  .wfc-send { grid-template-columns: 1fr 110px; padding: 10px 12px; }
  .wfc-send-value { grid-column: 1 / -1; }
  .wfc-event-table tr > :first-child { padding-left: 12px; width: 34%; }
  .wfc-event-table tr > :nth-child(3), .wfc-event-table tr > :nth-child(4) { display: none; }
}
@media (prefers-reduced-motion: no-preference) {
  .wfc-skeleton span { animation: wfc-pulse 1.6s ease-in-out infinite; }
}
@keyframes wfc-pulse { 50% { opacity: 0.45; } }
@media (forced-colors: active) {
  .wfc-seg, .wfc-swatch { forced-color-adjust: none; }
}
`;
