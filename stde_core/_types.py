"""The shapes and types that every interface speaks of."""

from collections.abc import Callable
from typing import Any, TypeAlias

from jaxtyping import Array, Float, Inexact

Point: TypeAlias = Float[Array, " dim"]
Value: TypeAlias = Inexact[Array, "..."]
Model: TypeAlias = Callable[..., Any]
