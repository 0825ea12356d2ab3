"""One training step as the released script of STDE makes it, written anew.

The script is `sine_gordon.py --sparse` of github.com/sail-sg/stde at fae8866 (Shi, Hu, Lin, Kawaguchi,
NeurIPS 2024), for the two-body Sine-Gordon equation. Its network sees x as it is, and its output has no
scale. Coordinates are drawn once a step and shared by all points, so that the first layer sees 16 tangents
rather than 1600.

That this is as fast as the script was measured by both in turn in one process, on two busy CPU cores with
jax 0.10.2, batch 100, 16 samples. Medians per step in milliseconds, script / this, and the ratio:

| dimensions | CPU time | wall time |
|---|---|---|
| 100 | 18.0 / 18.1, 1.01 | 36.1 / 36.0, 1.00 |
| 1000 | 27.3 / 26.8, 0.98 | 65.1 / 63.9, 0.98 |
| 10 000 | 179 / 179, 1.00 | 444 / 444, 1.00 |
"""

from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import optax
from jax.experimental.jet import jet
from jaxtyping import Array, Float, Int, PRNGKeyArray

import stde_core as stde
from stde_pdes import Problem

from ..runner import Work
from . import Setting

Parameters: TypeAlias = tuple[tuple[Array, Array], ...]  # weight `[in, out]` and bias of each layer

_STEPS = 10_000


def initial(sizes: tuple[int, ...], *, key: PRNGKeyArray) -> Parameters:
    """Weights from a normal distribution cut at 2σ with σ = 1/√in, biases 0."""
    keys = jax.random.split(key, len(sizes) - 1)
    return tuple(
        (jax.random.truncated_normal(key, -2, 2, (inputs, outputs)) / inputs**0.5, jnp.zeros(outputs))
        for key, inputs, outputs in zip(keys, sizes[:-1], sizes[1:], strict=True)
    )


def model(parameters: Parameters, x: stde.Point) -> Float[Array, ""]:
    """(1−|x|²) net(x), a tanh MLP."""
    *hidden, (last, offset) = parameters
    y = x
    for weight, bias in hidden:
        y = jnp.tanh(y @ weight + bias)
    return (1 - jnp.sum(x**2)) * jnp.squeeze(y @ last + offset)


def u_and_laplacian(
    u: stde.Model, x: stde.Point, indices: Int[Array, " n"]
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """u and d times the mean of the second derivatives along some coordinates: a 2-jet along each row of
    the identity."""
    dim = x.shape[0]

    def second(v: Float[Array, " d"]) -> tuple[Array, Array]:
        value, (_, curvature) = jet(u, (x,), ((v, jnp.zeros(dim)),))
        return value, curvature

    values, curvatures = jax.vmap(second)(jnp.eye(dim)[indices])
    return values[0], dim * jnp.mean(curvatures)


def source(coefficients: Float[Array, " pairs"], x: stde.Point) -> Float[Array, ""]:
    """Δu + sin u of u = a b with a = 1−|x|², b = Σ c_i sin φ_i, φ_i = x_i + cos x_{i+1} + x_{i+1} cos x_i.

    By the product rule, with the gradient of b and its second derivatives written out as vectors.
    """
    left, right = x[:-1], x[1:]
    phi = left + jnp.cos(right) + right * jnp.cos(left)
    sine, cosine = coefficients * jnp.sin(phi), coefficients * jnp.cos(phi)
    in_left, in_right = 1 - right * jnp.sin(left), jnp.cos(left) - jnp.sin(right)
    gradient = _pairs(cosine * in_left, cosine * in_right)
    second = -_pairs(
        sine * in_left**2 + cosine * right * jnp.cos(left), sine * in_right**2 + cosine * jnp.cos(right)
    )
    a, b = 1 - jnp.sum(x**2), jnp.sum(sine)
    return jnp.sum(a * second - 4 * x * gradient - 2 * b) + jnp.sin(a * b)


def _pairs(left: Float[Array, " pairs"], right: Float[Array, " pairs"]) -> Float[Array, " d"]:
    """What every coordinate gets from the pairs in which it is the left, or the right one."""
    return jnp.zeros(left.shape[0] + 1).at[:-1].add(left).at[1:].add(right)


def points(batch: int, dim: int, *, key: PRNGKeyArray) -> Float[Array, "b d"]:
    """x = r z/|z| with r uniform on [0, 1] and z normal."""
    radius_key, direction_key = jax.random.split(key)
    z = jax.random.normal(direction_key, (batch, dim))
    return z / jnp.linalg.norm(z, axis=-1, keepdims=True) * jax.random.uniform(radius_key, (batch, 1))


def loss(
    parameters: Parameters,
    coefficients: Float[Array, " pairs"],
    x: Float[Array, "b d"],
    indices: Int[Array, " n"],
) -> Float[Array, ""]:
    """The mean squared residual; all points share the coordinates."""

    def residual(x: stde.Point) -> Array:
        u, laplacian = u_and_laplacian(lambda x: model(parameters, x), x, indices)
        return laplacian + jnp.sin(u) - source(coefficients, x)

    return jnp.mean(jax.vmap(residual)(x) ** 2)


def step(problem: Problem, network: Any, setting: Setting) -> Work:
    """Fresh points and coordinates, loss, gradient, and Adam with a rate that falls to 0 over the steps.

    `network` says the sizes of the layers. As in the script, the buffers of the state are not given away.
    """
    sizes = (*(layer.in_features for layer in network.layers), 1)
    optimiser = optax.adam(optax.linear_schedule(setting.learning_rate, 0.0, _STEPS))
    solution: Any = problem.solution

    def advance(state: Any, step: Array) -> tuple[Any, Array]:
        parameters, moments, key = state
        key, points_key, indices_key = jax.random.split(key, 3)
        x = points(setting.batch, problem.dim, key=points_key)
        indices = jax.random.choice(indices_key, problem.dim, (setting.num_samples,), replace=False)
        value, gradient = jax.value_and_grad(loss)(parameters, solution.coefficients, x, indices)
        updates, moments = optimiser.update(gradient, moments, parameters)
        return (optax.apply_updates(parameters, updates), moments, key), value

    key, network_key = jax.random.split(jax.random.key(setting.seed))
    parameters = initial(sizes, key=network_key)
    return Work(advance, (parameters, optimiser.init(parameters), key), advances=True, donates=False)
