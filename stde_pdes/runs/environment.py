"""What a run is made with: versions, device, precision."""

import os
import platform
import sys
from importlib.metadata import version
from typing import Any

import jax

# Other versions of these give other numbers.
DECISIVE = ("stde", "jax", "jaxlib", "equinox", "optax")
_VERSIONS = (*DECISIVE, "diffrax", "numpy")


def environment() -> dict[str, Any]:
    """Versions, device and precision of this process, and the command that started it."""
    device = jax.devices()[0]
    return {
        "command": sys.argv,
        "versions": {name: version(name) for name in _VERSIONS},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "device": f"{device.platform}:{device.device_kind}",
        "precision": "float64" if jax.config.read("jax_enable_x64") else "float32",
    }


def are_versions(found: Any) -> bool:
    """Whether it is what `environment` says of versions, those that are decisive at least."""
    texts = isinstance(found, dict) and all(isinstance(v, str) and v.isprintable() for v in found.values())
    return texts and found.keys() >= {*DECISIVE}


def check_versions(found: dict[str, str], here: dict[str, str], what: str) -> None:
    """Raises `ValueError` at the first decisive version that differs; `what` was done with those found."""
    for name in DECISIVE:
        if found[name] != here[name]:
            raise ValueError(
                f"{what} with {name} {found[name]}, and here is {here[name]}, whose numbers may differ; "
                "install that version, or start a new run."
            )
