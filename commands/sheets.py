"""Sheets to be printed: one HTML file, which asks nobody for anything."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from string import Template

import segno

PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>$title</title>
<style>
@page { size: A4; margin: 18mm }
body { margin: 0; font-family: system-ui, sans-serif; color: #000; background: #fff }
section { box-sizing: border-box; min-height: 95vh; padding: 1rem; text-align: center; break-after: page }
section:last-child { break-after: auto }
h1 { font-size: 26pt; margin: 0 0 .6em; overflow-wrap: anywhere }
p { font-size: 15pt; margin: .3em 0; overflow-wrap: anywhere }
svg { width: min(110mm, 90%); height: auto; margin: 8mm 0 }
.code { font: bold 34pt ui-monospace, monospace; letter-spacing: .08em }
</style>
</head>
<body>
$sections</body>
</html>
""")
SECTION = Template("<section>\n<h1>$title</h1>\n$lines$code\n$below</section>\n")


@dataclass(frozen=True)
class Sheet:
    """One page: what it is about, what is said above and below the QR code, and what that holds."""

    title: str
    above: tuple[str, ...]
    holds: str
    below: tuple[str, ...] = ()
    code: str = ""


def render(title: str, sheets: Iterable[Sheet]) -> str:
    return PAGE.substitute(title=escape(title), sections="".join(map(_section, sheets)))


def _section(sheet: Sheet) -> str:
    big = f'<p class="code">{escape(sheet.code)}</p>\n' if sheet.code else ""
    return SECTION.substitute(
        title=escape(sheet.title), lines=_lines(sheet.above), code=_qr(sheet.holds), below=big + _lines(sheet.below)
    )


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"<p>{escape(line)}</p>\n" for line in lines if line)


def _qr(holds: str) -> str:
    """With a quarter of it covered it still reads; the quiet zone around it belongs to it."""
    svg: str = segno.make_qr(holds, error="q").svg_inline(border=4, omitsize=True)
    return svg
