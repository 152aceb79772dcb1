"""The report's style sheet: light and dark, no fonts or pictures to fetch."""

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6572; --line: #d9dee5; --paper: #fff;
  --ground: #f5f6f8;
  --series: #2458a6; --band: #2458a622; --bad: #b3261e; --good: #1a7f4b; --moved: #7a5d00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --soft: #9aa5b3; --line: #333b46;
  --paper: #1a1f26;
  --ground: #11151a; --series: #7fb0ff; --band: #7fb0ff2b; --bad: #ff8a80; --good: #6fd6a0;
  --moved: #e5c462; } }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 860px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { margin: 0; font-size: 26px; } header p { color: var(--soft); margin: 4px 0 16px; }
h2 { font-size: 16px; margin: 0; overflow-wrap: anywhere; }
  code, pre { font: 13.5px/1.45 ui-monospace, monospace; }
article, section { background: var(--paper); border: 1px solid var(--line); border-radius: 10px;
  padding: 16px 20px;
  margin: 16px 0; }
.metric { color: var(--soft); margin: 0 0 8px; }
.tiles { display: flex; flex-wrap: wrap; gap: 10px; list-style: none; margin: 0; padding: 0; }
.tile { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; padding: 8px 14px; }
.tile b { font-size: 20px; margin-right: 4px; }
.tile.standing b, .tile.regressed b { color: var(--bad); } .tile.improved b { color: var(--good); }
.tile.moved b, .tile.cost_shift b { color: var(--moved); }
svg { display: block; width: 100%; height: auto; font: 11px system-ui, sans-serif; }
.grid { stroke: var(--line); } .tick { fill: var(--soft); } .band { fill: var(--band); }
.line { fill: none; stroke: var(--series); stroke-width: 1.6; opacity: .55; }
.dot { fill: var(--series); stroke: var(--paper); }
.mark { stroke: var(--soft); stroke-dasharray: 4 3; } .label { fill: var(--soft); font-weight: 600; }
.mark.regressed { stroke: var(--bad); } .dot.regressed, .label.regressed { fill: var(--bad); }
.mark.improved { stroke: var(--good); } .dot.improved, .label.improved { fill: var(--good); }
.mark.moved, .mark.cost_shift { stroke: var(--moved); }
.dot.moved, .label.moved, .dot.cost_shift, .label.cost_shift { fill: var(--moved); }
dl { margin: 8px 0; } dt { margin-top: 8px; overflow-wrap: anywhere; }
dd { margin: 2px 0 0; color: var(--soft); font-size: 13.5px; overflow-wrap: anywhere; }
.path { font: 12.5px/1.45 ui-monospace, monospace; margin-top: 2px; }
.badge { border: 1px solid currentColor; border-radius: 6px; padding: 0 6px; font-size: 13px;
  font-weight: 600;
  color: var(--soft); margin: 0 6px 0 0; white-space: nowrap; } h2 .badge { margin: 0 0 0 8px; }
.badge.regressed { color: var(--bad); } .badge.improved { color: var(--good); }
  .badge.moved, .badge.cost_shift { color: var(--moved); }
details { margin-top: 8px; } summary { cursor: pointer; color: var(--soft); }
pre { background: var(--ground); border-radius: 6px; padding: 8px 10px; white-space: pre-wrap;
  overflow-wrap: anywhere; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: 13.5px; margin-top: 8px; }
th, td { text-align: left; padding: 3px 14px 3px 0; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
th { color: var(--soft); font-weight: 600; }
"""
