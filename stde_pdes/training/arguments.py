"""What `train` and `hold_out` are called with."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import stde_core as stde
from stde_core.checks import in_short, noted

from ..conditions import AbstractCondition, Data, place_of
from ..networks import AbstractNetwork
from ..problem import Problem


def check_kinds(call: str, given: Mapping[str, tuple[Any, type]]) -> None:
    """Raises `TypeError` for the first argument that is not of its kind."""
    for name, (value, kind) in given.items():
        if not isinstance(value, kind):
            article = "an" if kind.__name__[0] in "AEIOU" else "a"
            raise TypeError(f"`{call}({name})` needs {article} `{kind.__name__}`, got {in_short(value)}.")


def check_network(problem: Problem, network: Any) -> None:
    """Raises `TypeError` or `ValueError` for what is no network of the problem's features."""
    if isinstance(network, AbstractNetwork):
        raise TypeError(
            f"`train(network)` needs a network, got the blueprint {in_short(network)}; build it by "
            "`blueprint(problem.num_features, key=key)`."
        )
    if not callable(network):
        raise TypeError(
            f"`train(network)` needs a callable of one array `[features]`, got {in_short(network)}."
        )
    features = jax.ShapeDtypeStruct((problem.num_features,), jnp.result_type(float))
    with noted(
        f"`train(network)` calls the network with the {problem.num_features} features of the problem."
    ):
        output = eqx.filter_eval_shape(lambda network, x: network(x), network, features)
    if jnp.shape(output) != problem.output_shape:
        expected = f"of shape {problem.output_shape}" if problem.output_shape else "with a scalar output"
        raise ValueError(f"`train(network)` needs a network {expected}, got shape {jnp.shape(output)}.")


def check_points(problem: Problem, points: Any) -> None:
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


def check_residuals(problem: Problem, estimator: stde.AbstractEstimator) -> None:
    """Traces the residual of each condition at one point.

    Raises `ValueError`, with the line of the user's function, for one that raises, that gives no array of
    numbers, or whose right-hand side has another shape.
    """
    for condition in problem.conditions:
        what = f"The residual of the condition {condition.name!r}"
        try:
            rows = _shape_of_rows(problem, condition, estimator)
        except Exception as error:
            where, reason = place_of(condition.residual, error), " ".join(str(error).split())
            raise ValueError(f"{what}{where} raises {type(error).__name__}: {reason}") from error
        if rows is None:
            raise ValueError(f"{what}{place_of(condition.residual)} needs to return a scalar or an array.")
        right = _num_right(condition, problem)
        if right not in (None, 1, rows):
            raise ValueError(
                f"{what}{place_of(condition.residual)} has {rows} entries at a point, and what is "
                f"subtracted from it {right}; give them as many."
            )


def _shape_of_rows(problem: Problem, condition: AbstractCondition, estimator: Any) -> int | None:
    x = jax.ShapeDtypeStruct((problem.num_inputs,), jnp.result_type(float))
    u = jax.ShapeDtypeStruct(problem.output_shape, x.dtype)
    parameters = {name: jnp.asarray(value, float) for name, value in problem.parameters.items()}

    def values(x: Any, parameters: Any) -> Any:
        operators = condition.operators_at(parameters)
        if operators is None:
            return None
        model = lambda x: jnp.zeros(u.shape, x.dtype) + 0 * jnp.sum(x)  # noqa: E731
        return stde.estimate(
            operators, model, x, estimator, key=jax.random.key(0), standard_error=False
        ).value

    def rows(x: Any, u: Any, parameters: Any) -> Any:
        extra = (parameters,) if parameters else ()
        return condition.residual(x, u, values(x, parameters), *extra)

    found = jax.eval_shape(lambda *args: _as_array(rows(*args)), x, u, parameters)
    return None if found is None else int(np.prod(found.shape))


def _as_array(found: Any) -> Any:
    """An array, or None for what is none: a tuple, a text, nothing."""
    single = not isinstance(found, str | tuple | list | dict) and found is not None
    return jnp.asarray(found) if single else None


def _num_right(condition: AbstractCondition, problem: Problem) -> int | None:
    """How many numbers a condition has on its right-hand side; None for no right-hand side."""
    if isinstance(condition, Data):
        return condition.values.shape[1]
    if condition.source is None:
        return None
    x = jax.ShapeDtypeStruct((problem.num_inputs,), jnp.result_type(float))
    return int(np.prod(jnp.shape(jax.eval_shape(condition.source, x))))
