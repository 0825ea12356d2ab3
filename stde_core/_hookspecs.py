"""The hooks through which plugins add to stde. Each returns `{name: class, factory or "module:name"}`."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import pluggy

if TYPE_CHECKING:
    import click

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
def stde_commands() -> "Mapping[str, click.Command | str]":  # pyright: ignore[reportReturnType]
    """Subcommands of `stde` by name: click commands."""


@hookspec
def stde_addhooks(pluginmanager: pluggy.PluginManager) -> None:
    """Adds hook specifications, `pluginmanager.add_hookspecs(module)`.

    A hook `stde_<kind>s` without arguments becomes a kind of its own in `stde list`.
    """
