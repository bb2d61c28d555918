"""The look of the page: the tokens of the window, light and dark by the reader's system."""

_LIGHT = {
    "background": "#f4f5f7",
    "panel": "#ffffff",
    "line": "#dfe2e8",
    "text": "#1b1f27",
    "dim": "#667085",
    "chip": "#eceff4",
    "accent": "#1f6feb",
    "ok": "#18794e",
    "look": "#ad5700",
    "bad": "#cd2b31",
}
_DARK = {
    "background": "#16181d",
    "panel": "#1d2027",
    "line": "#2c313b",
    "text": "#e6e8ec",
    "dim": "#8d95a3",
    "chip": "#262b35",
    "accent": "#6aa9ff",
    "ok": "#4cc38a",
    "look": "#ffb224",
    "bad": "#ff6369",
}


def _tokens(tokens: dict[str, str]) -> str:
    named = "".join(f"--{name}:{colour};" for name, colour in tokens.items())
    return f":root{{{named}}}"


_RULES = """
:root{color-scheme:light dark}
*{box-sizing:border-box}
body{margin:0 auto;padding:16px;max-width:1440px;background:var(--background);color:var(--text);
font:13px/1.5 system-ui,"DejaVu Sans",sans-serif}
header{display:flex;gap:16px;align-items:baseline;padding:0 0 8px;color:var(--dim)}
header b{color:var(--text);font-size:14px;overflow-wrap:anywhere}
section{margin:0 0 16px;padding:16px;background:var(--panel);border:1px solid var(--line);
border-radius:6px;overflow-x:auto}
#verdict{padding:0}
.verdict{padding:16px;border-left:4px solid var(--dim);border-radius:6px}
.verdict.ok{border-color:var(--ok)}.verdict.look{border-color:var(--look)}
.verdict.bad{border-color:var(--bad)}
h1{margin:0 0 4px;font-size:18px}h2{margin:0 0 8px;font-size:13px}p{margin:0 0 8px}
ul{margin:0;padding-left:16px}a{color:var(--accent);text-decoration:none}
a:hover{text-decoration:underline}.dim{color:var(--dim)}
table{border-collapse:collapse;width:100%}
th{color:var(--dim);font-weight:normal;text-align:left;border-bottom:1px solid var(--line)}
th,td{padding:4px 8px;vertical-align:top}tbody tr:nth-child(even){background:var(--background)}
.number,.values,.hash,dd{font-family:"DejaVu Sans Mono",ui-monospace,monospace;font-size:12px}
.number{text-align:right;white-space:nowrap}.hash{overflow-wrap:anywhere}
.name{display:block;font-weight:bold;overflow-wrap:anywhere}.name:target{color:var(--accent)}
.density{min-width:96px}
.bar{display:block;height:8px;margin-top:6px;border-radius:4px;background:var(--chip);
overflow:hidden}
.bar i{display:block;height:100%;background:var(--accent)}.quiet i{background:var(--dim)}
.lights{white-space:nowrap}.lights span{display:inline-block;width:1.2em}
.yes{color:var(--ok)}.no{color:var(--dim)}.violated{color:var(--bad)}
span.bad{color:var(--bad)}
.broken,.goes{color:var(--bad);padding:0 3px;border-radius:2px;
background:repeating-linear-gradient(135deg,transparent 0 4px,
color-mix(in srgb,var(--bad) 22%,transparent) 4px 6px)}
.goes{text-decoration:line-through}.pruned{color:var(--dim)}
.values span{white-space:nowrap}
.maps{display:flex;flex-wrap:wrap;gap:16px}
figure{margin:0;padding:8px;border:1px solid var(--line);border-radius:6px}
figcaption{margin:0 0 8px;overflow-wrap:anywhere}.planes{display:flex;flex-wrap:wrap;gap:8px}
.planes p{margin:4px 0 0;color:var(--dim);font-size:12px}
img{display:block;image-rendering:pixelated;background:var(--chip)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 16px;margin:0}
dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}
details{margin-top:8px}summary{cursor:pointer;color:var(--dim)}
@media print{body{padding:0;max-width:none}section{break-inside:avoid-page}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""

STYLE = (
    _tokens(_LIGHT)
    + "@media (prefers-color-scheme:dark){"
    + _tokens(_DARK)
    + "}"
    + _RULES.replace("\n", "")
)
"""The whole style sheet."""
