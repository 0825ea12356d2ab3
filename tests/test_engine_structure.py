"""One-hot tangents stay indices: what is never made, read off the traces of losses and their gradients.

n tangents at each of the points of a batch in d dimensions, all three prime. Written out, they are
n·batch·d numbers (or n·batch·(d − 1) where the last coordinate is time). The points are batch·d
numbers, a first layer is width·d, and nothing else has reason to be as large as half of that.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest
from helpers import assert_close
from interpreter import interpreted
from jax.extend.core import ClosedJaxpr, Jaxpr
from stde_estimators import SDGD, STDE

import stde_core as stde
from stde_pdes import Training
from stde_pdes.problems.elliptic import allen_cahn_two_body
from stde_pdes.training import loss

D, BATCH, N, WIDTH = 1009, 7, 5, 3
KEY = jax.random.key(0)


def inner(parameter):
    """The jaxprs among the parameters of an equation."""
    match parameter:
        case ClosedJaxpr():
            yield parameter.jaxpr
        case Jaxpr():
            yield parameter
        case tuple() | list():
            for part in parameter:
                yield from inner(part)


def intermediates(jaxpr):
    """Every array that a trace makes, inside loops, branches and calls too, with its primitive."""
    for eqn in jaxpr.eqns:
        yield from ((var.aval, eqn.primitive.name) for var in eqn.outvars)
        for parameter in eqn.params.values():
            for body in inner(parameter):
                yield from intermediates(body)


def too_large(function, *args, least=N * BATCH * D // 2):
    """The arrays of `least` or more numbers in the trace of a function."""
    trace = jax.make_jaxpr(function)(*args).jaxpr
    return {f"{aval.str_short()} by {name}" for aval, name in intermediates(trace) if aval.size >= least}


def test_written_out_tangents_are_found_where_they_hide():
    """The yardstick itself: in a loop, in a branch, in a custom derivative, and after a split."""

    def hidden(x):
        row = lambda i: jax.nn.relu(jax.nn.one_hot(i, D) * x)  # noqa: E731
        return jax.lax.cond(x[0] > 0, lambda: jax.vmap(row)(jnp.arange(N)).sum(), lambda: 0.0)

    batch = lambda f: lambda x: jax.lax.map(lambda _: jax.vmap(f)(x), jnp.arange(2))  # noqa: E731
    assert too_large(batch(hidden), jnp.ones((BATCH, D)))
    assert not too_large(batch(lambda x: x @ x), jnp.ones((BATCH, D)))


@pytest.mark.parametrize("shared", [False, True], ids=["per-point", "shared"])
@pytest.mark.parametrize("unbiased", [False, True], ids=["square", "product"])
def test_two_body_training_never_writes_its_tangents_out(shared, unbiased):
    problem = allen_cahn_two_body(D)
    network = eqx.nn.MLP(D, "scalar", WIDTH, 2, activation=jnp.tanh, key=KEY)
    training = Training(shared_tangents=shared, unbiased=unbiased)

    @eqx.filter_value_and_grad
    def value_and_grad(network, estimator):
        return loss(problem, network, estimator, training, batch=BATCH, key=KEY)

    parameters, static = eqx.partition(network, eqx.is_array)
    step = lambda parameters: value_and_grad(eqx.combine(parameters, static), STDE(N))  # noqa: E731
    assert too_large(step, parameters) == set()
    if not unbiased:
        found, expected = interpreted(
            lambda p: [value_and_grad(eqx.combine(p, static), e) for e in (STDE(N), SDGD(N))]
        )(parameters)
        assert_close(found, expected, rtol=1e-9, atol=1e-10)


MEAN = jnp.linspace(-1, 1, D)
SCALE = jnp.linspace(1, 2, D)
BLOCKS, BLOCK = 63, 16  # 63 · 16 = 1008 = d − 1


def first_layer(features, name="mlp"):
    """An ansatz: a network after some features of x."""
    return lambda layers, x: layers[name](features(x))


def in_blocks(layers, x, first=lambda x: x[:-1]):
    """One layer, of few weights, for every block of coordinates; time beside."""
    rows = jax.vmap(layers["block"])(first(x).reshape(BLOCKS, BLOCK))
    return jnp.sum(jnp.tanh(rows + x[-1]) ** 2)


ANSATZE = {
    "plain": first_layer(lambda x: x),
    "x @ x": lambda layers, x: (1 - x @ x) * layers["mlp"](x),
    "sum of squares": lambda layers, x: (1 - jnp.sum(x**2)) * layers["mlp"](x),
    "mean of squares": lambda layers, x: jnp.exp(-jnp.mean(jnp.square(x))) * layers["mlp"](x),
    "norm": lambda layers, x: jnp.linalg.norm(x) * layers["mlp"](x),
    "distance": lambda layers, x: jnp.sqrt(1 + jnp.sum((x - MEAN) ** 2)) + layers["mlp"](x),
    "√d x": first_layer(lambda x: D**0.5 * x),
    "x / scale": first_layer(lambda x: x / SCALE),
    "x - m": first_layer(lambda x: x - MEAN),
    "standardised": first_layer(lambda x: (x - MEAN) / SCALE * 2 + 1),
    "-x": first_layer(lambda x: -x),
    "[x, t, |x|²]": first_layer(
        lambda x: jnp.concatenate([x[:-1], x[-1:], jnp.sum(x[:-1] ** 2)[None]]), "longer"
    ),
    "[x, t] scaled": first_layer(lambda x: jnp.append(x[:-1] / SCALE[:-1], x[-1] / 3)),
    "space only": lambda layers, x: layers["shorter"](x[:-1]) * x[-1],
    "slices": first_layer(lambda x: jnp.concatenate([x[5:], x[:5]])),
    "reversed": first_layer(lambda x: x[::-1]),
    "sum": first_layer(lambda x: x + x / SCALE),
    "stacked": first_layer(lambda x: jnp.stack([jnp.zeros(D), x])[1]),
    "side by side": first_layer(lambda x: jnp.concatenate([jnp.zeros((D, 1)), 3 * x[:, None]], 1)[:, 1]),
    "one above the other": first_layer(lambda x: jnp.concatenate([x[None], jnp.sin(x)[None]])[1]),
    "squeezed": first_layer(lambda x: jnp.squeeze(x[None], 0)),
    "column": lambda layers, x: layers["mlp"](x[:, None].T[0]) + jnp.expand_dims(x, 1).T[0] @ MEAN,
    "row times matrix": lambda layers, x: jnp.sum(jnp.sin(x @ layers["matrix"])),
    "two layers of one x": lambda layers, x: layers["mlp"](x) * jnp.tanh(x @ layers["matrix"])[0],
    "reshaped": first_layer(lambda x: x[:-1].reshape(BLOCKS, BLOCK).reshape(-1), "shorter"),
    "transposed": first_layer(lambda x: x[:-1].reshape(BLOCKS, BLOCK).T.ravel(), "shorter"),
    "blocks": in_blocks,
    "scaled blocks": lambda layers, x: in_blocks(layers, x, lambda x: (x[:-1] - MEAN[:-1]) / SCALE[:-1]),
    "blocks by einsum": lambda layers, x: jnp.sum(
        jnp.sin(jnp.einsum("bi,oi->bo", x[:-1].reshape(BLOCKS, BLOCK), layers["block"].weight))
    ),
    "dtype": first_layer(lambda x: x.astype(jnp.float64) * jnp.asarray(2.0, jnp.float64)),
    "entry by entry": first_layer(lambda x: jnp.sin(x) * x + x**2),
    "inside jit and remat": first_layer(jax.jit(jax.checkpoint(lambda x: (x - MEAN) * x))),
}
HEAT = stde.partial(-1) + stde.Laplacian(axes=slice(None, -1))
OPERATORS = {"laplacian": stde.Laplacian(), "heat": HEAT}
LAYERS = {
    "mlp": eqx.nn.MLP(D, "scalar", WIDTH, 1, jnp.tanh, key=KEY),
    "shorter": eqx.nn.MLP(D - 1, "scalar", WIDTH, 1, jnp.tanh, key=KEY),
    "longer": eqx.nn.MLP(D + 1, "scalar", WIDTH, 1, jnp.tanh, key=KEY),
    "block": eqx.nn.Linear(BLOCK, WIDTH, key=KEY),
    "matrix": 0.1 * jax.random.normal(KEY, (D, WIDTH)),
}


def training_step(ansatz, operator, estimator, *, shared=False):
    """`(layers, points) ↦` the mean squared estimate over the points, and its gradient."""
    keys = jnp.broadcast_to(KEY, BATCH) if shared else jax.random.split(KEY, BATCH)

    def mean_square(layers, points):
        def one(x, key):
            model = lambda x: ansatz(layers, x)  # noqa: E731
            return stde.estimate(operator, model, x, estimator, key=key, standard_error=False).value

        per_point = lambda x, key: one(x, KEY if shared else key)  # noqa: E731
        return jnp.mean(jax.vmap(per_point)(points, keys) ** 2)

    return eqx.filter_value_and_grad(mean_square)


@pytest.mark.parametrize(
    ("operator", "shared"), [("laplacian", False), ("heat", True)], ids=["laplacian-per-point", "heat-shared"]
)
@pytest.mark.parametrize("name", ANSATZE)
def test_one_hot_structure_survives(name, operator, shared):
    points = jax.random.normal(KEY, (BATCH, D)) / D**0.5
    step = training_step(ANSATZE[name], OPERATORS[operator], STDE(N), shared=shared)
    parameters, static = eqx.partition(LAYERS, eqx.is_array)
    assert too_large(lambda p, x: step(eqx.combine(p, static), x), parameters, points) == set()


QUICK = ("plain", "x @ x", "[x, t, |x|²]", "slices", "transposed", "scaled blocks", "entry by entry")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in ANSATZE]
)
def test_values_and_gradients_where_structure_survives(name):
    points = jax.random.normal(KEY, (BATCH, D)) / D**0.5
    steps = [training_step(ANSATZE[name], HEAT, estimator) for estimator in (STDE(N), SDGD(N))]
    parameters, static = eqx.partition(LAYERS, eqx.is_array)
    found, expected = interpreted(lambda p: [step(eqx.combine(p, static), points) for step in steps])(
        parameters
    )
    assert_close(found, expected, rtol=1e-9, atol=1e-11)
