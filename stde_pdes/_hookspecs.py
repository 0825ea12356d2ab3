"""The hook through which plugins add PDE problems."""

from collections.abc import Callable, Mapping
from typing import Any

import stde_core as stde


@stde.hookspec
def stde_problems() -> Mapping[str, Callable[..., Any] | str]:  # pyright: ignore[reportReturnType]
    """Problems by name: classes or factories of `AbstractProblem`, or "module:name".

    Their parameters become `-p name=value` of `stde solve`; one called `dim` becomes `--dim`.
    """
