"""The networks that operators are applied to, by the name of their size."""

import re

from jaxtyping import PRNGKeyArray

import stde_core as stde
from stde_pdes.models import MLP, Residual

_WIDTH, _LAYERS = 128, 4
_SIZE = re.compile(r"(L|h)=([1-9]\d{0,4})")
RESIDUAL = "residual-8"


def check_size(size: str) -> None:
    """Raises `ValueError` unless it is "base", "residual-8", "L=…" or "h=…"."""
    if size not in ("base", RESIDUAL) and not _SIZE.fullmatch(size):
        raise ValueError(
            f"`sizes` needs base, {RESIDUAL}, L=NUMBER of layers or h=WIDTH, got {size!r}; for instance L=8."
        )


def describe_size(size: str) -> str:
    """Layers and width, such as `4×128`; layers are counted with the output."""
    layers, width = _shape(size)
    return f"{layers}×{width}"


def network(size: str, inputs: int, *, key: PRNGKeyArray) -> stde.Model:
    """The network of that size, with a scalar output: a tanh MLP, 4×128 at the base, or a residual net."""
    layers, width = _shape(size)
    if size == RESIDUAL:
        return Residual(width, layers - 2, norm=True)(inputs, key=key)
    return MLP(width, layers - 1)(inputs, key=key)


def _shape(size: str) -> tuple[int, int]:
    found = _SIZE.fullmatch(size)
    if found is None:
        return (8 if size == RESIDUAL else _LAYERS), _WIDTH
    number = int(found[2])
    return (number, _WIDTH) if found[1] == "L" else (_LAYERS, number)
