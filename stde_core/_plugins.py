"""Finding plugins by their entry points, one at a time, so that a broken one breaks nothing else."""

import functools
import importlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import Distribution, EntryPoint, distributions
from typing import Any

import pluggy

from . import _hookspecs
from ._suggest import unknown_name

_GROUP = "stde"
_BUILTIN = "stde"
_NOT_KINDS = ("addhooks",)


@dataclass
class Plugin:
    """An entry point of the group `stde`: what it adds by kind, or why it failed."""

    name: str
    distribution: str
    version: str
    entry_point: EntryPoint
    module: Any = None
    adds: dict[str, list[str]] = field(default_factory=dict)
    error: str | None = None

    @property
    def title(self) -> str:
        return f"{self.name} ({self.distribution} {self.version})"


@dataclass(frozen=True)
class Entry:
    """One name that a plugin adds."""

    name: str
    plugin: Plugin
    target: Any

    def load(self) -> Any:
        """The class, factory or command; imports it where the plugin gave `"module:name"`.

        Raises `ImportError`, naming the plugin, where that fails.
        """
        if not isinstance(self.target, str):
            return self.target
        module, _, attribute = self.target.partition(":")
        try:
            return functools.reduce(getattr, attribute.split("."), importlib.import_module(module))
        except Exception as error:
            raise ImportError(
                f"{self.name!r} of plugin {self.plugin.title} cannot be loaded from "
                f"{self.target!r}: {describe(error)}."
            ) from error


class Registry:
    """All plugins of the environment and what they add."""

    def __init__(self) -> None:
        self.manager = pluggy.PluginManager("stde")
        self.manager.add_hookspecs(_hookspecs)
        self.plugins = [plugin for plugin in _discover() if _is_wanted(plugin)]
        self.entries: dict[str, dict[str, list[Entry]]] = {}
        for step in (self._import, self._add_hooks, self._check_hooks, self._collect):
            for plugin in self.plugins:
                if plugin.error is None:
                    self._attempt(step, plugin)

    @property
    def kinds(self) -> list[str]:
        """What can be added: operators, samplers, estimators, commands, and plugins' own kinds."""
        hooks = [name.removeprefix("stde_") for name in vars(self.manager.hook)]
        specified = (kind for kind in hooks if self._hook(kind).has_spec())
        return [kind for kind in specified if kind not in _NOT_KINDS]

    def names(self, kind: str) -> list[str]:
        """The usable names of a kind."""
        return sorted(name for name, found in self.entries.get(kind, {}).items() if len(found) == 1)

    def clashes(self, kind: str) -> list[str]:
        """The names of a kind that several plugins claim, so that none of them is usable."""
        return sorted(name for name, found in self.entries.get(kind, {}).items() if len(found) > 1)

    def entry(self, kind: str, name: str) -> Entry:
        """What is registered under a name. Raises `ValueError` for unknown and ambiguous names."""
        found = self.entries.get(kind, {}).get(name, [])
        if len(found) > 1:
            titles = " and ".join(entry.plugin.title for entry in found)
            raise ValueError(
                f"{kind[:-1].capitalize()} {name!r} is added by both {titles}, so neither is used; "
                "uninstall one, or choose with the environment variable STDE_PLUGINS."
            )
        if not found:
            raise ValueError(unknown_name(kind[:-1], name, self.names(kind)) + self._failures())
        return found[0]

    def _failures(self) -> str:
        failed = [plugin.title for plugin in self.plugins if plugin.error]
        return f" (Failed to load: {', '.join(failed)}; see `stde plugins`.)" if failed else ""

    def _attempt(self, step: Callable[[Plugin], None], plugin: Plugin) -> None:
        try:
            step(plugin)
        except pluggy.PluginValidationError as error:
            culprits = [p for p in self.plugins if p.module is error.plugin]
            self._fail(culprits[0] if culprits else plugin, error)
        except Exception as error:
            self._fail(plugin, error)

    def _fail(self, plugin: Plugin, error: Exception) -> None:
        plugin.error, plugin.adds = describe(error), {}
        if plugin.module is not None and self.manager.is_registered(plugin.module):
            self.manager.unregister(plugin.module)

    def _import(self, plugin: Plugin) -> None:
        plugin.module = plugin.entry_point.load()
        self.manager.register(plugin.module, name=f"{plugin.distribution}:{plugin.name}")

    def _add_hooks(self, plugin: Plugin) -> None:
        if hasattr(plugin.module, "stde_addhooks"):
            plugin.module.stde_addhooks(pluginmanager=self.manager)

    def _check_hooks(self, plugin: Plugin) -> None:
        known = [f"stde_{kind}" for kind in (*self.kinds, *_NOT_KINDS)]
        for name in dir(plugin.module):
            implementation = getattr(getattr(plugin.module, name), "stde_impl", None)
            if isinstance(implementation, dict) and name not in known:
                raise ValueError(unknown_name("hook", name, known))

    def _collect(self, plugin: Plugin) -> None:
        collected: dict[str, dict[str, Any]] = {}
        for kind in self.kinds:
            for implementation in self._hook(kind).get_hookimpls():
                if implementation.plugin is plugin.module:
                    collected[kind] = _checked(f"stde_{kind}", implementation.function())
        for kind, additions in collected.items():
            plugin.adds[kind] = sorted(additions)
            for name, target in additions.items():
                found = self.entries.setdefault(kind, {}).setdefault(name, [])
                found.append(Entry(name, plugin, target))

    def _hook(self, kind: str) -> Any:
        return getattr(self.manager.hook, f"stde_{kind}")


def _checked(hook: str, additions: Any) -> dict[str, Any]:
    if not isinstance(additions, dict) or not all(
        isinstance(name, str) and (isinstance(target, str) or callable(target))
        for name, target in additions.items()
    ):
        raise TypeError(
            f"`{hook}` must return a dict of names to classes, factories or 'module:name', got {additions!r}"
        )
    return additions


def _discover() -> Iterator[Plugin]:
    """Every entry point of the group once, by distribution and name; the built-ins first."""
    found: dict[tuple[str, str], Plugin] = {}
    for distribution in distributions():
        for entry_point in distribution.entry_points:
            if entry_point.group == _GROUP:
                name = _name(distribution)
                plugin = Plugin(entry_point.name, name, distribution.version, entry_point)
                found.setdefault((name, entry_point.name), plugin)
    yield from sorted(found.values(), key=lambda p: (p.distribution != _BUILTIN, p.distribution, p.name))


def _name(distribution: Distribution) -> str:
    return distribution.metadata["Name"] or "unknown"


def _is_wanted(plugin: Plugin) -> bool:
    wanted = os.environ.get("STDE_PLUGINS")
    if wanted is None or plugin.distribution == _BUILTIN:
        return True
    names = [name.strip() for name in wanted.split(",")]
    return plugin.name in names or plugin.distribution in names


def describe(error: BaseException) -> str:
    """An exception in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


@functools.cache
def registry() -> Registry:
    """The plugins of this process, loaded at the first look-up."""
    return Registry()


def get_operator(name: str, /, **fields: Any) -> Any:
    """An operator by its registered name, built with the given fields."""
    return registry().entry("operators", name).load()(**fields)


def get_sampler(name: str, /, **fields: Any) -> Any:
    """A tangent sampler by its registered name, built with the given fields."""
    return registry().entry("samplers", name).load()(**fields)


def get_estimator(name: str, /, **fields: Any) -> Any:
    """An estimator by its registered name: `get_estimator("stde", num_samples=16)`."""
    return registry().entry("estimators", name).load()(**fields)
