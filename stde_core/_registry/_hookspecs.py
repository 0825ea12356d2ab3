"""The hooks through which plugins add to stde.

Each returns a dict of names to what they mean: a class, a factory, or `"module:attribute"`, which
is imported when the name is used. The first line of its docstring is what `stde list` says of it.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import pluggy

hookspec = pluggy.HookspecMarker("stde")
hookimpl = pluggy.HookimplMarker("stde")

Additions: TypeAlias = Mapping[str, Callable[..., Any] | str]


@hookspec
def stde_operators() -> Additions:  # pyright: ignore[reportReturnType]
    """Operators by name: classes or factories of `AbstractOperator`."""


@hookspec
def stde_samplers() -> Additions:  # pyright: ignore[reportReturnType]
    """Tangent samplers by name: classes or factories of `AbstractTangentSampler`."""


@hookspec
def stde_estimators() -> Additions:  # pyright: ignore[reportReturnType]
    """Estimators by name: classes or factories of `AbstractEstimator`."""


@hookspec
def stde_commands() -> Additions:  # pyright: ignore[reportReturnType]
    """Subcommands of `stde` by name: click commands, best as strings, since few calls need them."""


@hookspec
def stde_addhooks(pluginmanager: pluggy.PluginManager) -> None:
    """Adds hook specifications, `pluginmanager.add_hookspecs(module)`.

    A hook `stde_<kind>s` without arguments becomes a kind of its own in `stde list`. Whoever
    implements it, without needing this plugin, marks that `@stde.hookimpl(optionalhook=True)`.
    """
