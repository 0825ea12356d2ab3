"""The fallback: any differentiable primitive, by its own derivative rule.

The Euler operator `θ = Σ_m s_m ∂/∂s_m` multiplies a coefficient of degree k by k, and the chain rule gives
`θy = Df(x) θx`. The coefficients of y therefore follow from the first derivative of f, degree by degree.
For one variable and one f at a time this is how Griewank and Walther, *Evaluating Derivatives* (2nd ed.,
2008), chapter 13, derive the rules of nonlinear functions.
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

from ._arithmetic import TaylorCoefficient, dense, scale, total, weigh
from ._interpreter import propagate
from ._polynomial import Coefficients, Constant, Polynomial, Value, coefficients, polynomial, primal
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
    """`y = f(x(s))` from `θy = Df(x(s)) θx`.

    θx has no constant term, so Df is needed to one degree less than y, and f itself only at the primal.
    A collapsed sum goes through Df at the primal, since y is linear in maximal coefficients.
    """
    active = {i: v for i, v in enumerate(inputs) if isinstance(v, Polynomial)}
    single = any(isinstance(key, MultiIndex) for v in active.values() for key in v.coefficients)
    images = _by_degrees(expansion.uncollapsed, eqn, inputs, active) if single else {}
    outputs: list[Any] = list(bind(eqn, *map(primal, inputs)))
    sums: dict[int, dict[Key, TaylorCoefficient]] = defaultdict(dict)
    for key in expansion.truncation.sums:
        for i, c in _image(eqn, inputs, active, key).items():
            sums[i][key] = c
    for i in {*images, *sums}:
        outputs[i] = _collect(expansion, outputs[i], images.get(i, {}), sums.get(i, {}))
    return outputs


def derivative(
    eqn: JaxprEqn, inputs: Sequence[Value], tangents: Mapping[int, TaylorCoefficient]
) -> dict[int, TaylorCoefficient]:
    """The derivative at the primals, for samples of tangents of some inputs; of inexact outputs."""
    function, inexact = _function(eqn, inputs, list(tangents))
    points = tuple(primal(inputs[i]) for i in tangents)

    def one(*directions: Array) -> list[Any]:
        return jax.jvp(function, points, directions)[1]

    with _derivative_errors(eqn):
        images = jax.vmap(one)(*map(dense, tangents.values()))
    return dict(zip(inexact, images, strict=True))


def _image(
    eqn: JaxprEqn, inputs: Sequence[Value], active: Mapping[int, Polynomial], key: Key
) -> dict[int, TaylorCoefficient]:
    """The coefficients of one key through the derivative at the primals."""
    tangents = {i: v.coefficients[key] for i, v in active.items() if key in v.coefficients}
    return derivative(eqn, inputs, tangents) if tangents else {}


def _function(
    eqn: JaxprEqn, inputs: Sequence[Value], positions: Sequence[int]
) -> tuple[Callable[..., list[Any]], list[int]]:
    """The inexact outputs as a function of the inputs at `positions`, and the numbers of these outputs."""
    inexact = [i for i, aval in enumerate(output_avals(eqn)) if jnp.issubdtype(aval.dtype, jnp.inexact)]

    def function(*args: Array) -> list[Any]:
        values = [primal(value) for value in inputs]
        for i, arg in zip(positions, args, strict=True):
            values[i] = arg
        outputs = bind(eqn, *values)
        return [outputs[i] for i in inexact]

    return function, inexact


def _by_degrees(
    expansion: Expansion, eqn: JaxprEqn, inputs: Sequence[Value], active: Mapping[int, Polynomial]
) -> dict[int, Coefficients]:
    """The coefficients of each inexact output, for an expansion without collapsed sums."""
    function, inexact = _function(eqn, inputs, list(active))
    points = [v.primal for v in active.values()]
    structure: list[Any] = []

    # `jax.linearize` splits Df into residuals, which depend on the point, and a function that is linear in
    # the tangents. Each half becomes a jaxpr that the interpreter takes through.
    def residuals_at(*args: Array) -> list[Any]:
        leaves, tree = jax.tree.flatten(jax.linearize(function, *args)[1])
        structure.append(tree)
        return leaves

    with _derivative_errors(eqn):
        nonlinear = jax.make_jaxpr(residuals_at)(*points)
    lower = expansion.truncation.lower.indices
    below = [polynomial(v.primal, v.kept(lower).coefficients) for v in active.values()]
    residuals = propagate(expansion.lower, *opened(nonlinear), below)

    def apply(leaves: list[Array], tangents: list[Array]) -> list[Array]:
        return jax.tree.unflatten(structure[-1], leaves)(*tangents)

    linear = jax.make_jaxpr(apply)([primal(r) for r in residuals], points)
    recurs = any(inner.primitive is eqn.primitive for inner in opened(linear)[0].eqns)
    if recurs and not any(isinstance(r, Polynomial) for r in residuals):
        # A linear primitive is its own derivative: without this, it would lead back here for ever.
        return _by_one_derivative(expansion, eqn, inputs, active)
    tangents = [_euler(expansion, v) for v in active.values()]
    with _bounded_recursion(eqn):
        images = propagate(expansion, *opened(linear), [*residuals, *tangents])
    return {
        i: {key: scale(c, 1 / expansion.truncation.degrees[key]) for key, c in coefficients(y).items()}
        for i, y in zip(inexact, images, strict=True)
    }


def _by_one_derivative(
    expansion: Expansion, eqn: JaxprEqn, inputs: Sequence[Value], active: Mapping[int, Polynomial]
) -> dict[int, Coefficients]:
    """The same where the derivative is constant: every coefficient goes through it."""
    images: dict[int, dict[Key, TaylorCoefficient]] = defaultdict(dict)
    for key in expansion.truncation.indices:
        for i, c in _image(eqn, inputs, active, key).items():
            images[i][key] = c
    return dict(images)


def _euler(expansion: Expansion, value: Polynomial) -> Value:
    """θx: each coefficient times its degree."""
    indices = [index for index in expansion.truncation.indices if index in value.coefficients]
    terms: dict[Key, TaylorCoefficient | None] = {
        index: scale(value.coefficients[index], index.degree) for index in indices
    }
    return polynomial(jnp.zeros_like(value.primal), terms, vanishes=True)


# A derivative rule may use its own primitive again, with parameters that come to an end. Those of
# JAX and Equinox do so at most once, so 16 levels mean a rule that never ends.
_MAX_DEPTH = 16
_enclosing: ContextVar[tuple[Primitive, ...]] = ContextVar("primitives being differentiated", default=())


@contextlib.contextmanager
def _bounded_recursion(eqn: JaxprEqn) -> Iterator[None]:
    """Raises where the derivative of a primitive leads back to the primitive without end."""
    enclosing = _enclosing.get()
    if enclosing.count(eqn.primitive) == _MAX_DEPTH:
        raise NotImplementedError(
            f"The derivative of the primitive `{eqn.primitive.name}`, which the model uses, is written with "
            f"`{eqn.primitive.name}` again, so that no end of differentiating it comes; give it a rule by "
            "`stde.taylor_rule`."
        )
    token = _enclosing.set((*enclosing, eqn.primitive))
    try:
        yield
    finally:
        _enclosing.reset(token)


@contextlib.contextmanager
def _derivative_errors(eqn: JaxprEqn) -> Iterator[None]:
    """Turns JAX's errors about a missing derivative into one that names the primitive and the cure."""
    try:
        yield
    except (NotImplementedError, ValueError, TypeError) as error:
        raise NotImplementedError(
            f"The model uses the primitive `{eqn.primitive.name}`, which JAX cannot differentiate forward; "
            "write that part of the model with other functions, or give it a rule by `stde.taylor_rule`. "
            f"({str(error).partition(chr(10))[0]})"
        ) from error


def _collect(expansion: Expansion, constant: Constant, images: Coefficients, sums: Coefficients) -> Value:
    """Single coefficients as they are; those in a functional weighed and added to its sum."""
    truncation = expansion.truncation
    terms: dict[Key, TaylorCoefficient | None] = {i: images[i] for i in truncation.indices if i in images}
    for key in truncation.sums:
        summands = [(images[i], weights) for i, weights in expansion.summands(key) if i in images]
        weighed = [weigh(c, weights, expansion.over_samples(key)) for c, weights in summands]
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
