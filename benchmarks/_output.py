"""The files of a report: `NAME.json`, `NAME.md` and `NAME.png` in a directory."""

from pathlib import Path

from ._report import Report


def claim(directory: str | Path, name: str) -> Path:
    """The directory, made if need be; others' files in it are kept.

    Raises `ValueError` where it holds a report of that name already, or cannot be written to.
    """
    path = Path(directory)
    taken = path / f"{name}.json"
    if taken.exists() and taken.stat().st_size:
        raise ValueError(f"`--out {path}` already holds {taken.name}; name another directory.")
    try:
        path.mkdir(parents=True, exist_ok=True)
        taken.touch()
    except OSError as error:
        raise ValueError(
            f"`--out {path}` cannot be written to ({error.strerror}); name a directory that can."
        ) from error
    return path


def write_json(report: Report, directory: Path) -> None:
    """Writes what was measured up to now, in case the rest never comes."""
    (directory / f"{report.name}.json").write_text(report.to_json() + "\n", encoding="utf-8")


def write(report: Report, directory: Path) -> None:
    """Writes the numbers, the table and the picture."""
    from ._figure import draw
    from ._table import markdown

    write_json(report, directory)
    (directory / f"{report.name}.md").write_text(markdown(report), encoding="utf-8")
    draw(report, directory / f"{report.name}.png")
