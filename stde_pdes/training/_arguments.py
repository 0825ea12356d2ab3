"""What `train` and `hold_out` are called with."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

import stde_core as stde
from stde_core.checks import in_short, noted

from .._problem import AbstractProblem
from ..models import AbstractNetwork


def check_kinds(call: str, given: Mapping[str, tuple[Any, type]]) -> None:
    """Raises `TypeError` for the first argument that is not of its kind."""
    for name, (value, kind) in given.items():
        if not isinstance(value, kind):
            article = "an" if kind.__name__[0] in "AEIOU" else "a"
            raise TypeError(f"`{call}({name})` needs {article} `{kind.__name__}`, got {in_short(value)}.")


def check_network(problem: AbstractProblem, network: Any) -> None:
    """Raises `TypeError` or `ValueError` for what is no network of the problem's features."""
    if isinstance(network, AbstractNetwork):
        raise TypeError(
            f"`train(network)` needs a network, got the blueprint {in_short(network)}; build it by "
            "`blueprint(problem.num_features, key=key)`."
        )
    if not callable(network):
        raise TypeError(
            f"`train(network)` needs a callable from [features] to a scalar, got {in_short(network)}."
        )
    features = jax.ShapeDtypeStruct((problem.num_features,), jnp.result_type(float))
    with noted(
        f"`train(network)` calls the network with the {problem.num_features} features of the problem."
    ):
        output = eqx.filter_eval_shape(lambda network, x: network(x), network, features)
    if jnp.shape(output) != ():
        raise ValueError(
            f"`train(network)` needs a network with a scalar output, got shape {jnp.shape(output)}."
        )


def check_points(problem: AbstractProblem, points: Any) -> None:
    """Raises `ValueError` for test points of another number of inputs."""
    if points.shape[1] != problem.num_inputs:
        raise ValueError(
            f"`train(held_out)` has points of {points.shape[1]} inputs, and the problem has "
            f"{problem.num_inputs}; make it by `hold_out(problem, num_points)`."
        )


def check_call(call: str, key: Any, **functions: Any) -> None:
    """Raises `TypeError` or `ValueError` for what is no key, or no function."""
    stde.check_key(f"{call}(key)", key)
    for name, function in functions.items():
        if not callable(function):
            raise TypeError(f"`{call}({name})` needs a function, got {in_short(function)}.")
