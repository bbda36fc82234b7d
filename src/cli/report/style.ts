/** The look of a report: light and dark as the reader's system has it, narrow on a phone, plain on paper. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #ffffff; --text: #1b1f24; --quiet: #57606a; --line: #d0d7de; --panel: #f6f8fa;
  --good: #1a7f37; --bad: #b42318; --warn: #8a5a00; --mark: #0b5cad;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --ground: #0d1117; --text: #e6edf3; --quiet: #9da7b3; --line: #30363d; --panel: #161b22;
    --good: #3fb950; --bad: #ff7b72; --warn: #e3b341; --mark: #58a6ff;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 68rem; padding: 1.5rem 1rem 4rem;
  background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
h1 { font-size: 1.6rem; margin: 0 0 .25rem; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .5rem; padding-top: 1rem; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
p { margin: .25rem 0; }
.quiet { color: var(--quiet); }
.good { color: var(--good); }
.bad { color: var(--bad); }
.warn { color: var(--warn); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem; margin: 1rem 0; padding: 0; }
.figures div { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .8rem; }
.figures dt { color: var(--quiet); font-size: .85rem; }
.figures dd { margin: 0; font-size: 1.15rem; font-weight: 600; overflow-wrap: anywhere; }
.figures dd.quiet { font-size: .85rem; font-weight: 400; }
.attention { list-style: none; margin: 1rem 0; padding: 0; }
.attention li { border-left: .3rem solid var(--warn); background: var(--panel); padding: .5rem .8rem; margin: .5rem 0; overflow-wrap: anywhere; }
.attention li.grave { border-color: var(--bad); }
.attention code { display: block; color: var(--quiet); }
code { font: .9em ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: .5rem; }
.scroll:focus-visible { outline: 2px solid var(--mark); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: .4rem .7rem; border-bottom: 1px solid var(--line); white-space: nowrap; vertical-align: top; }
td.wrap, td.long { white-space: normal; min-width: 12rem; overflow-wrap: anywhere; }
/* What folds out below a row stays in sight where the table is wider than the page. */
tr:has(+ .more) > td { border-bottom: 0; padding-bottom: 0; }
.more > td { white-space: normal; padding-top: .1rem; }
.more details { position: sticky; left: .7rem; max-width: min(100%, calc(100vw - 4rem)); overflow-wrap: anywhere; }
td code { white-space: nowrap; }
th[scope=rowgroup] { white-space: normal; overflow-wrap: anywhere; padding-top: 1rem; color: var(--quiet); font-weight: 600; }
tbody:last-child > tr:last-child > td { border-bottom: 0; }
thead th { background: var(--panel); color: var(--quiet); font-weight: 600; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
figure { margin: 1rem 0; }
figcaption { color: var(--quiet); font-size: .85rem; overflow-wrap: anywhere; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(18rem, 100%), 1fr)); gap: 0 2rem; }
.plot { padding: 0 .5rem; color: var(--quiet); font-size: .8rem; }
.plot > svg { display: block; width: 100%; overflow: visible; }
.plot svg svg { overflow: visible; }
.lane { margin: .4rem -.5rem 0; overflow-wrap: anywhere; }
.ends { display: flex; justify-content: space-between; margin: .15rem -.5rem .25rem; }
.ends > :only-child { margin: 0 auto; }
svg text { fill: var(--quiet); font-size: .8rem; }
svg .axis { stroke: var(--line); }
svg .mark { fill: var(--mark); }
svg .bad { fill: var(--bad); }
svg .good { fill: var(--good); }
svg .warn { fill: var(--warn); }
svg .limit { stroke: var(--warn); stroke-dasharray: 4 3; }
summary { cursor: pointer; color: var(--quiet); }
@media (max-width: 40rem) { th, td { padding: .4rem .5rem; } .figures { grid-template-columns: 1fr 1fr; } }
details > *:not(summary) { margin: .4rem 0 .4rem 1rem; }
footer { margin-top: 3rem; color: var(--quiet); font-size: .85rem; }
@media print {
  :root { --ground: #fff; --text: #000; --quiet: #333; --panel: #fff; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  h2 { break-before: page; border: 0; }
  h2:first-of-type { break-before: auto; }
  figure, .figures, .attention li, tr { break-inside: avoid; }
  .scroll { overflow: visible; border: 0; }
  thead { display: table-header-group; }
  table { font-size: 8.5pt; }
  th, td { padding: .2rem .3rem; }
  th { white-space: normal; }
  td.wrap, td.long { min-width: 0; }
  /* Nobody unfolds anything on paper. */
  details::details-content { display: block; content-visibility: visible; height: auto; }
}
`;
