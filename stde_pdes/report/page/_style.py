"""How the page looks: one column at any width, light or dark as the reader's system is."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1c2128; --quiet: #57606a; --line: #d8dee4; --box: #f6f8fa;
  --c0: #0b5fd8; --c1: #c2410c; --c2: #2b7a3e; --warn: #fff4d6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14181d; --ink: #e6e9ed; --quiet: #9aa5b1; --line: #343c46; --box: #1d232a;
    --c0: #6ea8fe; --c1: #ff9c66; --c2: #7bd88f; --warn: #4a3b12;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 62rem; overflow-wrap: anywhere;
  background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif;
}
h1 { margin: 0; font-size: 1.8rem; line-height: 1.2; }
h2 { margin: 2.2rem 0 .6rem; font-size: 1.2rem; }
p { margin: .5rem 0; max-width: 46rem; }
.lead { margin: .8rem 0; font-size: 1.15rem; }
.quiet, figcaption, caption { color: var(--quiet); }
.notice { padding: .6rem .9rem; border-radius: .4rem; background: var(--warn); }
.tiles, .charts { display: grid; gap: .8rem; }
.tiles { grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); margin: 1.2rem 0 0; }
.tiles div { padding: .7rem .9rem; border-radius: .4rem; background: var(--box); }
.tiles dt { color: var(--quiet); font-size: .85rem; }
.tiles dd { margin: 0; font-size: 1.4rem; font-weight: 600; }
.charts { grid-template-columns: repeat(auto-fit, minmax(min(19rem, 100%), 1fr)); gap: 1.5rem; }
.tables { columns: 17rem; column-gap: 1.5rem; }
.tables .scroll { break-inside: avoid; margin-bottom: .8rem; }
.scroll, pre { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { padding: .3rem .5rem; text-align: left; font-weight: 600; }
th, td { padding: .3rem .5rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th, td { overflow-wrap: normal; min-width: 5rem; }
td { overflow-wrap: anywhere; }
tbody th { font-weight: 400; color: var(--quiet); }
code, pre { font: .9em/1.5 ui-monospace, monospace; }
pre { padding: .7rem .9rem; border-radius: .4rem; background: var(--box); overflow-wrap: normal; }
sub, sup { line-height: 0; }
figure { margin: 0; }
figcaption { font-weight: 600; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--quiet); font: 12px system-ui, sans-serif; }
polyline { fill: none; stroke: currentColor; stroke-width: 1.6; stroke-linejoin: round; }
circle { fill: currentColor; }
.grid { stroke: var(--line); }
.change { stroke: var(--quiet); stroke-dasharray: 1 4; }
path.level { stroke: var(--quiet); stroke-width: 1.4; stroke-dasharray: 6 4; }
.c0 { color: var(--c0); } .c1 { color: var(--c1); } .c2 { color: var(--c2); }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1rem; margin: .2rem 0; padding: 0; list-style: none; }
.legend { font-size: .85rem; }
.key { display: inline-block; width: 1.2rem; margin-right: .4rem; vertical-align: middle; }
.key { border-top: .2rem solid currentColor; }
.key.level { border-top: 2px dashed var(--quiet); }
.picture { border-radius: .4rem; background: #ffffff; }
.picture img { display: block; width: 100%; min-width: 40rem; height: auto; }
"""
