"""Which plugins are installed, and which of them the environment variable `STDE_PLUGINS` lets in."""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import Distribution, EntryPoint, distributions
from itertools import chain
from types import SimpleNamespace
from typing import Any

_GROUP = "stde"
_BUILTIN = "stde"
_VARIABLE = "STDE_PLUGINS"
# In place of the distribution of a plugin that somebody holds; no distribution has a space in its name.
_IN_MEMORY = "in memory"


@dataclass
class Plugin:
    """An entry point of the group `stde`: what it adds by kind, or why it failed."""

    distribution: str
    version: str
    entry_point: EntryPoint | SimpleNamespace
    module: Any = None
    adds: dict[str, list[str]] = field(default_factory=dict)
    error: str | None = None

    @property
    def name(self) -> str:
        """That of the entry point."""
        return self.entry_point.name

    @property
    def title(self) -> str:
        """What messages call it: its name, distribution and version."""
        return f"{self.name} ({self.distribution} {self.version})"

    @property
    def builtin(self) -> bool:
        """Whether it comes with stde itself, and so cannot be switched off."""
        return self.distribution == _BUILTIN

    def answers_to(self, name: str) -> bool:
        """Whether `STDE_PLUGINS` means this plugin by `name`, an entry point or a distribution."""
        return name == self.name or _canonical(name) == self.distribution


_in_memory: list[SimpleNamespace] = []


@contextmanager
def in_memory(plugin: Any, name: str) -> Iterator[SimpleNamespace]:
    """A plugin that is discovered inside of the `with` block, whatever `STDE_PLUGINS` says."""
    value = getattr(plugin, "__name__", repr(plugin))
    entry_point = SimpleNamespace(name=name, value=value, load=lambda: plugin)
    _in_memory.append(entry_point)
    try:
        yield entry_point
    finally:
        _in_memory.remove(entry_point)


def discover() -> list[Plugin]:
    """Every entry point of the group, the built-ins first, and last the plugins in memory.

    Of two copies of a distribution only the first on the path counts, as for imports.
    """
    found: dict[str, list[Plugin]] = {}
    for distribution in distributions():
        if entry_points := distribution.entry_points.select(group=_GROUP):
            name, version = _identity(distribution)
            found.setdefault(name, [Plugin(name, version, entry_point) for entry_point in entry_points])
    held = [Plugin(_IN_MEMORY, "0", entry_point) for entry_point in _in_memory]
    return sorted(chain(*found.values()), key=lambda p: (not p.builtin, p.distribution, p.name)) + held


def allowed() -> list[str] | None:
    """The names in `STDE_PLUGINS`; None where it is not set, and everything is let in."""
    names = os.environ.get(_VARIABLE)
    return None if names is None else [name.strip() for name in names.split(",") if name.strip()]


def is_allowed(plugin: Plugin, names: list[str] | None) -> bool:
    always = plugin.builtin or plugin.distribution == _IN_MEMORY
    return always or names is None or any(map(plugin.answers_to, names))


def how_to_switch_off(plugin: Plugin, plugins: Iterable[Plugin]) -> str:
    """The setting that loads all of `plugins` but this one."""
    if plugin.builtin:
        return "it is a part of stde: reinstall that"
    others = [other for other in plugins if not other.builtin and other is not plugin]
    names = [other.distribution if other.name == plugin.name else other.name for other in others]
    return f'switch it off by {_VARIABLE}="{",".join(names)}"'


def _identity(distribution: Distribution) -> tuple[str, str]:
    try:
        return _canonical(distribution.metadata["Name"]), distribution.version
    except Exception:  # metadata may be missing, as an interrupted uninstall leaves it
        return "unknown", "unknown"


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
