/** The report's style sheet: light, dark and paper, from a telephone's width up. */

/** Plain CSS; holds nothing that a session could have brought. */
export const STYLE = `
:root {
  --page: #f7f7f5; --card: #ffffff; --text: #1d2126; --soft: #59626d; --line: #e2e3e0; --rule: #edeeeb; --link: #0b5cad;
  --pass: #1a7340; --fail: #b9242c; --inconclusive: #8a5d00; --error: #7b35c9; --quiet: #59626d;
  --c0: #1f6fb5; --c1: #17876d; --c2: #d0611a; --c3: #8a4fbf;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #15181b; --card: #1c2024; --text: #e3e6e9; --soft: #9ea8b2; --line: #32383e; --rule: #272c31; --link: #7db9f5;
    --pass: #56c98b; --fail: #ff8078; --inconclusive: #e2b64a; --error: #c79bff; --quiet: #9ea8b2;
    --c0: #64aef0; --c1: #4ecbab; --c2: #f59a5b; --c3: #c08ff0;
  }
}
* { box-sizing: border-box; }
html { color-scheme: light dark; }
body {
  margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 82rem; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
  overflow-wrap: anywhere;
}
a { color: var(--link); text-underline-offset: .15em; }
a:focus-visible, summary:focus-visible, .scroll:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
h1 { font-size: 1.15rem; margin: 0; font-weight: 600; }
h2 { font-size: 1.3rem; margin: 2.75rem 0 .25rem; font-weight: 600; }
.card > h2 { margin-top: 0; }
h3 { font-size: 1.05rem; margin: 0; font-weight: 600; }
h4 { font-size: .95rem; margin: 1.6rem 0 .4rem; font-weight: 600; }
h4 .soft { font-weight: 400; font-size: .82rem; margin-left: .4rem; }
p { margin: .25rem 0 .75rem; }
.soft, caption, figcaption span, .sentence, .interval { color: var(--soft); }
.interval { display: block; font-size: .8rem; }
code, pre, .mono { font-family: ui-monospace, "SF Mono", Consolas, "Liberation Mono", monospace; font-size: .85em; }
.card {
  background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1.1rem 1.25rem; margin: .9rem 0;
}
.skip-link { position: absolute; left: -100rem; }
.skip-link:focus { left: 1rem; top: .5rem; }

header.card { padding: 1.5rem; margin-top: 0; border-left-width: 6px; }
header .result { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1.25rem; margin: .35rem 0 .6rem; }
header .result strong { font-size: 2.3rem; line-height: 1.2; letter-spacing: .01em; }
header .result span { font-size: 1.05rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; margin: .75rem 0 0; padding: 0; }

.v-pass { color: var(--pass); } .v-fail { color: var(--fail); } .v-inconclusive { color: var(--inconclusive); }
.v-error, .v-timeout { color: var(--error); } .v-aborted, .v-skip, .v-not-applicable { color: var(--quiet); }
.badge {
  display: inline-block; font-size: .74rem; font-weight: 700; letter-spacing: .04em; white-space: nowrap;
  border: 1.5px solid currentColor; border-radius: 5px; padding: 0 .45em; line-height: 1.55;
}
header.v-pass, header.v-fail, header.v-inconclusive, header.v-error, header.v-timeout, header.v-aborted, header.v-skip {
  color: inherit;
}
header.v-pass { border-left-color: var(--pass); } header.v-fail { border-left-color: var(--fail); }
header.v-inconclusive { border-left-color: var(--inconclusive); }
header.v-error, header.v-timeout { border-left-color: var(--error); } header.v-aborted { border-left-color: var(--quiet); }

.scroll { overflow-x: auto; margin: .6rem -.25rem; padding: 0 .25rem; container-type: inline-size; }
caption span { display: block; position: sticky; left: 0; max-width: 100cqw; }
.stay { position: sticky; left: -.25rem; background: var(--page); background-clip: padding-box; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .875rem; }
caption { text-align: left; font-size: .82rem; padding-bottom: .4rem; overflow-wrap: normal; }
th, td { text-align: left; vertical-align: top; padding: .38rem .6rem; border-bottom: 1px solid var(--rule); overflow-wrap: normal; }
tbody th[scope=row] { min-width: 9rem; }
#matrix td, #matrix th { white-space: nowrap; padding-left: .45rem; padding-right: .45rem; min-width: 0; }
#matrix .recording { display: block; max-width: 7rem; white-space: normal; overflow-wrap: anywhere; }
#matrix tr > :first-child { padding-left: 0; } #matrix tr > :last-child { padding-right: 0; }
th:first-child, td:first-child { padding-left: 0; } th:last-child, td:last-child { padding-right: 0; }
thead th { font-weight: 600; font-size: .78rem; color: var(--soft); border-bottom-color: var(--line); vertical-align: bottom; }
tbody th { font-weight: 500; }
tbody:last-child tr:last-child > * { border-bottom: 0; }
.number { text-align: right; white-space: nowrap; }
tr.group > th { padding-top: 1.1rem; font-weight: 600; font-size: .95rem; }
tr.group > th .badge { margin-right: .35rem; } tr.group > th .soft { font-weight: 400; font-size: .82rem; margin-left: .4rem; }
tbody:first-of-type tr.group > th { padding-top: .5rem; }
.sentence { display: block; font-size: .82rem; font-weight: 400; min-width: 14rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr)); gap: 0 2.5rem; align-items: start; }
.pair > * { min-width: 0; }
.pair + .scroll { margin-top: 1.2rem; }
.outcome { font-weight: 600; font-size: .82rem; }
#comparison tbody th { white-space: nowrap; }
svg.bars { display: block; width: 8rem; height: auto; }
svg.glyph { display: block; width: 7rem; height: auto; overflow: visible; }

.facts { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.25rem; margin: .5rem 0 .25rem; font-size: .9rem; }
.facts dt { color: var(--soft); } .facts dd { margin: 0; min-width: 0; }
.lead { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: .5rem 2.5rem; margin-top: .9rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 1.1rem 1.5rem; margin: 0 0 1rem; }
.tiles dt { font-size: .8rem; color: var(--soft); }
.tiles dd { margin: 0; font-size: 1.02rem; font-variant-numeric: tabular-nums; display: flex; align-items: baseline; gap: .5rem; }
.tiles dd small { color: var(--soft); font-size: .78rem; }
.tiles dd::before { content: ""; width: .6rem; height: .6rem; border-radius: 2px; background: currentColor; flex: none; }
.tiles dd.c0::before { color: var(--c0); } .tiles dd.c1::before { color: var(--c1); }
.tiles dd.c2::before { color: var(--c2); } .tiles dd.c3::before { color: var(--c3); }

.trouble { border-left: 4px solid var(--quiet); padding: .15rem 0 .15rem .9rem; margin: 1rem 0; }
.trouble.v-pass, .trouble.v-fail, .trouble.v-inconclusive, .trouble.v-error, .trouble.v-timeout, .trouble.v-aborted, .trouble.v-skip {
  border-left-color: currentColor;
}
.trouble > * { color: var(--text); } .trouble > .soft { color: var(--soft); }
.trouble > .badge { margin-right: .5rem; }
.trouble p { margin: .15rem 0; white-space: pre-wrap; }
.trouble > .badge { color: inherit; }
.trouble ul, .notes { margin: .25rem 0; padding-left: 1.2rem; font-size: .875rem; }
td .trouble { margin: .4rem 0; }

details.card { padding: 0; }
details.card > summary { padding: .8rem 1.25rem; display: flex; flex-wrap: wrap; gap: .2rem .8rem; align-items: baseline; }
details.card > div { padding: 0 1.25rem 1.1rem; }
summary { cursor: pointer; }
summary h3 { display: inline; }
summary::marker { color: var(--soft); }
details.card > summary::before { content: "\\25B8"; color: var(--soft); width: .8em; }
details.card[open] > summary::before { content: "\\25BE"; }
pre { background: var(--page); border: 1px solid var(--rule); border-radius: 6px; padding: .7rem .9rem; overflow-x: auto; max-height: 24rem; white-space: pre-wrap; }

.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); gap: 1rem 1.75rem; align-items: start; }
figure { margin: .25rem 0; min-width: 0; max-width: 31rem; }
figcaption { font-size: .84rem; line-height: 1.35; margin-bottom: .25rem; min-height: 2.3em; }
.lead figcaption { min-height: 0; }
figure svg { display: block; width: 100%; height: auto; }
figure svg text { font-size: 11px; fill: var(--soft); font-variant-numeric: tabular-nums; }
.grid { stroke: var(--rule); fill: none; } .axis { stroke: var(--line); fill: none; }
.c0 { --ink: var(--c0); } .c1 { --ink: var(--c1); } .c2 { --ink: var(--c2); } .c3 { --ink: var(--c3); }
.line, .swatch { stroke: var(--ink); stroke-width: 1.8; fill: none; stroke-linejoin: round; }
.line.thin { stroke-width: 1; } .line.unsure { stroke-dasharray: 3 3; }
.swatch { stroke-width: 4; stroke-linecap: round; }
.dots { stroke: var(--ink); stroke-width: 3.2; stroke-linecap: round; fill: none; }
.area { stroke: var(--ink); stroke-width: 1.4; fill: var(--ink); fill-opacity: .13; }
.spot, .bar { fill: var(--ink); }
.gap { fill: var(--fail); }
.limit { fill: var(--pass); fill-opacity: .18; } .limit-end { stroke: var(--pass); stroke-width: 1.5; }
.found { stroke: var(--text); stroke-width: 1.5; fill: none; } .found-value { fill: var(--text); }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; list-style: none; margin: .6rem 0 .2rem; padding: 0; font-size: .875rem; }
.legend svg { width: 1.3rem; height: .6rem; margin-right: .45rem; }
footer { color: var(--soft); font-size: .82rem; margin-top: 3rem; }

@media (max-width: 40rem) {
  body { padding: .75rem .75rem 3rem; font-size: 14.5px; }
  .card { padding: .9rem; } header.card { padding: 1.1rem .9rem; }
  details.card > summary { padding: .8rem .9rem; } details.card > div { padding: 0 .9rem .9rem; }
  .facts { grid-template-columns: 1fr; gap: 0; } .facts dt { margin-top: .45rem; }
  figcaption { min-height: 0; }
}
@media print {
  body { max-width: none; padding: 0; font-size: 9.5pt; background: none; }
  table { font-size: 8pt; } th, td { padding: .22rem .35rem; }
  nav, .skip-link { display: none; }
  .card { break-inside: auto; border-color: #bbb; }
  figure, tr, .tiles { break-inside: avoid; } h2, h3, h4, summary, .legend, h3 + p { break-after: avoid; }
  .scroll { overflow: visible; } pre { max-height: none; overflow: visible; }
  details::details-content { content-visibility: visible; block-size: auto; }
  a { color: inherit; }
  .figures { grid-template-columns: repeat(3, 1fr); }
  * { print-color-adjust: exact; }
}
`;
