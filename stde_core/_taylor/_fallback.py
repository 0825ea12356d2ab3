"""The fallback: any differentiable primitive, by its own derivative rule.

The Euler operator `θ = Σ_m s_m ∂/∂s_m` multiplies a coefficient of degree k by k, and the chain rule gives
`θy = Df(x) θx`. So the coefficients of y follow from the first derivative of f alone, degree by degree
(Griewank and Walther, *Evaluating Derivatives*, 2008, chapter 13, for one variable).
"""

import contextlib
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import JaxprEqn, Primitive
from jaxtyping import Array

from ._arithmetic import Coefficient, dense, scale, total, weigh
from ._interpreter import propagate
from ._polynomial import Constant, Polynomial, Value, coefficients, polynomial, primal
from ._rules import OTHERS, bind, output_avals, rule
from ._truncation import Expansion, Key, MultiIndex
from ._versions import opened


@rule(
    *"""
    atan2 bessel_i0e bessel_i1e cholesky cumlogsumexp cumprod custom_jvp_call digamma eig
    eigh erf_inv householder_product igamma igamma_grad_a igammac lgamma logsumexp lu polygamma qr
    random_gamma_grad reduce_prod regularized_incomplete_beta schur svd tridiagonal_solve zeta
    """.split()  # noqa: SIM905
)
def linearized(
    expansion: Expansion, eqn: JaxprEqn, inputs: list[Value], wanted: Sequence[bool]
) -> Sequence[Any]:
    """`y = f(x(s))` from `θy = Df(x(s)) θx`, where `θ s^α = |α| s^α` and θx has no constant term.

    So the derivative rule of f, custom or not, is needed to one degree less than y, and f itself
    only at the primal. The sums of maximal coefficients go through the derivative there.
    """
    moving = {i: v for i, v in enumerate(inputs) if isinstance(v, Polynomial)}
    images = _by_degrees(expansion.uncollapsed, eqn, inputs, moving) if _has_indices(moving) else {}
    outputs: list[Any] = list(bind(eqn, *map(primal, inputs)))
    sums: dict[int, dict[Any, Coefficient]] = {}
    for key in expansion.truncation.sums:
        tangents = {i: coefficients(v)[key] for i, v in moving.items() if key in coefficients(v)}
        for i, c in (derivative(eqn, inputs, tangents) if tangents else {}).items():
            sums.setdefault(i, {})[key] = c
    for i in {*images, *sums}:
        outputs[i] = _collect(expansion, outputs[i], images.get(i, {}), sums.get(i, {}))
    return outputs


def derivative(
    eqn: JaxprEqn, inputs: Sequence[Value], tangents: Mapping[int, Coefficient]
) -> dict[int, Coefficient]:
    """The derivative at the primals, for samples of tangents of some inputs; of smooth outputs."""
    function, smooth = _function(eqn, inputs, list(tangents))
    points = tuple(primal(inputs[i]) for i in tangents)

    def one(*directions: Array) -> list[Any]:
        return jax.jvp(function, points, directions)[1]

    with _naming(eqn):
        images = jax.vmap(one)(*map(dense, tangents.values()))
    return dict(zip(smooth, images, strict=True))


def _function(
    eqn: JaxprEqn, inputs: Sequence[Value], positions: Sequence[int]
) -> tuple[Callable[..., list[Any]], list[int]]:
    """The smooth outputs as a function of the inputs at `positions`, and which outputs they are."""
    smooth = [i for i, aval in enumerate(output_avals(eqn)) if jnp.issubdtype(aval.dtype, jnp.inexact)]

    def function(*args: Array) -> list[Any]:
        values = [primal(value) for value in inputs]
        for i, arg in zip(positions, args, strict=True):
            values[i] = arg
        outputs = bind(eqn, *values)
        return [outputs[i] for i in smooth]

    return function, smooth


def _has_indices(moving: Mapping[int, Polynomial]) -> bool:
    return any(isinstance(key, MultiIndex) for v in moving.values() for key in v.coefficients)


def _by_degrees(
    expansion: Expansion, eqn: JaxprEqn, inputs: Sequence[Value], moving: Mapping[int, Polynomial]
) -> dict[int, dict[Key, Coefficient]]:
    """The coefficients of each smooth output, none of them summed."""
    function, smooth = _function(eqn, inputs, list(moving))
    points = [v.primal for v in moving.values()]
    structure: list[Any] = []

    def held(*args: Array) -> list[Any]:
        """The residuals of the derivative: all that it needs of the point where it is taken."""
        leaves, tree = jax.tree.flatten(jax.linearize(function, *args)[1])
        structure.append(tree)
        return leaves

    with _naming(eqn):
        nonlinear = jax.make_jaxpr(held)(*points)
    below = [
        polynomial(v.primal, v.kept(expansion.truncation.lower.indices).coefficients) for v in moving.values()
    ]
    memory = propagate(expansion.lower, *opened(nonlinear), below)

    def apply(leaves: list[Array], tangents: list[Array]) -> list[Array]:
        return jax.tree.unflatten(structure[-1], leaves)(*tangents)

    linear = jax.make_jaxpr(apply)([primal(m) for m in memory], points)
    recurs = any(inner.primitive is eqn.primitive for inner in opened(linear)[0].eqns)
    if recurs and not any(isinstance(m, Polynomial) for m in memory):
        return _by_one_derivative(expansion, eqn, inputs, moving)
    tangents = [_euler(expansion, v) for v in moving.values()]
    with _not_for_ever(eqn):
        images = propagate(expansion, *opened(linear), [*memory, *tangents])
    return {
        i: {c: scale(image, 1 / expansion.truncation.degrees[c]) for c, image in coefficients(y).items()}
        for i, y in zip(smooth, images, strict=True)
    }


def _by_one_derivative(
    expansion: Expansion, eqn: JaxprEqn, inputs: Sequence[Value], moving: Mapping[int, Polynomial]
) -> dict[int, dict[Key, Coefficient]]:
    """The same where the derivative does not depend on the formal variables: every coefficient through it."""
    images: dict[int, dict[Key, Coefficient]] = defaultdict(dict)
    for c in expansion.truncation.indices:
        tangents = {i: v.coefficients[c] for i, v in moving.items() if c in v.coefficients}
        for i, image in (derivative(eqn, inputs, tangents) if tangents else {}).items():
            images[i][c] = image
    return images


def _euler(expansion: Expansion, value: Polynomial) -> Value:
    """θx: each coefficient times its degree."""
    terms: dict[Key, Coefficient | None] = {
        c: scale(value.coefficients[c], c.degree)
        for c in expansion.truncation.indices
        if c in value.coefficients
    }
    return polynomial(jnp.zeros_like(value.primal), terms, vanishes=True)


# A derivative rule may use its own primitive again, with parameters that come to an end. Those of
# JAX and Equinox do so once at most; none that ends goes so deep.
_DEEPEST = 16
_above: ContextVar[tuple[Primitive, ...]] = ContextVar("primitives above", default=())


@contextlib.contextmanager
def _not_for_ever(eqn: JaxprEqn) -> Iterator[None]:
    """Raises where the derivative of a primitive leads back to the primitive, again and again."""
    above = _above.get()
    if above.count(eqn.primitive) == _DEEPEST:
        raise NotImplementedError(
            f"The derivative of the primitive `{eqn.primitive.name}`, which the model uses, is written with "
            f"`{eqn.primitive.name}` again, so that no end of differentiating it comes; give it a rule by "
            "`stde.taylor_rule`."
        )
    token = _above.set((*above, eqn.primitive))
    try:
        yield
    finally:
        _above.reset(token)


@contextlib.contextmanager
def _naming(eqn: JaxprEqn) -> Iterator[None]:
    """Errors of JAX where a primitive has no derivative, with its name and what to do."""
    try:
        yield
    except (NotImplementedError, ValueError, TypeError) as error:
        raise NotImplementedError(
            f"The model uses the primitive `{eqn.primitive.name}`, which JAX cannot differentiate forward; "
            "write that part of the model with other functions, or give it a rule by `stde.taylor_rule`. "
            f"({str(error).partition(chr(10))[0]})"
        ) from error


def _collect(
    expansion: Expansion, constant: Constant, images: Mapping[Any, Coefficient], sums: Mapping[Any, Any]
) -> Value:
    """Single coefficients as they are; maximal ones weighed and added to what came through the derivative."""
    truncation = expansion.truncation
    terms: dict[Any, Coefficient | None] = {i: images[i] for i in truncation.indices if i in images}
    for key in truncation.sums:
        found = [(images[i], weights) for i, weights in expansion.summands(key) if i in images]
        weighed = [weigh(c, weights, expansion.over_samples(key)) for c, weights in found]
        terms[key] = total([*weighed, sums.get(key)])
    return polynomial(constant, terms)


_warned: set[str] = set()


@rule(OTHERS)
def _without_rule(
    expansion: Expansion, eqn: JaxprEqn, inputs: list[Value], wanted: Sequence[bool]
) -> Sequence[Any]:
    outputs, name = linearized(expansion, eqn, inputs, wanted), eqn.primitive.name
    if name not in _warned:
        _warned.add(name)
        warnings.warn(
            f"The Taylor engine has no rule for the primitive `{name}`: it is differentiated by its own rule "
            "as often as needed, which is right but slower; `stde.taylor_rule` gives it one.",
            stacklevel=2,
        )
    return outputs
