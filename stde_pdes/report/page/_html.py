"""Pieces of HTML. What comes from files goes through `escaped`, whatever it holds."""

import html
import re
from collections.abc import Iterable
from typing import Any

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# u_xx, x_i, Σ_{i<d}, but no names such as num_samples; in (u_yu_x)_x a new factor ends an index.
_INDEX = re.compile(r"([A-Za-z∂Σ)])_(?:\{([^{}]*)\}|([xyztijnd0-9]+)(?:(?=u_)|(?![A-Za-z_])))")


def escaped(text: Any) -> str:
    """Any text as HTML shows it; characters that no page may hold as �."""
    return html.escape(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(text)))


def prose(text: str) -> str:
    """A paragraph of a docstring: `code`, exponents and indices are set as such."""
    shown = re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped(text))
    shown = re.sub(r"\^\{([^{}]*)\}", r"<sup>\1</sup>", shown)
    return _INDEX.sub(lambda found: f"{found[1]}<sub>{found[2] or found[3]}</sub>", shown)


def section(title: str, *parts: str) -> str:
    """A part of the page under a title; nothing where all is empty."""
    body = "\n".join(filter(None, parts))
    return f"<section>\n<h2>{escaped(title)}</h2>\n{body}\n</section>" if body else ""


def paragraph(text: str) -> str:
    """One paragraph of plain text."""
    return f"<p>{escaped(text)}</p>"


def listing(items: Iterable[str]) -> str:
    """A list, empty where there is nothing in it."""
    lines = "\n".join(f"<li>{prose(item)}</li>" for item in items)
    return f"<ul>\n{lines}\n</ul>" if lines else ""


def code(text: str) -> str:
    """Lines to be copied."""
    return f'<pre tabindex="0"><code>{escaped(text)}</code></pre>'


def table(rows: Iterable[tuple[str, ...]], header: tuple[str, ...] = (), caption: str = "") -> str:
    """A table whose first column names the rows; it scrolls within its own box."""
    above = f"<caption>{escaped(caption)}</caption>" if caption else ""
    head = f"<thead><tr>{''.join(f'<th>{escaped(name)}</th>' for name in header)}</tr></thead>"
    body = "\n".join(_row(*row) for row in rows)
    return (
        f'<div class="scroll"><table>{above}{head if header else ""}<tbody>\n{body}\n</tbody></table></div>'
    )


def _row(name: str, *values: str) -> str:
    cells = "".join(f"<td>{escaped(value)}</td>" for value in values)
    return f'<tr><th scope="row">{escaped(name)}</th>{cells}</tr>'
