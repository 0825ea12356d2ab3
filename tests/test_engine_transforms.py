"""The engine under JAX's transformations, with nested first-order AD along the same tangents beside it."""

import functools
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest
from engine_reference import Nested
from helpers import DIM, assert_close, jit
from interpreter import interpreted
from stde_estimators import SDGD, STDE, Exact

import stde_core as stde

KEY = jax.random.key(11)
POINTS = 0.5 * jax.random.normal(jax.random.key(12), (3, DIM))
KEYS = jax.random.split(jax.random.key(13), 3)
NETWORK = eqx.nn.MLP(DIM, "scalar", 6, 2, activation=jnp.tanh, key=jax.random.key(14))
PARAMETERS, STATIC = eqx.partition(NETWORK, eqx.is_inexact_array)
DIRECTION = jax.tree.map(jnp.cos, PARAMETERS)

close = functools.partial(assert_close, rtol=1e-9, atol=1e-11)

X, Y, T = stde.partial(0), stde.partial(1), stde.partial(-1)
KDV = {"u_x": X, "u_y": Y, "u_xx": X**2, "u_xy": X * Y, "sum": T * Y + X**3 * Y + 2 * Y**2}
QUESTIONS = {
    "laplacian": (stde.Laplacian(), stde.Sparse()),
    "laplacian-gaussian": (stde.Laplacian(), stde.Gaussian()),
    "heat-rademacher": (T + stde.Laplacian(axes=slice(None, -1)), stde.Rademacher()),
    "biharmonic-gaussian": (stde.Biharmonic(), stde.Gaussian()),
    "third-powers": (stde.PowerSum(3), stde.Sparse()),
    "mixed": ((X**2 * Y + T, X**3 + Y), stde.Sparse()),
    "kdv": (KDV, stde.Sparse()),
}


def model_of(parameters):
    return eqx.combine(parameters, STATIC)


def estimated(name, estimator):
    """`(parameters, x, key) ↦ Σ value² + u · value`, a scalar that is not linear in anything."""
    operators, sampler = QUESTIONS[name]

    def scalar(parameters, x, key):
        method = estimator(2, sampler)
        out = stde.estimate(operators, model_of(parameters), x, method, key=key, standard_error=False)
        return sum(value**2 + out.primal * value for value in jax.tree.leaves(out.value))

    return scalar


def loss(name, estimator):
    """The mean over the points, with a key for each."""
    scalar = estimated(name, estimator)
    return lambda parameters: jnp.mean(jax.vmap(scalar, (None, 0, 0))(parameters, POINTS, KEYS))


def questions(*names, slow=()):
    """A test for each, some of them among the slow ones."""
    marked = [pytest.param(name, marks=pytest.mark.slow) for name in slow]
    return pytest.mark.parametrize("name", [*names, *marked])


@questions(
    *("laplacian", "laplacian-gaussian", "heat-rademacher", "biharmonic-gaussian"),
    slow=("third-powers", "mixed", "kdv"),
)
def test_gradients_agree_with_nested_ones(name):
    found, expected = interpreted(lambda p: [jax.value_and_grad(loss(name, e))(p) for e in (STDE, Nested)])(
        PARAMETERS
    )
    close(found, expected)


@questions("laplacian", "laplacian-gaussian", slow=("heat-rademacher", "biharmonic-gaussian", "mixed", "kdv"))
def test_second_derivatives_agree_with_nested_ones(name):
    def along(parameters, estimator):
        return jax.jvp(jax.grad(loss(name, estimator)), (parameters,), (DIRECTION,))[1]

    close(*interpreted(lambda p: [along(p, e) for e in (STDE, Nested)])(PARAMETERS))


@pytest.mark.parametrize("sequential", [False, True])
def test_gradients_agree_with_those_of_sdgd_with_the_same_key(sequential):
    sdgd = lambda n, sampler: SDGD(n, sampler, reverse_over_reverse=True, sequential=sequential)  # noqa: E731
    found, expected = interpreted(lambda p: [jax.grad(loss("laplacian", e))(p) for e in (STDE, sdgd)])(
        PARAMETERS
    )
    close(found, expected)


def test_reverse_over_reverse_gives_the_same_hessian_as_forward_over_reverse():
    gradient = jax.grad(loss("laplacian", STDE))

    def along(parameters):
        slopes, directions = (jax.tree.leaves(tree) for tree in (gradient(parameters), DIRECTION))
        return sum(jnp.vdot(a, b) for a, b in zip(slopes, directions, strict=True))

    found = interpreted(jax.grad(along))(PARAMETERS)
    close(found, interpreted(lambda p: jax.jvp(gradient, (p,), (DIRECTION,))[1])(PARAMETERS))


@questions("laplacian", slow=("laplacian-gaussian", "mixed"))
def test_jit_vmap_and_grad_agree_in_every_nesting_order(name):
    transforms = {
        "jit": jax.jit,
        "vmap": lambda f: jax.vmap(f, (None, 0, 0)),
        "grad": jax.jacrev,  # of one number, or of one per point
    }

    def all_orders(parameters):
        scalar = estimated(name, STDE)
        return [
            functools.reduce(lambda f, transform: transforms[transform](f), order, scalar)(
                parameters, POINTS, KEYS
            )
            for order in itertools.permutations(transforms)
        ]

    first, *others = jit(all_orders)(PARAMETERS)
    for other in others:
        close(other, first)
    one_by_one = interpreted(jax.grad(estimated(name, Nested)))
    expected = [one_by_one(PARAMETERS, x, key) for x, key in zip(POINTS, KEYS, strict=True)]
    close(first, jax.tree.map(lambda *rows: jnp.stack(rows), *expected))


def test_an_ensemble_of_networks_is_mapped_over():
    members = jax.tree.map(lambda leaf: jnp.stack([leaf, 2 * leaf, -leaf]), PARAMETERS)
    gradient = jax.grad(estimated("laplacian", STDE))
    found = interpreted(jax.vmap(gradient, (0, None, None)))(members, POINTS[0], KEY)
    single = interpreted(gradient)
    for i in range(3):
        member, part = (jax.tree.map(lambda leaf, i=i: leaf[i], tree) for tree in (members, found))
        close(part, single(member, POINTS[0], KEY))


@questions(*QUESTIONS)
def test_points_with_a_shared_key_are_the_loop_over_them(name):
    scalar = estimated(name, STDE)
    mapped = interpreted(jax.vmap(lambda x: scalar(PARAMETERS, x, KEY)))(POINTS)
    one = interpreted(lambda x: scalar(PARAMETERS, x, KEY))
    close(mapped, jnp.stack([one(x) for x in POINTS]))


@questions("laplacian", "mixed", slow=("biharmonic-gaussian", "kdv"))
def test_estimates_are_differentiated_with_respect_to_x(name):
    x, v = POINTS[0], POINTS[1]

    def both(x):
        results = []
        for estimator in (STDE, Nested):
            f = lambda x, e=estimator: estimated(name, e)(PARAMETERS, x, KEY)  # noqa: E731
            value, linear = jax.linearize(f, x)
            results.append((value, linear(v), jax.jvp(f, (x,), (v,))[1], jax.grad(f)(x) @ v))
        return results

    found, expected = interpreted(both)(x)
    close(found, expected)
    close(found[2], found[1])
    close(found[3], found[1])


LOOPS = {
    "checkpoint": lambda f: jax.vmap(jax.checkpoint(f)),
    "map": lambda f: lambda *points: jax.lax.map(lambda point: f(*point), points),
    "map in batches": lambda f: lambda *points: jax.lax.map(lambda point: f(*point), points, batch_size=2),
    "scan": lambda f: lambda *points: jax.lax.scan(lambda c, point: (c, f(*point)), 0.0, points)[1],
    "checkpointed scan": lambda f: (
        lambda *points: jax.lax.scan(jax.checkpoint(lambda c, point: (c, f(*point))), 0.0, points)[1]
    ),
    "cond": lambda f: jax.vmap(lambda x, key: jax.lax.cond(x[0] < 9, f, lambda x, key: 0.0, x, key)),
}


@pytest.mark.parametrize("loop", LOOPS)
def test_estimates_work_inside_loops_and_checkpoints(loop):
    scalar = estimated("mixed", STDE)

    def value_and_grad(wrap):
        def total(parameters):
            return jnp.sum(wrap(lambda x, key: scalar(parameters, x, key))(POINTS, KEYS))

        return jax.value_and_grad(total)

    found, expected = interpreted(lambda p: [value_and_grad(w)(p) for w in (LOOPS[loop], jax.vmap)])(
        PARAMETERS
    )
    close(found, expected)


def test_an_estimate_of_an_estimate_agrees_with_nested_ones():
    """Δ(½Δu + ∂_0 u), both Laplacians at random, and its gradient."""

    def twice(parameters, estimator):
        inner = stde.Estimated(stde.Laplacian() / 2 + X, model_of(parameters), estimator(2))
        return stde.Estimated(stde.Laplacian(), inner, estimator(2))(POINTS[0], key=KEY)

    close(*interpreted(lambda p: [jax.value_and_grad(twice)(p, e) for e in (STDE, Nested)])(PARAMETERS))


def test_an_estimate_inside_a_larger_model_is_differentiated():
    def outer(estimator):
        inner = stde.Estimated(stde.Laplacian(), NETWORK, estimator)
        model = lambda x: jnp.tanh(inner(x, key=KEY)) * x[0] + NETWORK(x)  # noqa: E731
        return lambda x: stde.estimate(X * Y + T**2, model, x, Exact(), standard_error=False).value

    close(*interpreted(lambda x: [outer(STDE(2))(x), outer(Nested(2))(x)])(POINTS[0]))
