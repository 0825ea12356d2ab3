"""A zoo of models `R^4 -> array`, by name: factories, so that a model is built when it is tested.

Networks have biases only where they say so: without, all that they compute at the origin sits at
the kinks of their activations.
"""

import functools
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from engine_formulas import DIM, FORMULAS, normal
from jax import lax

NETWORKS: dict[str, Callable[[], Callable]] = {}


def key(seed: int) -> jax.Array:
    return jax.random.key(seed)


def network(name: str) -> Callable:
    def register(factory):
        NETWORKS[name] = factory
        return factory

    return register


def with_activations(*activations: Callable) -> Callable:
    """For each, two layers without bias and between them the activation of the whole vector."""
    first, last = (eqx.nn.Linear(*size, use_bias=False, key=key(9)) for size in ((DIM, 5), (5, 2)))
    layers = [eqx.nn.Sequential([first, eqx.nn.Lambda(f), last]) for f in activations]
    return lambda x: jnp.stack([layer(x) for layer in layers])


# Some at a time: what a test costs is for the most part not the activation.
NAMES = """
relu relu6 leaky_relu elu celu selu identity
hard_sigmoid hard_silu hard_tanh sparse_plus sparse_sigmoid
tanh sigmoid silu soft_sign log_sigmoid
softplus mish gelu squareplus
softmax log_softmax standardize
"""
OTHERS: dict[str, Callable] = {
    "exact gelu": functools.partial(jax.nn.gelu, approximate=False),
    "glu": lambda a: jax.nn.glu(jnp.concatenate([a, 2 * a])),
    "log1mexp": lambda a: jax.nn.log1mexp(1 + a**2) + jax.nn.log1mexp(0.2 + a**2),
    "logsumexp": lambda a: a * jax.nn.logsumexp(a),
    "logmeanexp": lambda a: a + jax.nn.logmeanexp(a),
    "one_hot": lambda a: jax.nn.one_hot(jnp.argmax(a), 5, dtype=a.dtype) * a**2,
    "sinc": jnp.sinc,
    "PReLU": lambda a: eqx.nn.PReLU(0.1)(a),
}
NETWORKS |= {
    line: functools.partial(with_activations, *(getattr(jax.nn, name) for name in line.split()))
    for line in NAMES.strip().splitlines()
}
NETWORKS |= {
    ", ".join(names): functools.partial(with_activations, *(OTHERS[name] for name in names))
    for names in (list(OTHERS)[:4], list(OTHERS)[4:])
}
NETWORKS |= {
    "dot_product_attention": lambda: with_activations(
        lambda a: jax.nn.dot_product_attention(*[a.reshape(5, 1, 1)] * 3).ravel()
    ),
    "MLP": lambda: eqx.nn.MLP(DIM, 2, 6, 3, jnp.tanh, key=key(0)),
    "MLP of relu": lambda: eqx.nn.MLP(DIM, "scalar", 6, 2, key=key(1)),
    "MLP of sine": lambda: eqx.nn.MLP(DIM, "scalar", 6, 2, lambda a: jnp.sin(3 * a), key=key(2)),
}


@network("conv net 1d")
def _():
    first = eqx.nn.Conv1d(1, 2, 3, padding=1, key=key(1))
    last = eqx.nn.Conv1d(2, 2, 2, dilation=2, use_bias=False, key=key(2))
    return eqx.nn.Sequential([eqx.nn.Lambda(lambda x: x[None]), first, eqx.nn.Lambda(jnp.tanh), last])


@network("conv net 2d")
def _():
    """Strides, groups, and all three ways to pool an image of 6×6."""
    image, kernel = normal(1, 1, 36, DIM), functools.partial(eqx.nn.Conv2d, use_bias=False)
    one, two = kernel(1, 2, 3, padding=1, key=key(2)), kernel(2, 4, 2, groups=2, padding="SAME", key=key(3))

    def model(x):
        maximum = eqx.nn.MaxPool2d(2, 2)(jnp.tanh(one((image @ x).reshape(1, 6, 6))))
        average = eqx.nn.AvgPool2d(2, 1)(two(maximum) ** 2)
        return eqx.nn.AdaptiveAvgPool2d((1, 1))(average).ravel()

    return model


@network("transposed conv")
def _():
    up = eqx.nn.ConvTranspose1d(1, 2, 3, stride=2, output_padding=1, padding=1, key=key(1))
    return lambda x: eqx.nn.AdaptiveMaxPool1d(3)(jnp.sin(up(x[None])))


@network("attention block")
def _():
    attention = eqx.nn.MultiheadAttention(2, 3, key=key(1))
    norm, tokens = eqx.nn.LayerNorm(3), normal(2, 3, 3, DIM)

    def model(x):
        h = tokens @ x + normal(3, 3, 3)
        n = jax.vmap(norm)(h)
        return h + attention(n, n, n, mask=jnp.tril(jnp.ones((3, 3), bool)))

    return model


@network("attention with rotary embedding")
def _():
    attention, rotary = eqx.nn.MultiheadAttention(1, 4, key=key(1)), eqx.nn.RotaryPositionalEmbedding(4)
    turn = lambda q, k, v: (*(jax.vmap(rotary, 1, 1)(a) for a in (q, k)), v)  # noqa: E731
    return lambda x: attention(*[jnp.outer(jnp.arange(1.0, 4.0), x)] * 3, process_heads=turn).sum(0)


@network("residual net with norms")
def _():
    layers = [eqx.nn.Linear(DIM, DIM, key=k) for k in jax.random.split(key(1))]
    norms = [eqx.nn.LayerNorm(DIM), eqx.nn.GroupNorm(2, DIM)]

    def model(x):
        for layer, norm in zip(layers, norms, strict=True):
            x = x + jnp.tanh(layer(norm(x + normal(2, DIM))))
        return x

    return model


@network("RMS norm")
def _():
    norm, last = eqx.nn.RMSNorm(DIM), eqx.nn.Linear(DIM, 2, key=key(1))
    return lambda x: last(jax.nn.silu(norm(x + 1)))


@network("batch norm in inference mode")
def _():
    norm, state = eqx.nn.make_with_state(eqx.nn.BatchNorm)(DIM, "batch", mode="batch")
    train = jax.vmap(norm, axis_name="batch", in_axes=(0, None), out_axes=(0, None))
    _, state = train(normal(1, 8, DIM), state)
    still = eqx.nn.inference_mode(norm)
    return lambda x: jnp.tanh(still(x, state)[0])


@network("weight and spectral norm")
def _():
    weight = eqx.nn.WeightNorm(eqx.nn.Linear(DIM, 3, key=key(1)))
    spectral, state = eqx.nn.make_with_state(eqx.nn.SpectralNorm)(
        eqx.nn.Linear(3, 2, key=key(2)), "weight", inference=True, key=key(3)
    )
    return lambda x: spectral(jnp.sin(weight(x)), state)[0]


@network("GRU by scan")
def _():
    cell = eqx.nn.GRUCell(2, 3, key=key(1))
    return lambda x: lax.scan(lambda h, a: (cell(a, h), h.sum()), jnp.zeros(3), x.reshape(2, 2))[0]


@network("LSTM by scan")
def _():
    cell = eqx.nn.LSTMCell(1, 2, key=key(1))

    def model(x):
        (h, c), out = lax.scan(
            lambda s, a: (cell(a, s), s[1]), (x[:2], jnp.ones(2)), x[::-1, None], reverse=True
        )
        return jnp.concatenate([h, c, out.ravel()])

    return model


@network("scan over layers")
def _():
    layers = eqx.filter_vmap(lambda k: eqx.nn.Linear(DIM, DIM, key=k))(jax.random.split(key(1), 3))
    arrays, static = eqx.partition(layers, eqx.is_array)
    return lambda x: lax.scan(lambda h, a: (h + jnp.tanh(eqx.combine(a, static)(h)), None), x, arrays)[0]


@network("Fourier features")
def _():
    matrix, last = normal(1, 3, DIM), eqx.nn.MLP(6, "scalar", 5, 1, jnp.tanh, key=key(2))
    return lambda x: last(jnp.concatenate([jnp.sin(matrix @ x), jnp.cos(matrix @ x)]))


@network("weight-shared first layer")
def _():
    first, last = eqx.nn.Linear(2, 3, key=key(1)), eqx.nn.Linear(6, 1, key=key(2))
    return lambda x: last(jnp.tanh(jax.vmap(first)(x.reshape(2, 2))).ravel())


@network("embedding by floor(x)")
def _():
    table, shared = eqx.nn.Embedding(5, DIM, key=key(1)), eqx.nn.Linear(DIM, 2, key=key(2))
    return lambda x: shared(table(jnp.clip(jnp.floor(4 * x[0]).astype(int), 0, 4)) * x**2)


@network("softmax mixture of experts")
def _():
    experts = eqx.filter_vmap(lambda k: eqx.nn.MLP(DIM, 2, 3, 1, jnp.tanh, key=k))(
        jax.random.split(key(1), 3)
    )
    gate = eqx.nn.Linear(DIM, 3, key=key(2))
    apply = eqx.filter_vmap(lambda expert, x: expert(x), in_axes=(eqx.if_array(0), None))
    return lambda x: jax.nn.softmax(gate(x)) @ apply(experts, x)


@network("dropout in inference mode, remat and jit")
def _():
    layer, dropout = eqx.nn.Linear(DIM, 3, key=key(1)), eqx.nn.Dropout(0.5, inference=True)
    return eqx.filter_jit(eqx.filter_checkpoint(lambda x: jnp.sin(dropout(layer(x))) * x[0]))


@network("jax.grad inside")
def _():
    energy = eqx.nn.MLP(DIM, "scalar", 4, 1, jax.nn.softplus, key=key(1))
    return lambda x: jax.grad(energy)(x) * x


@network("jax.hessian inside")
def _():
    energy = eqx.nn.MLP(DIM, "scalar", 3, 1, jnp.tanh, key=key(1))
    return lambda x: jnp.linalg.slogdet(2 * jnp.eye(DIM) + jax.hessian(energy)(x))[1]


@network("implicit layer")
def _():
    """Three Newton steps for y + tanh(Wy)/2 = x."""
    matrix = normal(1, DIM, DIM) / 2
    gap = lambda y, x: y + jnp.tanh(matrix @ y) / 2 - x  # noqa: E731
    step = lambda i, y, x: y - jnp.linalg.solve(jax.jacfwd(gap)(y, x), gap(y, x))  # noqa: E731
    return lambda x: lax.fori_loop(0, 3, lambda i, y: step(i, y, x), x)


ZOO: dict[str, Callable[[], Callable]] = NETWORKS | {
    name: functools.partial(lambda f: f, f) for name, f in FORMULAS.items()
}

# What nested `jax.jvp` cannot be asked: there is no forward rule, so the body is what counts.
REFERENCES: dict[str, Callable] = {"custom_vjp": lambda x: jnp.sin(x * x[0]) * x * x[0]}

# Where nested AD itself has no finite derivatives at the origin.
NOT_AT_THE_ORIGIN = {"norm": "√ has no slope at 0"}

# What takes XLA longest, and formulas of which test_taylor.py and test_scalars.py have a cheaper version.
SLOW = (
    """
attention with rotary embedding|attention block|conv net 2d|weight and spectral norm|implicit layer
softmax mixture of experts
cholesky|triangular solve|complex solve|normal density|determinant|inverse|matrix exponential|matrix power
eigenvalues|eigenvectors|singular values|orthogonal|complex inside|products
cumulative extrema|cumlogsumexp|interp|polygamma
real powers|traced exponent|logarithms|trigonometric|atan2|hyperbolic|error functions|normal quantile
gamma functions|Bessel functions|batched products|three operands|polynomial|sort by key|mapped in batches
jvp and vjp inside|segment sums|gather|scatter products|interior padding|cond without x in one branch
jax.hessian inside|FFT|log determinant|norm
MLP of sine|cumulative extrema of ties|norms of order 1 and inf|median
residual net with norms|dot_product_attention|exact gelu, glu, log1mexp, logsumexp
softmax log_softmax standardize
LSTM by scan|GRU by scan|jax.grad inside|scan over layers|Fourier features|conv net 1d|transposed conv
softplus mish gelu squareplus|tanh sigmoid silu soft_sign log_sigmoid|logmeanexp, one_hot, sinc, PReLU
relu relu6 leaky_relu elu celu selu identity|hard_sigmoid hard_silu hard_tanh sparse_plus sparse_sigmoid
logsumexp|sums|incomplete gamma|softplus mish sinc|product of zeros|logaddexp|softmax with mask
""".strip()
    .replace("\n", "|")
    .split("|")
)

# Where numbers of single precision are inside, each derivative is rounded to it.
SINGLE_PRECISION = {"dot_product_attention", "precision cast"}


def warp(x: jax.Array) -> jax.Array:
    """A curved map of R^4 with 0 ↦ 0, so that every coefficient of what comes after is at work."""
    return jnp.sin(WARP[0] @ x) + (WARP[1] @ x) ** 2


WARP = 0.4 * np.asarray(normal(77, 2, DIM, DIM))
