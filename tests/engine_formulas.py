"""Formulas `R^4 -> array`, by name, that use every primitive for which the engine has a rule, and
functions at their kinks."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jax.scipy import special

DIM = 4


def normal(seed: int, *shape: int) -> jax.Array:
    return jax.random.normal(jax.random.key(seed), shape)


POSITIVE = jnp.eye(DIM) + 0.1
SKEW = jnp.triu(jnp.ones((DIM, DIM))) / 4
DISTINCT = jnp.diag(jnp.arange(1.0, 5.0))
PERMUTED = jnp.array([2, 0, 1, 1])
BATCH = normal(1, 2, 2, 2)
GRID = jnp.linspace(-1.05, 1.3, 7)


@jax.custom_jvp
def twice_the_slope(x):
    return jnp.sin(x)


twice_the_slope.defjvp(lambda x, t: (twice_the_slope(x[0]), 2 * jnp.cos(x[0]) * t[0]))


@jax.custom_vjp
def own_vjp(x):
    return jnp.sin(x) * x


own_vjp.defvjp(lambda x: (own_vjp(x), x), lambda x, g: ((jnp.cos(x) * x + jnp.sin(x)) * g,))


def while_until_large(x):
    def step(carry):
        return carry[0] + 1, 1.5 * carry[1] + jnp.sin(carry[1]) + 0.1

    return lax.while_loop(lambda c: jnp.sum(c[1] ** 2) < 9, step, (0, x))[1]


def scan_with_history(x):
    """Outputs that are stacked, a carry that starts without x, a counter, and x inside."""

    def step(carry, row):
        i, h = carry
        return (i + 1, jnp.tanh(h + row * x)), h * i

    (_, last), rows = lax.scan(step, (0, jnp.zeros(DIM)), normal(1, 3, DIM))
    return jnp.concatenate([last[None], rows])


def switch(x):
    index = jnp.clip(jnp.floor(2 * x[3] + 1).astype(int), 0, 2)
    return lax.switch(index, [jnp.sin, lambda x: jnp.ones(DIM), lambda x: x**3 + x], x)


def safe_norm(x):
    square = x @ x
    return jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1.0)), 0.0)


def straight_through(x):
    return (x + lax.stop_gradient(jnp.round(4 * x) / 4 - x)) ** 2


FORMULAS: dict[str, Callable] = {
    # Control flow and transformations.
    "while": lambda x: lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, jnp.sin(c[1] + x)), (0, x))[1],
    "while until large": while_until_large,
    "scan with history": scan_with_history,
    "cond": lambda x: lax.cond(x[0] > 0, lambda x: jnp.exp(x), lambda x: jnp.cos(x), x) * x,
    "cond without x in one branch": lambda x: lax.cond(x[1] < 1, lambda x: x * 0 + 2, jnp.sin, x) * x,
    "switch": switch,
    "jit and remat": jax.jit(jax.checkpoint(lambda x: jax.jit(jnp.sin)(x) * x[::-1])),
    "vmap inside": lambda x: jax.vmap(lambda a: jnp.sin(a * x).sum())(jnp.arange(3.0)),
    "mapped in batches": lambda x: lax.map(lambda a: jnp.sin(a) * x[0], x, batch_size=3),
    "custom_jvp": lambda x: twice_the_slope(x * x[0]),
    "custom_vjp": lambda x: own_vjp(x * x[0]),
    "jvp and vjp inside": lambda x: jax.vjp(jnp.sin, jax.jvp(jnp.tanh, (x,), (x**2,))[1])[1](x)[0],
    "constant": lambda x: jnp.arange(2.0),
    "constant in one entry": lambda x: jnp.stack([x[0] ** 2, jnp.array(3.0)]),
    "straight-through": straight_through,
    # Linear algebra.
    "solve": lambda x: jnp.linalg.solve(POSITIVE + jnp.outer(x, x[::-1]), jnp.sin(x)),
    "inverse": lambda x: jnp.linalg.inv(POSITIVE + SKEW * x)[0],
    "cholesky": lambda x: jnp.linalg.cholesky(POSITIVE + jnp.outer(x, x)).sum(0),
    "triangular solve": lambda x: lax.linalg.triangular_solve(
        POSITIVE + SKEW * x, jnp.outer(x, x), left_side=True, lower=False, transpose_a=True
    ),
    "log determinant": lambda x: jnp.linalg.slogdet(POSITIVE + jnp.outer(x, jnp.sin(x)))[1],
    "normal density": lambda x: jax.scipy.stats.multivariate_normal.logpdf(
        x, jnp.ones(DIM), POSITIVE + jnp.diag(x**2)
    ),
    "determinant": lambda x: jnp.linalg.det(SKEW + jnp.outer(x, jnp.cos(x))),
    "eigenvalues": lambda x: jnp.linalg.eigvalsh(DISTINCT + jnp.outer(x, x) + jnp.diag(jnp.sin(x))),
    "eigenvectors": lambda x: jnp.linalg.eigh(DISTINCT + jnp.outer(x, x) / 2)[1] ** 2,
    "singular values": lambda x: jnp.linalg.svd(DISTINCT + SKEW * x, compute_uv=False),
    "orthogonal": lambda x: jnp.linalg.qr(DISTINCT + SKEW * x)[0],
    "matrix exponential": lambda x: jax.scipy.linalg.expm(SKEW * x)[0],
    "matrix power": lambda x: jnp.linalg.matrix_power(SKEW + jnp.outer(x, x), 3)[0],
    "norm": lambda x: jnp.linalg.norm(x) * jnp.linalg.norm(x + 1, ord=1),
    "safe norm": safe_norm,
    "three operands": lambda x: jnp.einsum("i,j,k->ik", x, x**2, jnp.sin(x)),
    "batched products": lambda x: jnp.einsum("bij,bj->bi", jnp.sin(BATCH * x[0]), x.reshape(2, 2)),
    "FFT": lambda x: jnp.abs(jnp.fft.fft(x**2 + 1)) ** 2 + jnp.fft.irfft(jnp.fft.rfft(jnp.sin(x)) ** 2),
    "complex inside": lambda x: jnp.abs(jnp.exp((1 + 2j) * x) / (2 + 1j * x)) + jnp.angle(1j + x),
    "complex outside": lambda x: jnp.sin(x * (1 + 1j)) + jnp.conj(lax.complex(x, x**2)) * 1j,
    "complex solve": lambda x: jnp.linalg.solve(POSITIVE + 1j * jnp.outer(x, x), x + 0j),
    # Reductions, orders and indices.
    "logsumexp": lambda x: jax.nn.logsumexp(x * 3) + jax.nn.logsumexp(x, b=jnp.arange(1.0, 5.0)),
    "sums": lambda x: jnp.cumsum(jnp.sin(x)) + jnp.cumsum(x**2, axis=0)[::-1] + jnp.mean(x) * jnp.var(x),
    "products": lambda x: jnp.prod(1 + x) + jnp.prod(x) + jnp.cumprod(x + 1),
    "cumulative extrema": lambda x: lax.cummax(x**3) + lax.cummin(jnp.sin(x), reverse=True) * x,
    "cumlogsumexp": lambda x: lax.cumlogsumexp(3 * x) + lax.cumlogsumexp(x, reverse=True),
    "sort": lambda x: jnp.sort(jnp.sin(x)) * jnp.arange(4) + x[jnp.argsort(x)] ** 2,
    "top k": lambda x: lax.top_k(x**2, 2)[0] * lax.top_k(jnp.cos(x), 2)[1],
    "sort by key": lambda x: lax.sort((jnp.sin(x), x**2), num_keys=1)[1] * jnp.median(x),
    "extrema": lambda x: jnp.max(x**3) + jnp.min(jnp.exp(x)) * jnp.maximum(x, 2 * x) + jnp.argmin(x),
    "at": lambda x: jnp.sin(x).at[1].multiply(x[0]).at[:2].add(x[2:] ** 2).at[3].set(x[0] * x[1]),
    "scatter": lambda x: jnp.ones(3).at[jnp.array([0, 2, 2, 0])].add(x**2).at[jnp.array([1, 0])].max(x[:2]),
    "scatter products": lambda x: jnp.cos(x).at[jnp.array([3, 0])].multiply(x[:2], unique_indices=True),
    "segment sums": lambda x: jax.ops.segment_sum(x**2, jnp.array([0, 1, 1, 2]), num_segments=3),
    "gather": lambda x: jnp.take_along_axis(jnp.outer(x, x), PERMUTED[:, None], 1) * x[PERMUTED[:2]],
    "index by x": lambda x: jnp.sin(x)[jnp.floor(4 * x).astype(int) % 4] * jnp.roll(x, 1),
    "dynamic slices": lambda x: lax.dynamic_update_slice(
        x**2, lax.dynamic_slice(x, (jnp.floor(2 * x[0] + 1).astype(int),), (2,)), (1,)
    ),
    "shapes": lambda x: jnp.pad(x**2, (1, 2)) * jnp.repeat(x, 2)[1:] + jnp.tile(jnp.flip(x), 2)[:7],
    "interior padding": lambda x: lax.pad(jnp.sin(x), x[0], ((1, -1, 1),)) ** 2,
    "interp": lambda x: jnp.interp(x, GRID, GRID**2) + jnp.interp(0.2, jnp.arange(4.0) + x / 8, x**2),
    "nan-safe where": lambda x: jnp.where(x > 0.1, jnp.log(jnp.where(x > 0.1, x, 1.0)), x**2),
    "clip": lambda x: jnp.clip(x**2 + x, -0.1, 0.2) + lax.clamp(-x, x**2, x**2 + 1),
    "polynomial": lambda x: jnp.polyval(jnp.arange(1.0, 6.0), x) + jnp.convolve(x, x**2, mode="same"),
    # Functions of one number.
    "powers": lambda x: x**6 + x**3 * x[::-1] + (x + 2) ** -3 + 1 / (x + 2) + lax.rsqrt(x**2 + 1),
    "real powers": lambda x: (2 + x) ** 2.5 + 2.0**x + jnp.cbrt(2 + x) + jnp.hypot(x, 1.0),
    "traced exponent": lambda x: (1.5 + x) ** x[::-1] + jnp.float_power(2 + x, x),
    "logarithms": lambda x: jnp.log1p(x) + jnp.expm1(x) * jnp.log2(2 + x) + jnp.logaddexp(jnp.exp2(x), x[0]),
    "trigonometric": lambda x: jnp.tan(x) + jnp.arcsin(x) * jnp.arccos(x) + jnp.arctan(x) + jnp.sinc(x),
    "atan2": lambda x: jnp.arctan2(x, x[::-1] ** 2 + 1) + jnp.arctan2(x - 2, x),
    "hyperbolic": lambda x: jnp.sinh(x) * jnp.cosh(x) + jnp.arcsinh(x) + jnp.arctanh(x) + jnp.arccosh(2 + x),
    "rounding": lambda x: jnp.round(3 * x) * x + jnp.mod(x, 0.3) ** 2 + jnp.sign(x) * jnp.floor(x) + x % 1.0,
    "absolute values": lambda x: jnp.abs(x) ** 3 + jnp.abs(x) + jnp.copysign(x, -1.0),
    "error functions": lambda x: special.erf(x) + special.erfc(x) * special.erfinv(x) + special.log_ndtr(x),
    "normal quantile": lambda x: special.ndtri(special.ndtr(2 * x)) + special.logit(0.5 + x / 4),
    "gamma functions": lambda x: special.gammaln(2 + x) * special.digamma(2 + x),
    "polygamma": lambda x: special.polygamma(1, 2 + x),
    # Away from 0, near which the derivative of i1e cancels.
    "Bessel functions": lambda x: special.i0e(x + 1) + special.i1e(x + 1) * special.i0(x + 2),
    "incomplete gamma": lambda x: special.gammainc(1.5, 1 + x) + special.gammaincc(0.5, 1 + x),
    "incomplete beta": lambda x: special.betainc(1.5, 2.0, 0.5 + x / 2),
    "x log y": lambda x: special.xlogy(x, 2 + x) + special.xlog1py(2.0, x) + special.entr(1 + x),
    "precision cast": lambda x: x.astype(jnp.float32).astype(jnp.float64) ** 2 * x,
}  # fmt: skip

# Functions, and a point (one number for all entries, or a vector) at a kink, a tie or a repaired 0/0.
KINKS: dict[str, tuple[Callable, float | list[float]]] = {
    "relu leaky_relu elu": (lambda x: jnp.stack([jax.nn.relu(x), jax.nn.leaky_relu(x), jax.nn.elu(x)]), 0),
    "softplus mish sinc": (lambda x: jnp.stack([jax.nn.softplus(x), jax.nn.mish(x), jnp.sinc(x)]), 0),
    "relu6 at 6": (jax.nn.relu6, 6),
    "hard_tanh hard_sigmoid sparse_plus sparse_sigmoid": (
        lambda x: (
            jax.nn.hard_tanh(x - 2)
            + jax.nn.hard_sigmoid(x + 2) * jax.nn.sparse_plus(x)
            + jax.nn.sparse_sigmoid(x)
        ),
        1,
    ),
    "abs, sign and floor": (
        lambda x: jnp.abs(x) + jnp.abs(x) ** 3 + jnp.sign(x) * x**2 + jnp.floor(x) * x,
        0,
    ),
    "where": (lambda x: jnp.where(x > 0, jnp.sin(x), x**2 - x), 0),
    "clip from below": (lambda x: jnp.clip(x, 0.5, 2.0) + lax.clamp(0.5, x, 2.0) ** 2, 0.5),
    "clip from above": (lambda x: jnp.clip(x, 0.5, 2.0) + lax.clamp(0.5, x, 2.0) ** 2, 2),
    "maximum and minimum": (lambda x: jnp.maximum(jnp.sin(x), x**2) + jnp.minimum(x, -x) ** 2, 0),
    "max and min": (lambda x: jnp.max(jnp.sin(x)) + jnp.min(x) ** 2, [1.0, 2.0, 2.0, 1.0]),
    "cumulative extrema of ties": (lambda x: lax.cummax(x) * lax.cummin(x**2), [2.0, 1.0, 2.0, 2.0]),
    "sort and top k": (lambda x: jnp.sort(x)[:2] * lax.top_k(jnp.sin(x), 2)[0], [1.0, 2.0, 1.0, 2.0]),
    "median": (jnp.median, 1),
    "max pooling": (lambda x: eqx.nn.MaxPool1d(3, 1)(jnp.sin(x)[None]), 1),
    "segment max": (lambda x: jax.ops.segment_max(x**2, jnp.array([0, 0, 1, 0]), num_segments=2), 1),
    "scatter min": (lambda x: jnp.ones(2).at[jnp.array([0, 0, 1, 1])].min(x), [1.0, 2.0, 0.0, 0.0]),
    "logsumexp": (jax.nn.logsumexp, 1),
    "logsumexp without weight": (lambda x: jax.nn.logsumexp(x, b=jnp.array([1.0, 0.0, 2.0, 1.0])), 1),
    "softmax with mask": (lambda x: jax.nn.softmax(x, where=jnp.arange(4) < 3), 1),
    "logaddexp": (lambda x: jnp.logaddexp(x, 2 * x), 0),
    "safe norm": (safe_norm, 0),
    "norms of order 1 and inf": (lambda x: jnp.linalg.norm(x, 1) * jnp.linalg.norm(1 + x, jnp.inf), 0),
    "straight-through": (straight_through, 0.125),
    "remainder": (lambda x: jnp.mod(x, 0.5) * x + jnp.round(x), 0.5),
    "product of zeros": (lambda x: jnp.prod(x) + jnp.prod(x[:2]), 0),
    "powers": (lambda x: x**3 + x**0 + (1 + x) ** x, 0),
    "interp at a node": (lambda x: jnp.interp(x, jnp.arange(3.0), jnp.arange(3.0) ** 2), 1),
}
