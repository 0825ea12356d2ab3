"""Primitives from outside: without a rule, with one of either kind, and without any derivative."""

import math
import warnings

import jax
import jax.numpy as jnp
import made_up
import numpy as np
import pytest
from helpers import assert_close, mixed
from interpreter import interpreted
from jax.extend.core import primitives
from stde_estimators import STDE, Exact

import stde_core as stde
from stde_core._taylor._rules import REGISTERED

X = jnp.array([0.3, -0.4, 0.7])
dx, dy, dz = stde.partials(3)
HEAT = dy + dx**2
AXES = {"first": (0,), "mixed": (0, 0, 1), "fifth": (2, 2, 2, 2, 2)}
OPERATORS = {"first": dx, "mixed": dx**2 * dy, "fifth": dz**5}


@pytest.fixture(autouse=True)
def _registered():
    """Rules of one test are not those of the next."""
    before = dict(REGISTERED)
    yield
    REGISTERED.clear()
    REGISTERED.update(before)


def ricker(z):
    return z * jnp.exp(-z)


def model_of(function):
    """A model that mixes the coordinates before and after the function."""
    mix = jnp.array([[1.0, 0.5, -0.3], [0.2, -1.0, 0.4], [0.3, 0.1, 0.8]])
    return lambda x: jnp.sum(jnp.sin(function(mix @ x)) * function(x[::-1]))


def values(function, operators=OPERATORS):
    return interpreted(lambda x: stde.estimate(operators, model_of(function), x, Exact()).value)(X)


def expected(function):
    """The same by nested AD."""
    return interpreted(lambda x: {name: mixed(model_of(function), x, *axes) for name, axes in AXES.items()})(
        X
    )


def self_differentiating(name):
    """`z exp(−z)`, whose derivative rule contains the primitive itself."""
    made = made_up.primitive(name, ricker, derivative=lambda z: jnp.exp(-z) - made.bind(z))
    return made


def test_without_a_rule_the_answer_is_right_with_one_warning():
    made = self_differentiating("unknown_to_the_engine")
    with pytest.warns(UserWarning) as caught:
        found = values(made.bind)
    (warning,) = caught
    for part in ("`unknown_to_the_engine`", "right but slower", "`stde.taylor_rule`"):
        assert part in str(warning.message)
    assert_close(found, expected(ricker), rtol=1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values(made.bind, dx**2)


def test_a_rule_in_other_words():
    made = made_up.primitive("ricker_in_other_words", ricker)

    @stde.taylor_rule(made)
    def rule(z):
        return z * jnp.exp(-z)

    assert rule(2.0) == pytest.approx(2 * math.exp(-2))
    assert_close(values(made.bind), expected(ricker), rtol=1e-9)


def test_a_rule_in_other_words_takes_arguments_and_parameters_as_bind_does():
    def scaled(z, shift, *, power):
        return (z - shift) ** power

    made = made_up.primitive("scaled", scaled)
    stde.taylor_rule(made)(scaled)
    found = values(lambda z: made.bind(z, 2 * z[::-1], power=3))
    assert_close(found, expected(lambda z: scaled(z, 2 * z[::-1], power=3)), rtol=1e-9)


def test_a_rule_in_other_words_returns_several_outputs_as_bind_does():
    made = made_up.pair("sine_and_cosine", lambda z: (jnp.sin(z), jnp.cos(z)))
    stde.taylor_rule(made)(lambda z: (jnp.sin(z), jnp.cos(z)))

    def norm(pair):
        return pair[0] * pair[1] ** 2

    found = values(lambda z: norm(made.bind(z)))
    assert_close(found, expected(lambda z: norm((jnp.sin(z), jnp.cos(z)))), rtol=1e-9)


def ricker_series(z, order):
    e = jnp.exp(-z)
    return [(-1) ** k / math.factorial(k) * (z - k) * e for k in range(order + 1)]


def test_a_rule_by_derivatives():
    made = made_up.primitive("ricker_by_derivatives", ricker)
    assert stde.taylor_rule(made, scalar=True)(ricker_series) is ricker_series
    assert_close(values(made.bind), expected(ricker), rtol=1e-9)


def test_a_rule_by_derivatives_takes_parameters_numbers_and_none():
    made = made_up.primitive("line", lambda z, *, slope: slope * z)

    @stde.taylor_rule(made, scalar=True)
    def _(z, order, *, slope):
        return [slope * z, slope, *[None] * (order - 1)][: order + 1]

    found = values(lambda z: made.bind(jnp.sin(z), slope=3.0))
    assert_close(found, expected(lambda z: 3 * jnp.sin(z)), rtol=1e-9)


@pytest.mark.parametrize("scalar", [False, True], ids=["in other words", "by derivatives"])
def test_rules_work_inside_of_transforms_and_loops(scalar):
    made = made_up.primitive(
        f"ricker_transformed_{scalar}", ricker, derivative=lambda z: (1 - z) * jnp.exp(-z)
    )
    stde.taylor_rule(made, scalar=scalar)(ricker_series if scalar else ricker)

    def loss(function):
        def model(scale, x):
            step = jax.checkpoint(lambda c, a: (function(c * a * scale), None))
            return jnp.sum(jax.lax.scan(step, x, jnp.arange(1.0, 4.0))[0])

        def one(scale, x):
            out = stde.estimate(
                stde.Laplacian(), lambda x: model(scale, x), x, STDE(2), key=jax.random.key(0)
            )
            return out.value + out.standard_error

        return lambda scale, xs: jnp.sum(jax.vmap(one, (None, 0))(scale, xs) ** 2)

    xs = jnp.stack([X, X[::-1]])
    found, written_out = (interpreted(jax.value_and_grad(loss(f)))(1.5, xs) for f in (made.bind, ricker))
    assert_close(found, written_out, rtol=1e-9)


def test_a_second_rule_replaces_the_first_and_the_librarys():
    made = made_up.primitive("replaced", ricker)
    stde.taylor_rule(made)(jnp.sin)
    stde.taylor_rule(made)(ricker)
    assert_close(values(made.bind, dx**2), values(ricker, dx**2), rtol=1e-12)
    used = []
    stde.taylor_rule(primitives.tanh_p)(lambda z, **_: used.append(z) or 1 - 2 / (jnp.exp(2 * z) + 1))
    slopes = values(jnp.tanh, dx**2)
    assert used
    REGISTERED.clear()
    assert_close(slopes, values(jnp.tanh, dx**2), rtol=1e-12)


@pytest.mark.parametrize("wrong", [ricker, "tanh", "tanh_p", None])
def test_what_is_no_primitive_is_refused(wrong, unchecked):
    with pytest.raises(
        TypeError, match=r"taylor_rule\(primitive\)` needs a `jax.*Primitive`, got .*make_jaxpr"
    ):
        stde.taylor_rule(wrong)


def test_what_is_no_function_is_refused(unchecked):
    with pytest.raises(TypeError, match=r"`stde.taylor_rule\(tanh\)` decorates a function, got 3"):
        stde.taylor_rule(primitives.tanh_p)(3)


@pytest.mark.parametrize(
    ("rule", "got"),
    [
        (lambda z: z[:2], r"float64\[2\]"),
        (lambda z: jnp.sum(z), r"float64\[\]"),
        (lambda z: z.astype(jnp.float32), r"float32\[3\]"),
        (lambda z: 1.0, r"float64\[\]"),
    ],
    ids=["shorter", "scalar", "dtype", "number"],
)
def test_a_rule_with_other_outputs_is_named(rule, got):
    made = made_up.primitive("misdescribed", ricker)
    stde.taylor_rule(made)(rule)
    with pytest.raises(
        ValueError, match=rf"`stde.taylor_rule\(misdescribed\)` returned {got}; .*, float64\[3\]\."
    ):
        values(made.bind)


@pytest.mark.parametrize("rule", [lambda z: (z,), lambda z: z, lambda z: (z, z, z)], ids=["1", "array", "3"])
def test_a_rule_with_another_number_of_outputs_is_named(rule):
    made = made_up.pair("miscounted", lambda z: (z, z))
    stde.taylor_rule(made)(rule)
    with pytest.raises(
        ValueError, match=r"miscounted\)` returned float64.*needs .*, float64\[3\], float64\[3\]\."
    ):
        values(lambda z: made.bind(z)[0])


@pytest.mark.parametrize(
    "rule",
    [
        lambda z, order: [z] * order,
        lambda z, order: [z] * (order + 2),
        lambda z, order: [z, *[z[:1]] * order],
        lambda z, order: [1.0] * (order + 1),
        lambda z, order: [None] * (order + 1),
        lambda z, order: z,
    ],
    ids=["few", "many", "shape", "value", "none", "array"],
)
def test_a_rule_with_other_derivatives_is_named(rule):
    made = made_up.primitive("misderived", ricker)
    stde.taylor_rule(made, scalar=True)(rule)
    message = r"misderived, scalar=True\)` returned derivatives .*orders 0 to 2, 3 arrays of shape \(3,\)\."
    with pytest.raises(ValueError, match=message):
        values(made.bind, dx**2)


def test_a_scalar_rule_is_for_functions_of_one_variable():
    made = made_up.primitive("of_two", lambda a, b: a * b)
    stde.taylor_rule(made, scalar=True)(ricker_series)
    with pytest.raises(
        ValueError, match=r"`stde.taylor_rule\(of_two, scalar=True\)` is for a primitive with one"
    ):
        values(lambda z: made.bind(z, z))


def call_back(z):
    return jax.pure_callback(np.sin, z, z)


IMPOSSIBLE = {"pure_callback": call_back, "impossible": made_up.primitive("impossible", ricker).bind}


@pytest.mark.parametrize("name", IMPOSSIBLE)
@pytest.mark.parametrize("operator", [*OPERATORS.values(), HEAT], ids=[*OPERATORS, "heat"])
def test_what_cannot_be_differentiated_is_named(name, operator):
    """The last operator reaches the second coordinate by a sum alone, and there is no warning before."""
    model = lambda x: x[0] ** 2 + jnp.sum(IMPOSSIBLE[name](x[1:] if operator is HEAT else x))  # noqa: E731
    with pytest.raises(
        NotImplementedError, match=rf"primitive `{name}`, which JAX cannot .*`stde.taylor_rule`"
    ):
        stde.estimate(operator, model, X, Exact())


def test_a_callback_with_a_derivative_rule_is_right():
    @jax.custom_jvp
    def sine(z):
        return call_back(z)

    sine.defjvps(lambda tangent, _, z: tangent * jnp.cos(z))
    assert_close(values(sine), expected(jnp.sin), rtol=1e-9)
