"""The primitives that NumPy has: what `interpreter.py` calls for each, with arrays and parameters."""

from collections.abc import Callable

import numpy as np
from scipy import special


def _dot_general(a, b, *, dimension_numbers, **_):
    """By `matmul`: batch axes first, those that are summed over last and second."""
    (sum_a, sum_b), (batch_a, batch_b) = dimension_numbers
    rows = [i for i in range(a.ndim) if i not in (*sum_a, *batch_a)]
    columns = [i for i in range(b.ndim) if i not in (*sum_b, *batch_b)]
    batch, m, n = ([x.shape[i] for i in axes] for x, axes in ((a, batch_a), (a, rows), (b, columns)))
    size = np.prod([a.shape[i] for i in sum_a], dtype=int)
    left = a.transpose((*batch_a, *rows, *sum_a)).reshape((*batch, np.prod(m, dtype=int), size))
    right = b.transpose((*batch_b, *sum_b, *columns)).reshape((*batch, size, np.prod(n, dtype=int)))
    return (left @ right).reshape((*batch, *m, *n))


def _divide(a, b):
    return (a - np.fmod(a, b)) // b if np.issubdtype(a.dtype, np.integer) else a / b


def _convert(x, *, new_dtype, **_):
    to_real = np.iscomplexobj(x) and not np.issubdtype(new_dtype, np.complexfloating)
    return (x.real if to_real else x).astype(new_dtype)


def _broadcast(x, *, shape, broadcast_dimensions, **_):
    sizes = dict.fromkeys(range(len(shape)), 1) | dict(zip(broadcast_dimensions, x.shape, strict=True))
    return np.broadcast_to(x.reshape(tuple(sizes.values())), shape)


def _iota(*, dtype, shape, dimension, **_):
    return _broadcast(
        np.arange(shape[dimension], dtype=dtype), shape=shape, broadcast_dimensions=(dimension,)
    )


def _slice(x, *, start_indices, limit_indices, strides):
    return x[tuple(map(slice, start_indices, limit_indices, strides or [1] * x.ndim))]


def _dynamic_slice(x, *starts, slice_sizes):
    starts = [min(max(int(i), 0), n - k) for i, n, k in zip(starts, x.shape, slice_sizes, strict=True)]
    return x[tuple(slice(i, i + k) for i, k in zip(starts, slice_sizes, strict=True))]


def _pad(x, value, *, padding_config):
    low, high, between = np.array(padding_config, int).reshape(-1, 3).T
    before, after = np.maximum(low, 0), np.maximum(high, 0)
    padded = np.full(before + x.shape + np.maximum(np.array(x.shape) - 1, 0) * between + after, value)
    padded[tuple(map(slice, before, before + x.shape * (between + 1), between + 1))] = x
    return padded[tuple(map(slice, before - low, padded.shape + high - after))]


def _accumulate(ufunc):
    def rule(x, *, axis, reverse):
        x = np.flip(x, axis) if reverse else x
        return np.flip(ufunc.accumulate(x, axis), axis) if reverse else ufunc.accumulate(x, axis)

    return rule


def _elementwise(function):
    return lambda *inputs, **_: function(*inputs)


def _reduction(function):
    return lambda x, *, axes, **_: function(x, axis=tuple(axes))


# What is called otherwise by NumPy stands behind a colon.
ELEMENTWISE = """
sin cos tan sinh cosh tanh asin acos atan asinh acosh atanh atan2 exp exp2 expm1 log log1p sqrt cbrt
abs square floor ceil sign real imag conj pow
add add_jaxvals:add sub:subtract mul:multiply neg:negative rem:fmod max:maximum min:minimum is_finite:isfinite
eq:equal ne:not_equal lt:less le:less_equal gt:greater ge:greater_equal
and:bitwise_and or:bitwise_or xor:bitwise_xor not:invert
shift_left:left_shift shift_right_logical:right_shift copy:asarray copy_p:asarray
"""
RULES: dict[str, Callable] = {}
for _word in ELEMENTWISE.split():
    _name, _, _other = _word.partition(":")
    RULES[_name] = _elementwise(getattr(np, _other or _name))
RULES |= {
    "div": _elementwise(_divide),
    "erf": _elementwise(special.erf),
    "erfc": _elementwise(special.erfc),
    "erf_inv": _elementwise(special.erfinv),
    "rsqrt": _elementwise(lambda x: 1 / np.sqrt(x)),
    "logistic": _elementwise(lambda x: 1 / (1 + np.exp(-x))),
    "clamp": _elementwise(lambda low, x, high: np.minimum(np.maximum(x, low), high)),
    "complex": _elementwise(lambda re, im: re + 1j * im),
    "integer_pow": lambda x, *, y: x**y,
    "select_n": lambda which, *cases: np.choose(which.astype(int), cases),
    "convert_element_type": _convert,
    "bitcast_convert_type": lambda x, *, new_dtype, **_: x.view(new_dtype),
    "dot_general": _dot_general,
    "reshape": lambda x, *, new_sizes, **_: x.reshape(new_sizes),
    "transpose": lambda x, *, permutation: x.transpose(permutation),
    "squeeze": lambda x, *, dimensions: x.squeeze(tuple(dimensions)),
    "rev": lambda x, *, dimensions: np.flip(x, dimensions),
    "concatenate": lambda *parts, dimension: np.concatenate(parts, dimension),
    "stack": lambda *parts, axis: np.stack(parts, axis),
    "tile": lambda x, *, reps: np.tile(x, reps),
    "split": lambda x, *, sizes, axis: np.split(x, np.cumsum(sizes)[:-1], axis),
    "pad": _pad,
    "broadcast_in_dim": _broadcast,
    "iota": _iota,
    "slice": _slice,
    "dynamic_slice": _dynamic_slice,
    "reduce_sum": _reduction(np.sum),
    "reduce_prod": _reduction(np.prod),
    "reduce_max": _reduction(np.max),
    "reduce_min": _reduction(np.min),
    "reduce_and": _reduction(np.bitwise_and.reduce),
    "reduce_or": _reduction(np.bitwise_or.reduce),
    "cumsum": _accumulate(np.add),
    "cumprod": _accumulate(np.multiply),
    "cummax": _accumulate(np.maximum),
    "cummin": _accumulate(np.minimum),
}
