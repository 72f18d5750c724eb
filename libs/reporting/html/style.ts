/** The style sheet of a report. Sets and methods have one colour each (Okabe and Ito's palette), lighter in the dark. */
export const styleSheet = `
:root {
  color-scheme: light dark;
  --paper: #fffefb; --ink: #1c1b19; --soft: #6b6862; --faint: #a8a49b; --rule: #e4e0d8; --wash: #f6f3ec;
  --recycled: #b84700; --soup: #0068a8; --fused: #00805d; --other: #77736b; --shade: #1c1b1933;
  --serif: "Iowan Old Style", Charter, "Bitstream Charter", "Source Serif 4", "Sitka Text", Cambria, Georgia, "Liberation Serif", serif;
  --sans: "Inter", "Helvetica Neue", "Segoe UI", "Liberation Sans", Arial, sans-serif;
  --mono: "SF Mono", "Cascadia Mono", "JetBrains Mono", Menlo, Consolas, "Liberation Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #161614; --ink: #e9e6df; --soft: #a09c93; --faint: #6f6b64; --rule: #33312d; --wash: #1f1e1b;
    --recycled: #ff8a3d; --soup: #5cb3ee; --fused: #35c79b; --other: #96928a; --shade: #000000b3;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 17px/1.55 var(--serif); font-kerning: normal; }
main { max-width: 58rem; margin: 0 auto; padding: 4.5rem 1.75rem 5rem; }
header .over { font: 600 .72rem/1 var(--sans); letter-spacing: .09em; text-transform: uppercase; color: var(--soft); margin: 0 0 1.1rem; }
h1 { font-size: 2.6rem; line-height: 1.1; font-weight: 500; letter-spacing: -.012em; margin: 0 0 .7rem; overflow-wrap: anywhere; }
header .meta { font: .84rem/1.6 var(--sans); color: var(--soft); margin: 0 0 2.6rem; }
.lead { font-size: 1.42rem; line-height: 1.42; max-width: 42rem; margin: 0 0 1.3rem; text-wrap: pretty; }
.findings { list-style: none; padding: 0; margin: 0; max-width: 42rem; }
.findings li { padding: .42rem 0; border-top: 1px solid var(--rule); text-wrap: pretty; }
.note { font: .8rem/1.55 var(--sans); color: var(--soft); max-width: 42rem; margin: .9rem 0 0; text-wrap: pretty; }
section { margin-top: 4rem; }
h2 { font-size: 1.5rem; font-weight: 500; letter-spacing: -.006em; margin: 0 0 .35rem; break-after: avoid; }
h3 { font: 600 .84rem/1.4 var(--sans); margin: 2.2rem 0 .4rem; break-after: avoid; }
section > p, .explain { max-width: 42rem; margin: .3rem 0 1.2rem; color: var(--soft); text-wrap: pretty; }
a { color: inherit; text-decoration-color: var(--faint); text-underline-offset: .15em; }
/* What scrolls has a shadow at each side behind which there is more: the covers move with the content, the shadows stay. */
.scroll { overflow-x: auto; background: linear-gradient(90deg, var(--paper) 40%, transparent) 0 0 / 2.5rem 100% local, linear-gradient(270deg, var(--paper) 40%, transparent) 100% 0 / 2.5rem 100% local, linear-gradient(90deg, var(--shade), transparent) 0 0 / 1rem 100% scroll, linear-gradient(270deg, var(--shade), transparent) 100% 0 / 1rem 100% scroll; background-repeat: no-repeat; background-color: var(--paper); }
.scroll:focus-visible, pre:focus-visible, summary:focus-visible { outline: 2px solid var(--soup); outline-offset: 3px; }
.next { padding-left: 1.1rem; max-width: 42rem; } .next li { padding: .3rem 0; text-wrap: pretty; }
table { border-collapse: collapse; font: .84rem/1.4 var(--sans); font-variant-numeric: tabular-nums; width: 100%; }
caption { text-align: left; font: .8rem/1.5 var(--sans); color: var(--soft); padding: 0 0 .6rem; }
th, td { padding: .42rem .55rem; text-align: right; border-bottom: 1px solid var(--rule); font-weight: 400; vertical-align: baseline; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
th:last-child, td:last-child { padding-right: 0; }
thead th, thead td { color: var(--soft); font-size: .76rem; border-bottom-color: var(--faint); vertical-align: bottom; }
td .sem { color: var(--soft); font-size: .92em; }
td.best { font-weight: 650; }
tr.ours > * { background: color-mix(in srgb, var(--recycled) 8%, transparent); }
tr.ours th { color: var(--recycled); font-weight: 650; }
td.text, th.text { text-align: left; }
td.total, th.total { border-left: 1px solid var(--rule); padding-left: .9rem; }
td.plot { padding: 0 .4rem; width: 40%; vertical-align: middle; }
td.plot svg { display: block; width: 100%; height: 1.9rem; }
tr.axis-row td { border: 0; padding-top: 0; padding-bottom: 0; }
tr.axis-row td.plot svg { height: 1.5rem; }
code, pre { font-family: var(--mono); font-size: .78rem; }
pre { background: var(--wash); padding: 1rem 1.2rem; overflow-x: auto; line-height: 1.5; border-radius: 3px; margin: .6rem 0; }
td code { font-size: .74rem; white-space: nowrap; } dd code { overflow-wrap: anywhere; }
.dense th, .dense td { padding-top: .2rem; padding-bottom: .2rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.4rem; font: .84rem/1.5 var(--sans); margin: 1.2rem 0; }
dt { font-weight: 600; } dd { margin: 0; color: var(--soft); }
details { margin-top: 1.1rem; } summary { cursor: pointer; font: 600 .84rem/1.5 var(--sans); color: var(--soft); }
figure { margin: 1.4rem 0 0; break-inside: avoid; }
figcaption { font: .8rem/1.55 var(--sans); color: var(--soft); margin-top: .7rem; max-width: 46rem; text-wrap: pretty; }
.key { white-space: nowrap; color: var(--ink); } .key::before { content: ""; display: inline-block; width: .62em; height: .62em; border-radius: 50%; margin-right: .38em; background: var(--other); }
.key.recycled::before { background: var(--recycled); } .key.soup::before { background: var(--soup); } .key.fused::before { background: var(--fused); }
.key.hollow::before { background: none; border: 1.5px solid var(--ink); }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { font: 11.5px var(--sans); fill: var(--soft); font-variant-numeric: tabular-nums; }
svg text.strong { fill: var(--ink); font-weight: 600; } svg text.plain { fill: var(--ink); } svg text.recycled { fill: var(--recycled); font-weight: 600; }
svg .grid { stroke: var(--rule); stroke-width: 1; } svg .zero { stroke: var(--soft); stroke-width: 1; }
svg .dot { fill: var(--other); } svg .bar { stroke: var(--other); stroke-width: 2; stroke-linecap: round; } svg .bar.wide { stroke-width: 1; opacity: .75; }
svg .seed { fill: var(--other); opacity: .28; }
svg .line { fill: none; stroke: var(--other); stroke-width: 1; opacity: .42; stroke-linejoin: round; } svg .line.mean { stroke-width: 2.4; opacity: 1; }
svg .recycled .dot, svg .dot.recycled, svg .seed.recycled { fill: var(--recycled); } svg .soup .dot, svg .dot.soup, svg .seed.soup { fill: var(--soup); } svg .fused .dot, svg .dot.fused, svg .seed.fused { fill: var(--fused); }
svg .bar.recycled, svg .line.recycled { stroke: var(--recycled); } svg .bar.soup, svg .line.soup { stroke: var(--soup); } svg .bar.fused, svg .line.fused { stroke: var(--fused); }
svg .average { stroke: var(--paper); stroke-width: 1.25; }
svg .node rect { fill: var(--paper); stroke: var(--faint); } svg .node text { fill: var(--ink); font-size: 12px; }
svg .node.data rect { fill: var(--wash); stroke: var(--rule); } svg .node.data text { fill: var(--soft); }
svg .node.average-node rect { fill: var(--recycled); stroke: none; } svg .node.average-node text { fill: var(--paper); font-weight: 600; }
svg .edge { fill: none; stroke: var(--faint); stroke-width: 1; opacity: .5; } svg .edge.from-data { opacity: .24; } svg .edge.to-average { stroke: var(--recycled); opacity: .65; }
footer { margin-top: 5rem; padding-top: 1rem; border-top: 1px solid var(--rule); font: .78rem/1.6 var(--sans); color: var(--soft); overflow-wrap: anywhere; }
@media (max-width: 40rem) {
  body { font-size: 16px; } main { padding: 2.5rem 1.1rem 3rem; } h1 { font-size: 2rem; } .lead { font-size: 1.2rem; } section { margin-top: 3rem; }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .6rem; } td.plot { min-width: 14rem; }
}
@media print {
  :root { color-scheme: light; --paper: #fff; --ink: #000; --soft: #444; --faint: #999; --rule: #d5d5d5; --wash: #f4f4f4; --recycled: #b34700; --soup: #005a92; --fused: #006b4e; --other: #666; }
  @page { margin: 18mm 16mm; }
  body { font-size: 10pt; } main { max-width: none; padding: 0; } section { margin-top: 2.2rem; } h1 { font-size: 22pt; } .lead { font-size: 12pt; margin-bottom: .8rem; } header .meta { margin-bottom: 1.4rem; } .findings li { padding: .25rem 0; }
  .scroll { overflow: visible; background: none; } svg { min-width: 0 !important; } pre { white-space: pre-wrap; overflow-wrap: anywhere; } tr, figure, li { break-inside: avoid; } thead { display: table-header-group; }
  details::details-content { content-visibility: visible; display: block; } details:not(.long), table:not(.dense) { break-inside: avoid; } th, td { padding-top: .26rem; padding-bottom: .26rem; } .dense td code { font-size: 6.6pt; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
`;
