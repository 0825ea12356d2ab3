"""What MkDocs calls to run the notebooks: pages in notebooks/ are shown with what their cells print and draw.

A page is a notebook as text, in the Markdown format of Jupytext, and the tests run it too. Each build runs
the cells and adds an `.ipynb` with their outputs beside the page. Nothing that a cell made is committed.
"""

import base64
import contextlib
import functools
import io
import json
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from mkdocs.structure.files import File, Files

_FRONT = re.compile(r"\A\s*---\n.*?\n---\n", re.DOTALL)
_CELL = re.compile(r"```python\n(.*?)```\n", re.DOTALL)


@dataclass(frozen=True)
class Cell:
    """A piece of a notebook: Markdown, or code with what it printed and drew."""

    source: str
    is_code: bool = False
    printed: str = ""
    pictures: tuple[bytes, ...] = ()


def on_files(files: Files, *, config: Any) -> Files:
    """Adds the pictures of all notebooks, and the notebooks as `.ipynb`."""
    for page in [file for file in files.documentation_pages() if _is_notebook(file)]:
        cells, stem = run(page.content_string, page.name), page.src_uri.removesuffix(".md")
        pictures = [picture for cell in cells for picture in cell.pictures]
        contents = {f"{stem}-{i}.png": picture for i, picture in enumerate(pictures)}
        contents[f"{stem}.ipynb"] = json.dumps(as_ipynb(cells), indent=1).encode()
        for path, content in contents.items():
            files.append(File.generated(config, path, content=content))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """The page of a notebook, with its outputs; other pages as they are."""
    if not _is_notebook(page.file):
        return markdown
    shown, numbers = [], iter(range(sys.maxsize))
    for cell in run(page.file.content_string, page.file.name):
        shown.append(f"```python\n{cell.source}```\n" if cell.is_code else cell.source)
        shown += [f"```text\n{cell.printed}```\n"] if cell.printed else []
        shown += [f"![]({page.file.name}-{next(numbers)}.png)\n" for _ in cell.pictures]
    return "\n".join([*shown, f"[This page as a notebook]({page.file.name}.ipynb), with its outputs.\n"])


def _is_notebook(file: File) -> bool:
    return file.src_uri.startswith("notebooks/") and file.src_uri.endswith(".md")


@functools.cache
def run(text: str, name: str) -> tuple[Cell, ...]:
    """The cells of a notebook after they have run, one after the other, in a directory of their own."""
    pieces = _CELL.split(_FRONT.sub("", text))  # Markdown, code, Markdown, …
    names: dict[str, Any] = {"__name__": "__main__"}
    # What a run of theirs is called.
    script = mock.patch.object(sys.modules["__main__"], "__file__", f"{name}.py", create=True)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), script:
        cells = [
            _ran(piece, names) if i % 2 else Cell(piece.strip() + "\n") for i, piece in enumerate(pieces)
        ]
    return tuple(cell for cell in cells if cell.source.strip())


def _ran(source: str, names: dict[str, Any]) -> Cell:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(source, "cell", "exec"), names)
    pictures = tuple(_as_png(plt.figure(number)) for number in plt.get_fignums())
    plt.close("all")
    return Cell(source, True, printed.getvalue(), pictures)


def _as_png(figure: Any) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=90)
    return file.getvalue()


def as_ipynb(cells: tuple[Cell, ...]) -> dict[str, Any]:
    """A notebook in the format of Jupyter, version 4.5."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {
        "cells": [_as_json(cell, f"cell-{i}") for i, cell in enumerate(cells)],
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _as_json(cell: Cell, name: str) -> dict[str, Any]:
    common = {"id": name, "metadata": {}, "source": cell.source.rstrip()}
    if not cell.is_code:
        return common | {"cell_type": "markdown"}
    printed = [{"output_type": "stream", "name": "stdout", "text": cell.printed}] if cell.printed else []
    drawn = [
        {
            "output_type": "display_data",
            "metadata": {},
            "data": {"image/png": base64.b64encode(picture).decode()},
        }
        for picture in cell.pictures
    ]
    return common | {"cell_type": "code", "execution_count": None, "outputs": printed + drawn}


def main(folder: Path) -> None:
    """Writes all notebooks as `.ipynb` into a folder: `python docs/run_notebooks.py FOLDER`."""
    folder.mkdir(parents=True, exist_ok=True)
    for page in sorted((Path(__file__).parent / "notebooks").glob("*.md")):
        cells = run(page.read_text(encoding="utf-8"), page.stem)
        (folder / f"{page.stem}.ipynb").write_text(json.dumps(as_ipynb(cells), indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
