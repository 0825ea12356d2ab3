"""Arrays back from a file, as Equinox writes them: only those that are expected, whatever the file says."""

from typing import Any, BinaryIO

import equinox as eqx
import jax
import numpy as np


def read_arrays(file: BinaryIO, like: Any) -> Any:
    """The leaves of a tree, in the places of those of `like`, which may be abstract.

    Every array's header is compared with the leaf before anything is read or allocated, and nothing is
    unpickled. Raises `ValueError` for arrays of another shape or dtype, and for what is no array.
    """
    leaves, tree = jax.tree.flatten(like)
    return tree.unflatten([_read(file, leaf) for leaf in leaves])


def _read(file: BinaryIO, like: Any) -> Any:
    if not (eqx.is_array_like(like) or isinstance(like, jax.ShapeDtypeStruct)):
        return like
    start, wanted = file.tell(), _saved_as(like)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("an array is in a format that no run writes")
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    if (shape, dtype) != wanted:
        raise ValueError(f"an array is {dtype}{list(shape)} where {wanted[1]}{list(wanted[0])} is expected")
    file.seek(start)
    return eqx.default_deserialise_filter_spec(file, like)


def _saved_as(like: Any) -> tuple[tuple[int, ...], np.dtype]:
    """The shape and dtype of a leaf in a file, where types such as bfloat16 are known by their size only."""
    array = like if hasattr(like, "dtype") else np.asarray(like)
    return array.shape, np.dtype(np.dtype(array.dtype).str)
