/** Colours of pages in light and dark mode. */
export const palette = `
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1c1e21; --pale: #5b6067; --line: #d9dce0; --card: #f4f5f7;
  --accent: #00588a; --mark: #e3f0f8; --warn: #fff4d6; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181b; --ink: #e6e8ea; --pale: #a4abb3; --line: #3a3f45;
  --card: #22262a; --accent: #7cc3ec; --mark: #1d3747; --warn: #43370f; } }
`;

/**
 * The style sheet of a report, for light and dark mode, screens from 360 pixels of width, and paper. Contains no `&` and
 * no `<`, so that it needs no escaping.
 */
export const reportStyle = `${palette}* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 66rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
h1, h2, h3 { line-height: 1.25; overflow-wrap: anywhere; }
h1 { margin: 0 0 .5rem; font-size: 1.75rem; }
h2 { margin: 2.5rem 0 .75rem; padding-top: .75rem; border-top: 1px solid var(--line); font-size: 1.3rem; }
h3 { margin: 1.5rem 0 .5rem; font-size: 1.05rem; }
p { max-width: 44rem; margin: .5rem 0; overflow-wrap: anywhere; }
a { color: var(--accent); }
.verdict { font-size: 1.15rem; }
.note, figcaption { color: var(--pale); font-size: .875rem; }
.warning { padding: .5rem .75rem; background: var(--warn); border-radius: .375rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: 1rem 0 0; padding: 0; list-style: none; }
.tiles { display: grid; grid-template-columns: repeat(4, 1fr); gap: .75rem; margin: 1.25rem 0; }
.tiles div { padding: .6rem .8rem; background: var(--card); border-radius: .5rem; }
.tiles dt { color: var(--pale); font-size: .875rem; }
.tiles dd { margin: 0; font-size: 1.5rem; font-weight: 600; font-variant-numeric: tabular-nums; line-height: 1.3; }
.tiles dd.text { font-size: 1.05rem; font-weight: 400; }
.tiles dd.range { color: var(--pale); font-size: .8125rem; font-weight: 400; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 26rem), 1fr)); gap: 1rem;
  margin: 1rem 0; align-items: start; }
.gallery.pictures { grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); }
.tables { display: flex; flex-wrap: wrap; gap: 0 2.5rem; align-items: flex-start; }
figure { margin: 0; min-width: 0; }
.wide { margin: 1rem 0; }
.wide .paper { width: fit-content; max-width: 100%; }
.paper { padding: .25rem; background: #ffffff; border: 1px solid var(--line); border-radius: .5rem; overflow-x: auto; }
.paper > svg { display: block; width: 100%; height: auto; margin: 0 auto; }
.wide .paper > svg { width: auto; max-width: none; }
figcaption { margin: .35rem 0; overflow-wrap: anywhere; }
.table { margin: .75rem 0; max-width: 100%; }
img { display: block; max-width: 100%; height: auto; border-radius: .25rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { font-weight: 600; }
tbody th { font-weight: 400; overflow-wrap: anywhere; min-width: 6.5rem; }
thead th { vertical-align: bottom; color: var(--pale); font-size: .8125rem; }
td { overflow-wrap: anywhere; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.marked { background: var(--mark); font-weight: 600; }
thead .number { white-space: normal; }
.scroll tbody th, .scroll thead th:first-child { position: sticky; left: 0; background: var(--paper); }
.scroll .marked th { background: var(--mark); font-weight: 600; }
.none { color: var(--pale); font-style: italic; }
.matrix table { background: #ffffff; color: #222222; font-size: .8125rem; }
.matrix th, .matrix td { padding: .25rem .45rem; border: 1px solid #e3e3e3; color: #444444; }
.matrix td { text-align: right; font-variant-numeric: tabular-nums; min-width: 2.6rem; }
.matrix tbody th, .matrix thead th:first-child { background: #ffffff; }
.matrix tbody th { white-space: nowrap; min-width: 0; max-width: 14rem; overflow: hidden; text-overflow: ellipsis; }
.matrix thead th { text-align: center; }
.matrix .upright th[scope="col"] { writing-mode: vertical-rl; transform: rotate(180deg); text-align: left;
  vertical-align: middle; max-height: 11rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
pre { padding: .75rem 1rem; background: var(--card); border-radius: .5rem; overflow-x: auto; font-size: .875rem; }
pre, code, .hash td { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.hash td { font-size: .8125rem; }
details { margin: .75rem 0; }
summary { cursor: pointer; color: var(--accent); }
dl.glossary { max-width: 46rem; }
.glossary dt { font-weight: 600; }
.glossary dd { margin: 0 0 .6rem; }
@media (max-width: 36rem) { h1 { font-size: 1.4rem; } th, td { padding: .25rem .45rem; }
  .tiles { grid-template-columns: repeat(2, 1fr); } }
@media print {
  :root { color-scheme: light; --paper: #ffffff; --ink: #000000; --pale: #444444; --line: #bbbbbb; --card: #f4f5f7;
    --accent: #000000; --mark: #e8eef2; --warn: #f6f0dc; }
  body { max-width: none; padding: 0; font-size: .85rem; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  nav { display: none; }
  .chart, .pictures figure, tr, .tiles, pre { break-inside: avoid; }
  h2, h3, .table figcaption { break-after: avoid; }
  .scroll, .paper { overflow: visible; }
  .wide .paper > svg { width: 100%; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; }
  .gallery, .gallery.pictures { grid-template-columns: repeat(2, 1fr); }
  table { font-size: .72rem; }
  th, td { padding: .15rem .35rem; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
`;
