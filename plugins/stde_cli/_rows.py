"""What `stde list` says: one line for each name that plugins add."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stde_core import Laplacian
from stde_core.plugins import Entry, Registry, describe


@dataclass(frozen=True)
class Row:
    """A name, the plugin that adds it, and what it is; or why it is unusable."""

    name: str
    plugin: str
    summary: str = ""
    error: str | None = None


def kinds(registry: Registry) -> list[str]:
    """The kinds that are listed: all but commands, which `stde --help` shows."""
    return [kind for kind in registry.kinds if kind != "commands"]


def rows(registry: Registry, kind: str) -> list[Row]:
    """Every name of a kind; those that clash or cannot be loaded with the cause."""
    names = sorted([*registry.names(kind), *registry.clashes(kind)])
    return [_row(registry, kind, name) for name in names]


def _row(registry: Registry, kind: str, name: str) -> Row:
    plugins = ", ".join(entry.plugin.name for entry in registry.entries[kind][name])
    try:
        entry = registry.entry(kind, name)
        return Row(name, plugins, _summary(kind, entry))
    except (ValueError, ImportError) as error:
        return Row(name, plugins, error=str(error))


def _summary(kind: str, entry: Entry) -> str:
    target = entry.load()
    first, *_ = inspect.cleandoc(target.__doc__ or "").splitlines() or [""]
    reason = _refusal(entry, target) if kind == "estimators" else None
    return f"{first} Here it {reason}." if reason else first


def _refusal(entry: Entry, estimator: Callable[..., Any]) -> str | None:
    """Why an estimator cannot do so much as a Laplacian here, told by one that draws one sample.

    None if it can, and where more than `num_samples` is needed to build one.
    """
    try:
        signature = inspect.signature(estimator)
        fields = {"num_samples": 1} if "num_samples" in signature.parameters else {}
        if any(p.default is p.empty and p.name not in fields for p in signature.parameters.values()):
            return None
        return estimator(**fields).refuses(Laplacian(), 2)
    except Exception as error:
        raise ValueError(f"{entry.name!r} of plugin {entry.plugin.title} fails: {describe(error)}") from error
