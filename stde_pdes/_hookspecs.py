"""The hooks through which plugins add PDE problems, networks to solve them, and loggers of runs."""

from collections.abc import Callable, Mapping
from typing import Any

import stde_core as stde


@stde.hookspec
def stde_problems() -> Mapping[str, Callable[..., Any] | str]:  # pyright: ignore[reportReturnType]
    """Problems by name: functions that return a `Problem`, or "module:name".

    Their parameters become `-p name=value` of `stde solve`; one called `dim` becomes `--dim`.
    """


@stde.hookspec
def stde_networks() -> Mapping[str, Callable[..., Any] | str]:  # pyright: ignore[reportReturnType]
    """Blueprints of networks by name: classes or factories of `AbstractNetwork`, or "module:name".

    `stde solve --model NAME` takes them; their fields become `-m name=value`.
    """


@stde.hookspec
def stde_loggers() -> Mapping[str, Callable[..., Any] | str]:  # pyright: ignore[reportReturnType]
    """Loggers by name: classes or factories of `AbstractLogger`, or "module:name".

    They are built without arguments; `stde solve --log NAME` feeds them the metrics of a run.
    """


@stde.hookspec
def stde_stages() -> Mapping[str, Callable[..., Any] | str]:  # pyright: ignore[reportReturnType]
    """Stages of a training by name: classes of `AbstractStage`, or "module:name".

    `stde solve -t NAME=on` adds one, with underscores for hyphens; their fields become `-t NAME.field=value`.
    """


@stde.hookspec
def stde_weightings() -> Mapping[str, Callable[..., Any] | str]:  # pyright: ignore[reportReturnType]
    """Weightings of a loss by name: classes of `AbstractWeighting`, or "module:name".

    `stde solve -t NAME=on` adds one, with underscores for hyphens; their fields become `-t NAME.field=value`.
    """
