"""Which code made a result: a hash of the Python files of stde, and the commit of the checkout."""

import functools
import hashlib
import importlib
import subprocess
from collections.abc import Iterable
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
_PACKAGES = ("stde_core", "stde_pdes", "stde_cli", "stde_estimators", "stde_loggers")


@functools.cache
def sources_of_stde() -> str:
    """The hash of what is imported here as stde, its own plugins included."""
    modules = map(importlib.import_module, _PACKAGES)
    return hash_of(Path(folder) for module in modules for folder in module.__path__)


def hash_of(packages: Iterable[Path]) -> str:
    """The hash of the Python files in some folders: of content, and of path within the folder."""
    digest = hashlib.sha256()
    for package in packages:
        for path in sorted(package.rglob("*.py")):
            digest.update(path.relative_to(package.parent).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def commit_of(checkout: Path) -> str | None:
    """The commit, with "-changed" where Python files differ from it; None where there is no git."""
    if not (checkout / ".git").exists():  # perhaps a part of another repository
        return None
    commit = _git(checkout, "rev-parse", "HEAD")
    if commit is None:
        return None
    return f"{commit}-changed" if _git(checkout, "status", "--porcelain", "--", "*.py") else commit


def _git(checkout: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=checkout, capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
