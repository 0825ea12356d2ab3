"""Taylor mode against nested forward mode in double precision, model by model."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import assert_close, cast, derivative, mixed, network
from interpreter import interpreted
from jax.scipy import special
from stde_estimators import STDE, Exact

import stde_core as stde
from stde_core import contractions

X = jnp.array([0.3, -0.4, 0.2, 0.5])
V = jnp.array([0.7, 0.2, -1.1, 0.4])


def check(model, x=X, v=V, *, order=3, reference=None, rtol=1e-9):
    """All derivatives along v up to the order agree with nested `jax.jvp` of the reference."""

    @interpreted
    def both(x):
        directions = stde.Dense(v[None, None].astype(x.dtype))
        powers = tuple((k,) for k in range(1, order + 1))
        found = contractions.taylor(model, x, directions, powers)
        expected = [derivative(reference or model, x, *[v] * k) for k in range(1, order + 1)]
        return [value[0] for value in found], expected

    found, expected = both(x)
    assert all(np.all(np.isfinite(value)) for value in expected)
    assert_close(found, expected, rtol=rtol, atol=1e-11)


NAMES = """
celu elu gelu hard_sigmoid hard_silu hard_tanh identity leaky_relu log_sigmoid log_softmax logsumexp mish
relu relu6 selu sigmoid silu soft_sign softmax softplus sparse_plus sparse_sigmoid squareplus standardize
tanh
"""
ACTIVATIONS = {name: getattr(jax.nn, name) for name in NAMES.split()} | {
    "exact gelu": functools.partial(jax.nn.gelu, approximate=False),
    "glu": lambda x: jax.nn.glu(jnp.concatenate([x, 2 * x])),
    "sinc": jnp.sinc,
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_agree_at_and_around_zero(name):
    x = jnp.array([-2.0, -0.5, 0.0, 0.7, 3.5])
    check(ACTIVATIONS[name], x, jnp.ones(5))


@pytest.mark.parametrize(
    ("activation", "order", "expected"),
    [
        # Where the derivative of the body at 0 is another one than that of the function.
        (jax.nn.softplus, 1, 0.5),
        (jax.nn.mish, 2, 0.64),
        (jnp.sinc, 2, -(np.pi**2) / 3),
        (jax.nn.relu, 1, 0.0),
        (jax.nn.silu, 2, 0.5),
    ],
    ids=["softplus'", "mish''", "sinc''", "relu'", "silu''"],
)
def test_derivatives_at_zero_are_the_true_ones(activation, order, expected):
    operator = stde.Directional(np.ones(1), order)
    found = interpreted(lambda x: stde.estimate(operator, lambda x: activation(x[0]), x, Exact()))(
        jnp.zeros(1)
    )
    np.testing.assert_allclose(found.value, expected, rtol=1e-12)


def _scan(x):
    return jax.lax.scan(lambda c, a: (jnp.sin(c + a * x), c[0]), x, jnp.arange(1.0, 4.0))[0]


def _while(x):
    return jax.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, jnp.tanh(c[1] + x)), (0, x))[1]


def _while_until_large(x):
    return jax.lax.while_loop(lambda c: jnp.sum(c**2) < 20, lambda c: 1.5 * c + jnp.sin(c), x)


def _cond(x):
    return jax.lax.cond(x[0] > 0, lambda x: jnp.exp(x), lambda x: jnp.cos(x), x) * x


def _switch(x):
    index = jnp.clip(jnp.floor(4 * x[3]).astype(int), 0, 2)
    return jax.lax.switch(index, [jnp.sin, jnp.cos, lambda x: x**3], x)


@jax.custom_jvp
def _with_own_jvp(x):
    return jax.lax.stop_gradient(jnp.sin(x))


@_with_own_jvp.defjvp
def _(primals, tangents):
    # Twice the derivative of the sine: the rule, not the body, is what counts.
    return _with_own_jvp(primals[0]), 2 * jnp.cos(primals[0]) * tangents[0]


@jax.custom_vjp
def _with_own_vjp(x):
    return jnp.sin(x) * x


_with_own_vjp.defvjp(lambda x: (_with_own_vjp(x), x), lambda x, g: ((jnp.cos(x) * x + jnp.sin(x)) * g,))


def _attention(x):
    q = jnp.outer(jnp.array([1.0, -0.5, 2.0]), x).reshape(1, 3, 1, 4)
    return jax.nn.dot_product_attention(q, jnp.sin(q), q**2).sum((0, 2))


_KERNEL = jnp.array([0.5, -1.0, 0.3]).reshape(1, 1, 3)
_SPD = jnp.eye(4) + 0.1


def _convolution(x):
    return jnp.sin(jax.lax.conv_general_dilated(jnp.sin(x)[None, None], _KERNEL, (1,), "SAME"))[0, 0]


MODELS = {
    "scan": _scan,
    "while": _while,
    "while with a test on x": _while_until_large,
    "cond": _cond,
    "switch": _switch,
    "jit": jax.jit(lambda x: jax.jit(jnp.sin)(x) * x[::-1]),
    "remat": jax.checkpoint(lambda x: jnp.sin(x) * x),
    "remat around scan": jax.checkpoint(_scan),
    "custom_jvp": lambda x: _with_own_jvp(x**2),
    "convolution": _convolution,
    "attention": _attention,
    "layer norm": eqx.nn.LayerNorm(4),
    "rms norm": lambda x: eqx.nn.RMSNorm(4)(jnp.sin(x)),
    "group norm": lambda x: eqx.nn.GroupNorm(2, 4)(jnp.sin(x)),
    "max pooling": lambda x: eqx.nn.MaxPool1d(2, 2)((x**3)[None]),
    "relu network": eqx.nn.MLP(4, 2, 8, 2, key=jax.random.key(0)),
    "gru": lambda x: eqx.nn.GRUCell(4, 4, key=jax.random.key(1))(x, jnp.sin(x)),
    "vmap inside": lambda x: jax.vmap(lambda a: jnp.sin(a * x).sum())(jnp.arange(3.0)),
    "gradient inside": jax.grad(lambda x: jnp.sum(jnp.sin(x) * x[::-1] ** 2)),
    "laplacian inside": lambda x: jnp.trace(jax.hessian(lambda y: jnp.exp(jnp.sin(y) @ y))(x)),
    "powers at 0": lambda x: (x - X) ** 3 + (x - X) ** 2 * x + (x - X) ** 6,
    "negative powers": lambda x: x**-3 + 1 / x + jax.lax.rsqrt(x**2),
    "real power": lambda x: (1.5 + x) ** 2.5 + 2.0**x + (1.5 + x) ** x,
    "zero product": lambda x: (x - X)[0] * jnp.sin(x),
    "log and exp": lambda x: jnp.log1p(x**2) + jnp.expm1(x) + jnp.log(2 + x) + jnp.exp2(x) + jnp.cbrt(2 + x),
    "trigonometric": lambda x: jnp.sin(x) + jnp.tan(x) + jnp.arcsin(x) * jnp.arctan2(x, x[::-1]),
    "hyperbolic": lambda x: jnp.sinh(x) * jnp.cosh(x) + jnp.arcsinh(x) + jnp.arctanh(x) + jnp.arccosh(2 + x),
    "error functions": lambda x: special.erf(x) + special.erfc(x) * special.erfinv(x),
    "gamma functions": lambda x: special.gammaln(2 + x) + special.digamma(2 + x),
    "norm": lambda x: jnp.linalg.norm(x) * jnp.sqrt(x @ x + 1),
    "sorting": lambda x: jnp.sort(jnp.sin(x)) * jnp.arange(4),
    "extrema": lambda x: jnp.max(x**3) + jnp.min(jnp.exp(x)) * jnp.maximum(x, x**2),
    "clipping": lambda x: jnp.clip(x**2, 0.1, 0.2),
    "ties": lambda x: jnp.max(jnp.stack([x, X + (x - X) * 2]), axis=0),
    "absolute value": lambda x: jnp.abs(x) ** 3 * jnp.sign(x),
    "cumulative": lambda x: jnp.cumsum(jnp.sin(x)) + jnp.cumprod(x) + jax.lax.cumlogsumexp(x),
    "indexing": lambda x: x[jnp.array([2, 0])] ** 2 + jnp.roll(x, 1)[:2] ** 3,
    "scattering": lambda x: jnp.sin(x).at[1].multiply(x[0]).at[:2].set(x[2:] ** 2),
    "indexing by x": lambda x: jnp.arange(5.0)[jnp.floor(4 * x).astype(int)] * x**2,
    "padding": lambda x: jnp.pad(x**2, (1, 2)) * jnp.repeat(jnp.tile(x, 2), 1)[:7],
    "solving": lambda x: jnp.linalg.solve(_SPD + jnp.outer(x, x), jnp.sin(x)),
    "determinant": lambda x: jnp.linalg.det(jnp.outer(x, jnp.sin(x)) + _SPD),
    "cholesky": lambda x: jnp.linalg.cholesky(_SPD + jnp.outer(x, x)).sum(0),
    "fourier": lambda x: jnp.abs(jnp.fft.fft(x**2)[1:3]) ** 2,
    "complex inside": lambda x: jnp.real(jnp.exp(1j * x) * (1 + 2j * x)) + jnp.abs(x + 1j) ** 2,
    "stop gradient": lambda x: jax.lax.stop_gradient(jnp.sin(x)) * x**2,
    "precision cast": lambda x: x.astype(jnp.float32).astype(jnp.float64) ** 3,
    "independent of x": lambda x: jnp.arange(2.0),
    "dependent in one entry": lambda x: jnp.stack([x[0] ** 2, jnp.array(3.0)]),
    "mapped": lambda x: jax.lax.map(jnp.sin, x) * jnp.einsum("i,j->i", x, x**2),
}


@pytest.mark.parametrize("name", MODELS)
def test_models_agree(name):
    # The attention of JAX and the cast compute in single precision.
    check(MODELS[name], rtol=1e-6 if name in ("attention", "precision cast") else 1e-9)


def test_custom_vjp_is_differentiated_through_its_body():
    check(lambda x: _with_own_vjp(x**2), reference=lambda x: jnp.sin(x**2) * x**2)


@pytest.mark.parametrize("order", [4, 5, 6])
def test_high_orders_agree(order):
    check(network(2), order=order)
    check(lambda x: jnp.sin(x @ x) * jnp.exp(x[0]) / (2 + x[1]), order=order)


def test_polynomials_are_exact_to_the_sixth_order():
    operators = [stde.Directional(np.ones(1), order) for order in range(1, 8)]
    found = interpreted(lambda x: stde.estimate(operators, lambda x: x[0] ** 6, x, Exact()))(jnp.array([2.0]))
    assert_close(found.value, [192.0, 480.0, 960.0, 1440.0, 1440.0, 720.0, 0.0], rtol=1e-14)


MIXED = [
    *[(0, 0, 1), (0, 1, 2), (3, 3, 3)],
    *[(0, 0, 0, 1), (0, 0, 1, 1), (0, 1, 2, 3)],
    *[(0, 0, 1, 1, 2), (1, 1, 1, 1, 3)],
    *[(0, 1, 2, 3, 3, 3), (0, 0, 1, 1, 2, 2), (2, 2, 2, 2, 2, 2), (0, 0, 0, 0, 0, 1)],
]


def test_mixed_partials_of_third_to_sixth_order_agree():
    model = network("scalar")
    operators = {axes: functools.reduce(lambda a, b: a * b, map(stde.partial, axes)) for axes in MIXED}
    found = interpreted(lambda x: stde.estimate(operators, model, x, STDE(num_samples=1)).value)(X)
    assert_close(found, interpreted(lambda x: {axes: mixed(model, x, *axes) for axes in MIXED})(X), rtol=1e-9)


def test_single_precision_keeps_its_digits_at_order_four():
    model = network("scalar")
    single = cast(model, jnp.float32)
    found = interpreted(lambda x: stde.estimate(stde.PowerSum(4), single, x, Exact()).value)(
        X.astype(jnp.float32)
    )
    assert found.dtype == jnp.float32
    expected = interpreted(lambda x: sum(mixed(model, x, *[i] * 4) for i in range(4)))(X)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
