"""The page of a run: one HTML file with all that is needed to judge the run, and nothing outside of it."""

import base64
import inspect
import io
import itertools
import math
import re
import shlex
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stde_core.plugins import registry

from ..runs.files import read_file, read_metrics, read_result, read_run, shown, write_file
from ..training import MOST_FEATURES, beats_affine
from .plots import ERRORS, draw_curves

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# u_xx, x_i, Σ_{i<d}, but no names such as num_samples; in (u_yu_x)_x a new factor ends an index.
_INDEX = re.compile(r"([A-Za-z∂Σ)])_(?:\{([^{}]*)\}|([xyztijnd0-9]+)(?:(?=u_)|(?![A-Za-z_])))")
_RAISES = re.compile(r"\s*Raises `\w+`.*?\.(?=\s|$)", re.DOTALL)
_MOST_BYTES, _MOST_ENTRIES, _DEEPEST = 2**25, 12, 4


def write_report(directory: Path) -> Path:
    """Writes `report.html`, and `curves.png` for it, into the directory of a run, finished or not.

    What stands in the run's files is shown as text, whatever it is; nothing in them is executed. The
    page has no scripts and loads nothing. Returns its path. Raises `ValueError` for a directory that is
    not that of a run, for damaged files, and where the page cannot be written.
    """
    run, metrics, result = read_run(directory), read_metrics(directory), read_result(directory)
    latest: dict[str, Any] = {}  # the result's value of everything, or the last that was measured
    for record in (*metrics, result or {}):
        latest |= {name: value for name, value in record.items() if value is not None}
    stages = _stages(run["training"])
    steps = [stage["steps"] for stage in stages if isinstance(stage.get("steps"), int)]
    *changes, total = itertools.accumulate((n for n in steps if 0 <= n < 2**63), initial=0)
    changes = [step for step in changes if 0 < step < max((line["step"] for line in metrics), default=0)]
    drawn = draw_curves(directory, metrics, latest.get("trivial_relative_l2"), changes)
    page = _template().render(
        run=run,
        metrics=metrics,
        result=result,
        latest=latest,
        found=(result or {}).get("found") or (metrics[-1].get("parameters") if metrics else None),
        stages=stages,
        training={name: value for name, value in run["training"].items() if name != "stages"},
        total=total,
        changes=changes,
        equation=[] if run.get("identity") else _equation(run["problem"]),
        curves=_picture(directory, "curves.png") if drawn else None,
        solution=_picture(directory, "solution.png"),
        errors=ERRORS,
        most_features=MOST_FEATURES,
        beats_affine=beats_affine,
        directory=str(directory),
        quoted=shlex.quote,
        command=_command(run["environment"].get("command")),
    )
    return write_file(directory, "report.html", _CONTROL.sub("\N{REPLACEMENT CHARACTER}", page).encode())


def _template() -> "Template":
    import jinja2

    folder = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=folder, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    words = {"number": number, "duration": duration, "setting": setting, "prose": prose, "rows": _rows}
    environment.filters |= words
    return environment.get_template("page.html.j2")


def _stages(training: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The stages in their order; of version 0.1, Adam and what may come after it."""
    found = training.get("stages", [training, training.get("gauss_newton"), training.get("lbfgs")])
    return [stage for stage in found if isinstance(stage, dict)] if isinstance(found, list) else []


def _equation(name: str) -> list[str]:
    """The first paragraphs of a problem's docstring, with its equation; a sentence if it is not installed."""
    try:
        docstring = inspect.cleandoc(registry().entry("problems", name).load().__doc__ or "")
    except (ValueError, ImportError) as error:
        return [f"What is solved cannot be said, since the problem is not installed here: {error}"]
    paragraphs = [_RAISES.sub("", text).strip() for text in re.split(r"\n\s*\n", docstring)[:2]]
    return [text for text in paragraphs if text and not text.startswith(("|", "**"))]


def _picture(directory: Path, name: str) -> Mapping[str, Any] | str | None:
    """A PNG file of the directory as text, with its size; a sentence where it is bad, None for none."""
    from PIL import Image

    try:
        content = read_file(directory, name, _MOST_BYTES)
    except ValueError as error:
        return str(error)
    if content is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Pillow warns of too many pixels
            with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
                width, height = image.size
                image.verify()
    except Exception:
        return f"{shown(directory / name)} is damaged, no PNG picture, or too large; draw it again."
    return {"width": width, "height": height, "data": base64.b64encode(content).decode("ascii")}


def _rows(fields: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Names and values, those of parts with dotted names."""
    for name, value in fields.items():
        if isinstance(value, dict) and value and prefix.count(".") < _DEEPEST:
            yield from _rows(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", setting(value)


def _command(words: Any) -> str:
    if not isinstance(words, list) or not words:
        return ""
    first, *others = map(setting, words)
    name = Path(first).name
    return shlex.join(["stde" if name == "__main__.py" else name, *others])


def prose(text: Any) -> "Markup":
    """A paragraph of a docstring: `code`, exponents and indices are set as such."""
    from markupsafe import Markup, escape

    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(setting(text))))
    marked = re.sub(r"\^\{([^{}]*)\}", r"<sup>\1</sup>", marked)
    return Markup(_INDEX.sub(lambda found: f"{found[1]}<sub>{found[2] or found[3]}</sub>", marked))


def number(value: int | float) -> str:
    """Three digits, as 1.28e-3 where it is small or large; integers in full."""
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if 1e-2 <= abs(value) < 1e5:
        short = f"{value:.3g}"
        return number(round(value)) if "e" in short else short
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


def duration(seconds: float) -> str:
    """As 6.2 s, 4 min 7 s or 2 h 3 min."""
    if not math.isfinite(seconds):
        return f"{seconds:g} s"
    if seconds < 60:
        return f"{seconds:.2g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def setting(value: Any) -> str:
    """A value as the command line takes it; of a list the first entries."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        entries = ["…" if isinstance(part, list | dict) else setting(part) for part in value[:_MOST_ENTRIES]]
        return ", ".join([*entries, *["…"][: len(value) - _MOST_ENTRIES]])
    return "…" if isinstance(value, dict) else str(value)
