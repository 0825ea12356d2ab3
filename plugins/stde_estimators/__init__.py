"""The estimators of stde: one file, one plugin each."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .exact import Exact as Exact
    from .forward_laplacian import ForwardLaplacian as ForwardLaplacian
    from .hutchinson import Hutchinson as Hutchinson
    from .sdgd import SDGD as SDGD
    from .stde import STDE as STDE

__all__ = ["SDGD", "STDE", "Exact", "ForwardLaplacian", "Hutchinson"]

_HOMES = {
    "Exact": "exact",
    "ForwardLaplacian": "forward_laplacian",
    "Hutchinson": "hutchinson",
    "SDGD": "sdgd",
    "STDE": "stde",
}


def __getattr__(name: str) -> Any:
    # Imported on first use: a plugin whose file is missing, or fails, leaves the others working.
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
