"""The page of a run: one HTML file with all that is needed to judge the run, and nothing outside of it."""

from pathlib import Path

from ..._run_files import read_metrics, read_result, read_run, write_file
from . import _sections
from ._html import escaped
from ._sections import Run
from ._style import STYLE

_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
"""
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_PARTS = (
    _sections.heading,
    _sections.what,
    _sections.status,
    _sections.tiles,
    _sections.curves,
    _sections.solution,
    _sections.errors,
    _sections.notes,
    _sections.cost,
    _sections.setup,
    _sections.use,
    _sections.environment,
)


def write_report(directory: Path) -> Path:
    """Writes `report.html` into the directory of a run, finished or not, and returns its path.

    What stands in the run's files is shown as text, whatever it is; nothing in them is executed. The
    page has no scripts and loads nothing. Raises `ValueError` for a directory that is not that of a
    run, for damaged files, and where the page cannot be written.
    """
    run = Run(directory, read_run(directory), read_metrics(directory), read_result(directory))
    title = f"{run.setup['problem']}, dim {run.setup['dim']}, seed {run.setup['seed']}"
    head = _HEAD.format(title=escaped(title), style=STYLE, policy=_POLICY)
    body = "\n".join(filter(None, (part(run) for part in _PARTS)))
    page = f"{head}{body}\n</body>\n</html>\n"
    return write_file(directory, "report.html", page.encode("utf-8", "replace"))
