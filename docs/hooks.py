"""What MkDocs calls while it builds these pages."""

import html
import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert

_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)
_MEASURED = {"Accuracy": "accuracy.md"}


def on_config(config: Any) -> Any:
    """Leaves the page of `python -m benchmarks accuracy` out of the navigation where it was not written."""
    if not Path(config.docs_dir, _MEASURED["Accuracy"]).exists():
        config.nav = [entry for entry in config.nav if entry != _MEASURED]
    return config


def on_page_content(content: str, **_: Any) -> str:
    """Formulas as MathML, so that no page needs a script or another host for them."""
    return _FORMULA.sub(_as_mathml, content)


def _as_mathml(match: re.Match[str]) -> str:
    display = "inline" if match[1] == "span" else "block"
    mathml = convert(html.unescape(match[2]).strip(), display=display)
    return mathml.replace(
        "<mo>&#x0007C;</mo>", '<mo lspace="0" rspace="0">&#x0007C;</mo>'
    )  # |x|, no relation
