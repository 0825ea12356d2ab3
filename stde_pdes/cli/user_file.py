"""Problems from a user's own Python file: `file.py`, or `file.py:name`."""

import linecache
import runpy
import sys
import traceback
from pathlib import Path
from typing import Any

from stde_core.checks import unknown_name

from ..options import parse
from ..problem import Problem
from ..runs.setup import Options, check_dim, made


def is_file(target: str) -> bool:
    """Whether a PROBLEM of the command line names a file and not something registered."""
    return target.partition(":")[0].endswith(".py")


def problem_of(target: str, options: Options = Options()) -> Problem:  # noqa: B008  (frozen)
    """The problem of a file, by its name there, by default `problem`; or what a function of that name makes.

    The file is run, as `import` does it, with its folder on the path. Raises `ValueError`, in one sentence
    with the line of the file, for a file that is missing or raises, and for a name that is no problem.
    """
    file, _, name = target.partition(":")
    path, name = Path(file), name or "problem"
    if not path.is_file():
        raise ValueError(f"There is no file `{file}`; name one that defines a `stde_pdes.Problem`.")
    found = _run(path)
    if name not in found:
        problems = [key for key, value in found.items() if isinstance(value, Problem)]
        known = f"{unknown_name('problem', name, problems)}" if problems else "it defines no problem."
        raise ValueError(f"`{file}` has no `{name}`: {known} Choose by `{file}:NAME`.")
    if isinstance(found[name], Problem):
        parse(_no_fields, options.problem, "-p")
        check_dim(found[name], target, options.dim)
        return found[name]
    problem = made(found[name], target, options)[0] if callable(found[name]) else found[name]
    if not isinstance(problem, Problem):
        raise ValueError(
            f"`{name}` of `{file}` needs to be a `stde_pdes.Problem`, got {type(problem).__name__}."
        )
    return problem


def _no_fields() -> None:
    """What a problem that is no function takes."""


def _run(path: Path) -> dict[str, Any]:
    sys.path.insert(0, str(path.parent))
    try:
        return runpy.run_path(str(path), run_name=path.stem)
    except (Exception, SystemExit) as error:
        raise ValueError(_told(path, error)) from error
    finally:
        sys.path.remove(str(path.parent))


def _told(path: Path, error: BaseException) -> str:
    """What a file raised, and at which of its lines."""
    reason = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f"`{path}:{error.lineno}` is no Python: {error.msg}: `{(error.text or '').strip()}`."
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)
    ]
    if not lines or lines[-1] is None:
        return f"`{path}` raises {type(error).__name__}: {reason}"
    line = linecache.getline(str(path), lines[-1]).strip()
    return f"`{path}:{lines[-1]}` raises {type(error).__name__}: {reason} At `{line}`."
