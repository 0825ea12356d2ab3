"""What plugins add, looked up by name.

Plugins are loaded at the first look-up, one at a time, so that a broken one breaks nothing else.
"""

import functools
import inspect
import pkgutil
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pluggy

from ._registry import Plugin as Plugin
from ._registry import _discovery, _hookspecs
from ._registry import how_to_switch_off as how_to_switch_off
from .checks import unknown_name


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
        try:
            loaded = pkgutil.resolve_name(self.target)
            if not callable(loaded):
                raise TypeError(f"got {loaded!r}, neither a class nor a function")
        except (Exception, SystemExit) as error:
            raise ImportError(
                f"{self.name!r} of plugin {self.plugin.title} cannot be loaded from "
                f"{self.target!r}: {describe(error)}."
            ) from error
        return loaded


class Registry:
    """All plugins of the environment and what they add.

    `plugins` are those that `STDE_PLUGINS` lets in, failed ones included; `switched_off` the
    others; `unmatched` the names in it that mean none.
    """

    def __init__(self) -> None:
        self.manager = pluggy.PluginManager("stde")
        self.manager.add_hookspecs(_hookspecs)
        found, names = _discovery.discover(), _discovery.allowed()
        self.plugins = [plugin for plugin in found if _discovery.is_allowed(plugin, names)]
        self.switched_off = [plugin for plugin in found if not _discovery.is_allowed(plugin, names)]
        self.unmatched = [n for n in names or () if not any(plugin.answers_to(n) for plugin in found)]
        self.entries: dict[str, dict[str, list[Entry]]] = {}
        # All specifications are in place before the first plugin is validated against them.
        for step in (self._import, self._register, self._collect):
            for plugin in self.plugins:
                if plugin.error is None:
                    self._attempt(step, plugin)

    @property
    def kinds(self) -> list[str]:
        """What can be added: operators, samplers, estimators, commands, and plugins' own kinds."""
        hooks = dict.fromkeys([*vars(_hookspecs), *vars(self.manager.hook)])
        names = [name.removeprefix("stde_") for name in hooks if name.startswith("stde_")]
        return [kind for kind in names if (spec := self._hook(kind).spec) and not spec.argnames]

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
            *others, last = (entry.plugin.title for entry in found)
            raise ValueError(
                f"{kind[:-1].capitalize()} {name!r} is added by {', '.join(others)} and {last}, so none of "
                "them is used; uninstall one, or choose with the environment variable STDE_PLUGINS."
            )
        if not found:
            raise ValueError(unknown_name(kind[:-1], name, self.names(kind)) + self._absent())
        return found[0]

    def failures(self) -> list[str]:
        """A sentence for each plugin that failed: which, why, and how to switch it off."""
        return [
            f"Plugin {p.title} failed and is left out ({how_to_switch_off(p, self.plugins)}): {p.error}"
            for p in self.plugins
            if p.error
        ]

    def _absent(self) -> str:
        """Where an unknown name may come from."""
        failed = ", ".join(plugin.title for plugin in self.plugins if plugin.error)
        off = ", ".join(plugin.title for plugin in self.switched_off)
        said = f" (Failed to load: {failed}; see `stde plugins`.)" if failed else ""
        return said + (f" (Switched off by STDE_PLUGINS: {off}.)" if off else "")

    def _attempt(self, step: Callable[[Plugin], None], plugin: Plugin) -> None:
        try:
            step(plugin)
        except (Exception, SystemExit) as error:
            plugin.error = describe(error)
            if plugin.module is not None and self.manager.is_registered(plugin.module):
                self.manager.unregister(plugin.module)

    def _import(self, plugin: Plugin) -> None:
        """Imports it, and calls its `stde_addhooks`, if any, by a manager that knows no other plugin."""
        module = plugin.entry_point.load()
        for other in self.plugins:
            if other.module is module:
                raise ValueError(f"{plugin.entry_point.value!r} is already the plugin {other.title}")
        plugin.module = module
        alone = pluggy.PluginManager("stde")
        alone.add_hookspecs(_hookspecs)
        alone.register(plugin.module)
        alone.hook.stde_addhooks(pluginmanager=self.manager)

    def _register(self, plugin: Plugin) -> None:
        """Refuses what pluggy passes over: hooks that nobody calls, and functions without the marker."""
        self.manager.register(plugin.module, name=plugin.title)
        known = [name for name, hook in vars(self.manager.hook).items() if hook.has_spec()]
        for hook in self.manager.get_hookcallers(plugin.module) or ():
            required = [i for i in hook.get_hookimpls() if i.plugin is plugin.module and not i.optionalhook]
            if required and hook.name not in known:
                raise ValueError(unknown_name("hook", hook.name, known))
        for name in known:
            function = getattr(plugin.module, name, None)
            if inspect.isfunction(function) and not {"stde_impl", "stde_spec"} & vars(function).keys():
                raise ValueError(f"`{name}` is not marked as a hook; write `@stde.hookimpl` above it")

    def _collect(self, plugin: Plugin) -> None:
        collected: dict[str, Mapping[str, Any]] = {}
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


def _checked(hook: str, additions: Any) -> Mapping[str, Any]:
    expected = f"`{hook}` must return a dict of names to classes, factories or 'module:attribute'"
    if not isinstance(additions, Mapping):
        raise TypeError(f"{expected}, got {additions!r}")
    for name, target in additions.items():
        is_target = ":" in target if isinstance(target, str) else callable(target)
        if not (isinstance(name, str) and name and is_target):
            raise TypeError(f"{expected}, got {name!r}: {target!r}")
    return additions


def describe(error: BaseException) -> str:
    """An exception in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


@functools.cache
def registry() -> Registry:
    """The plugins of this process, loaded at the first look-up, with a warning for each failure."""
    loaded = Registry()
    for failure in loaded.failures():
        warnings.warn(failure, RuntimeWarning, stacklevel=3)
    return loaded


def get_operator(name: str, /, **fields: Any) -> Any:
    """An operator by its registered name, built with the given fields.

    Raises `ValueError` for unknown names, and `TypeError` for fields that do not exist or are missing.
    """
    return build("operators", name, fields)


def get_sampler(name: str, /, **fields: Any) -> Any:
    """A tangent sampler by its registered name, built with the given fields.

    Raises `ValueError` for unknown names, and `TypeError` for fields that do not exist or are missing.
    """
    return build("samplers", name, fields)


def get_estimator(name: str, /, **fields: Any) -> Any:
    """An estimator by its registered name: `get_estimator("stde", num_samples=16)`.

    Raises `ValueError` for unknown names, and `TypeError` for fields that do not exist or are missing.
    """
    return build("estimators", name, fields)


def build(kind: str, name: str, fields: dict[str, Any]) -> Any:
    """What is registered under a name, called with fields.

    Raises `TypeError` for a name that is no text and for fields that do not fit, `ValueError` for
    names that do not exist.
    """
    if not isinstance(name, str):
        raise TypeError(f"`get_{kind[:-1]}(name)` needs a registered name in quotes, got {name!r}.")
    return construct(registry().entry(kind, name).load(), fields, f"get_{kind[:-1]}({name!r})")


def construct(target: Callable[..., Any], fields: Mapping[str, Any], call: str) -> Any:
    """A class or factory called with fields; `call` names it in messages.

    Raises `TypeError` for fields that do not exist or are missing.
    """
    known = inspect.signature(target).parameters
    if not any(p.kind is p.VAR_KEYWORD for p in known.values()):
        for field in fields:
            if field not in known:
                raise TypeError(f"`{call}`: {unknown_name('field', field, known)}")
    for field, parameter in known.items():
        keyword = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        if keyword and parameter.default is parameter.empty and field not in fields:
            raise TypeError(f"`{call}` needs `{field}`: give `{field}=…`.")
    return target(**fields)
