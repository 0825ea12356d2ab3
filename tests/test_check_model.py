"""What `check_model` says of models, against what is true of them and what the engine does with them."""

import warnings

import equinox as eqx
import jax
import jax.numpy as jnp
import made_up
import numpy as np
import pytest
from helpers import derivative, network
from interpreter import interpreted
from stde_estimators import Exact

import stde_core as stde
from stde_core._taylor._rules import REGISTERED

KEY = jax.random.key(0)
RELU = eqx.nn.MLP(4, "scalar", 8, 2, key=KEY)


def uses(model, dim=4):
    return {use.name: use for use in stde.check_model(model, dim).uses}


def kinks(model):
    return {use.name for use in stde.check_model(model, 4).uses if use.kink}


# --- the classic mistake


@pytest.mark.promotes
def test_the_default_network_is_piecewise_linear():
    report = stde.check_model(RELU, 4, dtype=jnp.float32)
    assert (report.model, report.dim, report.dtype) == ("MLP", 4, "float32")
    assert (report.output_shape, report.output_dtype) == ((), "float64")
    assert report.possible
    assert not report.smooth
    assert report.degree == 1
    (relu,) = (use for use in report.uses if use.kink)
    assert (relu.name, relu.count, relu.support) == ("relu", 2, "rule")
    text = " ".join(str(report).split())
    assert text.startswith("MLP: float32[4] → float64[] NOT SMOOTH: the model is piecewise linear in x")
    for part in (
        "a Laplacian) and above are 0 almost everywhere",
        "activation=jnp.tanh",
        "relu ×2: its second",
    ):
        assert part in text
    assert stde.estimate(stde.Laplacian(), RELU, jnp.arange(4.0), Exact()).value == 0


def test_a_smooth_network_needs_nothing():
    report = stde.check_model(network(), 4)
    assert report.smooth
    assert report.degree is None
    assert {use.support for use in report.uses} == {"rule"}
    assert str(report).endswith("Nothing to improve.")
    assert repr(report) == str(report)


def test_an_ansatz_does_not_make_relu_smooth():
    report = stde.check_model(lambda x: (1 - x @ x) * RELU(x), 4)
    assert report.degree == 3
    assert "operators of order 4 and above are 0" in " ".join(str(report).split())
    assert {use.name for use in report.uses if use.kink} == {"relu"}


# --- degrees

SHIFT = jnp.array([0.4, -0.7, 0.2, 1.1])
POLYNOMIALS = {
    "linear": (lambda x: x[::-1] - 2 * jnp.cumsum(x), 1),
    "relu6": (lambda x: jax.nn.relu6(3 * x), 1),
    "leaky relu": (jax.nn.leaky_relu, 1),
    "max": (lambda x: jnp.maximum(x, 0.1) + jnp.max(x), 1),
    "sorted": (lambda x: jnp.sort(x)[1:] * SHIFT[1:], 1),
    "solve": (lambda x: jnp.linalg.solve(jnp.diag(SHIFT), jax.nn.relu(x)), 1),
    "square": (lambda x: jax.nn.relu(x) ** 2 + jnp.square(x), 2),
    "sparse plus": (jax.nn.sparse_plus, 2),
    "products": (lambda x: (x @ x) * jnp.abs(x) / SHIFT, 3),
    "clipped": (lambda x: jnp.clip(x, -0.5, 0.6) * x**3, 4),
    "in a loop": (lambda x: jax.lax.fori_loop(0, 2, lambda i, c: c + x, x), 1),
    "in a branch": (lambda x: jax.lax.cond(x[0] > 0, lambda: x**2, lambda: x), 2),
    "in steps": (lambda x: jnp.floor(3 * x) * 2, 0),
    "constant": (lambda x: SHIFT, 0),
    "stopped": (jax.lax.stop_gradient, 0),
}


@pytest.mark.parametrize("name", POLYNOMIALS)
def test_derivatives_above_the_degree_are_zero_and_those_of_the_degree_are_not(name):
    model, degree = POLYNOMIALS[name]
    assert stde.check_model(model, 4).degree == degree
    along = lambda order: derivative(model, SHIFT, *[jnp.cos(SHIFT)] * order)  # noqa: E731
    np.testing.assert_array_equal(along(degree + 1), 0)
    assert np.any(along(degree) != 0)


NOT_POLYNOMIALS = {
    "tanh": lambda x: jnp.tanh(x),
    "quotient": lambda x: x / (2 + x),
    "elu": jax.nn.elu,
    "softplus": jax.nn.softplus,
    "power": lambda x: jnp.abs(x) ** 1.5,
    "solve": lambda x: jnp.linalg.solve(jnp.eye(4) + jnp.outer(x, x), x),
    "many times": lambda x: jax.lax.fori_loop(0, 3, lambda i, c: c * x, x),
    "made-up primitive": made_up.primitive("made_up_square", jnp.square, derivative=lambda z: 2 * z).bind,
}


@pytest.mark.parametrize("name", NOT_POLYNOMIALS)
def test_no_degree_is_claimed_of_other_functions(name):
    assert stde.check_model(NOT_POLYNOMIALS[name], 4).degree is None


# --- kinks


def _attention(x):
    q = jnp.outer(SHIFT[:3], x).reshape(1, 3, 1, 4)
    return jax.nn.dot_product_attention(q, jnp.sin(q), q**2, is_causal=True).sum((0, 2))


SMOOTH = {
    "gelu": jax.nn.gelu,
    "silu": jax.nn.silu,
    "softplus": jax.nn.softplus,
    "logsumexp": jax.nn.logsumexp,
    "masked attention": _attention,
    "gru": lambda x: eqx.nn.GRUCell(4, 4, key=KEY)(x, x),
    "maximum that is not differentiated": lambda x: x / jax.lax.stop_gradient(jnp.max(x)),
    "modulus": lambda x: jnp.abs(x + 1j),
    "test on x": lambda x: jax.lax.while_loop(lambda c: jnp.max(c) < 9, lambda c: 2 * c, jnp.exp(x)),
    "logarithm of a modulus": lambda x: jnp.log(jnp.abs(x)) + jnp.abs(x) ** 2,
    "modulus that is not differentiated": lambda x: (
        lambda r: x * jax.lax.stop_gradient(r) + (r, jnp.log(r))[1]
    )(jnp.abs(x)),
    "unused": lambda x: (jax.nn.relu(x), jnp.sin(x))[1],
    "kink of a constant": lambda x: x * jax.nn.relu(SHIFT),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_smooth_models_are_smooth(name):
    assert kinks(SMOOTH[name]) == set()


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (lambda x: jnp.tanh(jax.nn.relu(x)), {"relu"}),
        (lambda x: jnp.sin(jax.nn.relu6(x)), {"relu6"}),
        (lambda x: jnp.where(x > 0, x, jnp.sin(x)), {"select_n"}),
        (lambda x: jax.lax.cond(x[0] > 0, jnp.sin, jnp.cos, x), {"cond"}),
        (lambda x: jnp.abs(x) * jnp.min(x), {"abs", "reduce_min"}),
        (lambda x: (lambda r: r + jnp.log(r))(jnp.abs(x)), {"abs"}),
        (lambda x: jnp.sort(jnp.sin(x)), {"sort"}),
        (lambda x: jnp.where(SHIFT > 0, jnp.floor(x), x), {"floor"}),
        (lambda x: jnp.round(x) * jnp.sign(x) + jnp.sin(x), {"round", "sign"}),
        (lambda x: eqx.nn.MaxPool1d(2)(jnp.sin(x)[None]), {"reduce_window_max"}),
    ],
    ids=["relu", "relu6", "where", "cond", "abs", "abs and log", "sort", "floor", "steps", "pool"],
)
def test_kinks_are_found(model, expected):
    assert kinks(model) == expected


# --- what is fast, slow and impossible


@jax.custom_vjp
def with_own_vjp(x):
    return jnp.sin(x)


with_own_vjp.defvjp(lambda x: (jnp.sin(x), x), lambda x, g: (g * jnp.cos(x),))


def call_back(z):
    return jax.pure_callback(np.sin, z, z, vmap_method="expand_dims")


@jax.custom_jvp
def differentiable_once(z):
    return call_back(z)


differentiable_once.defjvps(lambda tangent, _, z: tangent * call_back(z))

unknown = made_up.primitive("unknown_to_check_model", jnp.sin, derivative=jnp.cos)
opaque = made_up.primitive("opaque", jnp.sin)


@jax.custom_jvp
def rounded(z):
    return jnp.round(z)


rounded.defjvps(lambda tangent, *_: tangent)

SUPPORT = {
    "tanh": (jnp.tanh, "tanh", "rule"),
    "scan": (lambda x: jax.lax.scan(lambda c, a: (jnp.sin(c) * a, None), x, x)[0], "scan", "rule"),
    "softplus": (jax.nn.softplus, "logaddexp", "derivative"),
    "straight through": (lambda x: rounded(x) ** 3, "rounded", "derivative"),
    "cholesky": (lambda x: jnp.linalg.cholesky(jnp.eye(4) + jnp.outer(x, x)), "cholesky", "derivative"),
    "power": (lambda x: (2 + x) ** x, "pow", "derivative"),
    "modulus": (lambda x: jnp.abs(x + 1j), "abs", "derivative"),
    "custom vjp": (with_own_vjp, "with_own_vjp", "body"),
    "no rule": (unknown.bind, "unknown_to_check_model", "none"),
    "callback": (call_back, "pure_callback", "impossible"),
    "opaque": (opaque.bind, "opaque", "impossible"),
    "once": (differentiable_once, "differentiable_once", "impossible"),
}


@pytest.mark.parametrize("name", SUPPORT)
def test_the_engine_does_what_is_said(name):
    model, primitive, support = SUPPORT[name]
    report = stde.check_model(model, 4)
    use = uses(model)[primitive]
    assert use.support == support
    assert use in report.having(support)
    assert report.possible == (support != "impossible")
    assert f"{primitive} ×1" in str(report)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if report.possible:
            found = stde.estimate(stde.Directional(SHIFT, 2), model, SHIFT, Exact()).value
            assert np.any(found != 0)
        else:
            assert use.reason.startswith("from the second derivative on: ") == (name == "once")
            with pytest.raises(NotImplementedError, match="cannot differentiate forward"):
                stde.estimate(stde.Directional(SHIFT, 2), model, SHIFT, Exact())
    assert [primitive in str(w.message) for w in caught] == [True] * (support == "none")


def test_a_rule_from_outside_makes_it_fast():
    made = made_up.primitive("fast_by_a_rule", jnp.sin)
    assert uses(made.bind)["fast_by_a_rule"].support == "impossible"
    stde.taylor_rule(made)(jnp.sin)
    try:
        assert uses(made.bind)["fast_by_a_rule"].support == "rule"
    finally:
        del REGISTERED[made]


def test_equations_are_counted_wherever_they_are_written():
    @jax.jit
    def layer(c, a):
        return jax.checkpoint(lambda c: jnp.tanh(with_own_vjp(c) * a))(c)

    def model(x):
        c, _ = jax.lax.scan(lambda c, a: (layer(c, a), None), x, SHIFT)
        c = jax.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, layer(c[1], 2.0)), (0, c))[1]
        return jax.lax.cond(SHIFT[0] > 0, lambda c: jnp.tanh(c), lambda c: c, c) + jnp.tanh(SHIFT)

    counts = {name: use.count for name, use in uses(model).items()}
    assert counts == {
        "add": 1,
        "cond": 1,
        "mul": 2,
        "scan": 1,
        "sin": 2,
        "tanh": 3,
        "while": 1,
        "with_own_vjp": 2,
    }


def test_a_primitive_that_fails_without_a_message_is_impossible():
    def fail(*_):
        raise NotImplementedError

    silent = made_up.primitive("silent", jnp.sin)
    jax.interpreters.ad.primitive_jvps[silent] = fail
    use = uses(silent.bind)["silent"]
    assert (use.support, use.reason) == ("impossible", "no message")


def test_where_something_is():
    def inner(x):
        return jax.nn.softplus(x)

    def model(x):
        return inner(x) * opaque.bind(x)

    first = model.__code__.co_firstlineno
    assert uses(model)["opaque"].places == (f"test_check_model.py:{first + 1}",)
    assert uses(jax.checkpoint(model))["opaque"].places == ("in model",)
    assert uses(model)["logaddexp"].places == (f"in softplus, test_check_model.py:{first - 2}",)


# --- the output, and errors


def test_whether_the_output_depends_on_x():
    constant, steps = stde.check_model(lambda x: SHIFT * 2, 4), stde.check_model(jnp.floor, 4)
    counted = stde.check_model(
        lambda x: jax.lax.while_loop(lambda c: c[1] < x[0], lambda c: (c[0] + 1, c[1] + 1), (0.0, 0.0))[0], 4
    )
    assert [report.depends_on_x for report in (constant, steps, counted)] == [False, True, True]
    assert "CONSTANT: the output does not depend on x" in str(constant)
    assert "STEPS: x acts on the output in steps only" in str(steps)


def test_no_numbers_are_computed():
    def model(x):
        assert isinstance(x, jax.core.Tracer)
        return jax.pure_callback(_never, x, x) + network()(x)[0]

    report = stde.check_model(model, 4)
    assert (report.output_shape, report.output_dtype) == ((4,), "float64")
    assert interpreted(lambda: stde.check_model(network(), 4).dim)() == 4


def _never(*_):
    raise AssertionError("The model was evaluated.")


@pytest.mark.parametrize(
    ("model", "dim", "error", "message"),
    [
        (3, 4, TypeError, r"`stde.check_model\(model, …\)` needs a callable from \[dim\] to an array, got 3"),
        (jnp.sin, 0, ValueError, r"`stde.check_model\(dim\)` needs an integer ≥ 1, got 0"),
        (jnp.sin, 2.5, ValueError, r"`stde.check_model\(dim\)` needs an integer ≥ 1, got 2.5"),
        (RELU, 5, ValueError, r"dim=5\)` could not trace the model at .* shape \[5\].*got \(4,\) and \(5,\)"),
        (
            lambda x: x if x[0] > 0 else -x,
            4,
            ValueError,
            "could not trace the model.*TracerBoolConversionError",
        ),
        (lambda x, key: x, 4, ValueError, "close over its other arguments.*TypeError: .*'key'"),
        (lambda x: (x, x), 4, TypeError, r"returns one floating-point array, got \('float64\[4\]', 'float64"),
        (lambda x: x > 0, 4, TypeError, r"returns one floating-point array, got bool\[4\]"),
        (lambda x: 1, 4, TypeError, r"returns one floating-point array, got int64\[\]"),
    ],
    ids=["model", "zero", "float", "shape", "bool", "key", "tuple", "test", "int"],
)
def test_what_is_no_model_is_refused(model, dim, error, message, unchecked):
    with pytest.raises(error, match=message):
        stde.check_model(model, dim)


def test_points_are_floating_point():
    with pytest.raises(TypeError, match=r"`stde.check_model\(dtype\)` needs a floating-point dtype, got int"):
        stde.check_model(jnp.sin, 4, dtype=int)
