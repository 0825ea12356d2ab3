"""Networks, as blueprints that are built when the number of inputs is known, and features for them."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from stde_core import Model, as_int, check_choice, check_count, check_flag, check_key
from stde_core.checks import in_short

from ._checks import check_least, check_positive

# Smooth ones by name: whatever is differentiated twice and more must not have kinks.
ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "tanh": jnp.tanh,
    "sin": jnp.sin,
    "gelu": jax.nn.gelu,
    "silu": jax.nn.silu,
}
Activation: TypeAlias = Literal["tanh", "sin", "gelu", "silu"]
Outputs: TypeAlias = int | Literal["scalar"]

# Layers are written out one by one: more of them would take hours to compile.
MOST_LAYERS = 1000


@dataclass(frozen=True)
class AbstractNetwork(ABC):
    """A blueprint: `network(num_inputs, outputs, key=key)` builds a model `[num_inputs] -> [outputs]`.

    With "scalar", which is the default of `outputs`, the model gives a scalar. The fields of a
    blueprint become `-m name=value` of `stde solve`.
    """

    @abstractmethod
    def __call__(self, num_inputs: int, outputs: Outputs = "scalar", *, key: PRNGKeyArray) -> Model:
        """Builds the network. Raises `ValueError` for a number of inputs that does not suit it."""


@dataclass(frozen=True)
class MLP(AbstractNetwork):
    """A multilayer perceptron: `depth` hidden layers of `width` units."""

    width: int = 128
    depth: int = 3
    activation: Activation = "tanh"

    def __post_init__(self) -> None:
        _check_layers(self)

    def __call__(self, num_inputs: int, outputs: Outputs = "scalar", *, key: PRNGKeyArray) -> eqx.nn.MLP:
        _check_call(self, num_inputs, outputs, key)
        return _perceptron(self, num_inputs, outputs, key)


@dataclass(frozen=True)
class Siren(AbstractNetwork):
    """A network of sines, `sin(ω(Wx + b))` in every hidden layer, for solutions that oscillate.

    `frequency` is ω: a first layer has weights of at most 1/inputs, so that ω is about the highest
    angular frequency in a domain of size 1, and all after it have weights of at most √(6/width)/ω,
    for which sums of sines stay of the size of 1 in any depth. Source: Sitzmann et al. (2020), where ω is 30.
    """

    width: int = 128
    depth: int = 3
    frequency: float = 30.0

    def __post_init__(self) -> None:
        _check_layers(self)
        check_positive("Siren(frequency)", self.frequency)

    def __call__(self, num_inputs: int, outputs: Outputs = "scalar", *, key: PRNGKeyArray) -> eqx.nn.MLP:
        _check_call(self, num_inputs, outputs, key)
        sine = _Sine(self.frequency)
        mlp = eqx.nn.MLP(num_inputs, outputs, self.width, self.depth, sine, key=key)
        # Equinox draws all weights up to 1/√(inputs of the layer).
        factors = [num_inputs**-0.5, *[6**0.5 / self.frequency] * self.depth]
        scaled = [factor * layer.weight for factor, layer in zip(factors, mlp.layers, strict=True)]
        return eqx.tree_at(lambda m: [layer.weight for layer in m.layers], mlp, scaled)


class _Sine(eqx.Module):
    frequency: float = eqx.field(static=True)

    def __call__(self, x: Float[Array, "..."]) -> Float[Array, "..."]:
        return jnp.sin(self.frequency * x)


@dataclass(frozen=True)
class Residual(AbstractNetwork):
    """A residual network: `depth` blocks `z + φ(W z + b)` of `width` units between two linear layers.

    With `norm`, layer normalisation comes first in every block. Source: He et al. (2016), with one
    layer per block; Ba, Kiros and Hinton (2016) for the norm.
    """

    width: int = 128
    depth: int = 3
    activation: Activation = "tanh"
    norm: bool = False

    def __post_init__(self) -> None:
        _check_layers(self)
        check_flag("Residual(norm)", self.norm)

    def __call__(self, num_inputs: int, outputs: Outputs = "scalar", *, key: PRNGKeyArray) -> "ResidualNet":
        _check_call(self, num_inputs, outputs, key)
        first, last, *blocks = jax.random.split(key, self.depth + 2)
        return ResidualNet(
            first=eqx.nn.Linear(num_inputs, self.width, key=first),
            blocks=tuple(eqx.nn.Linear(self.width, self.width, key=block) for block in blocks),
            norms=tuple(eqx.nn.LayerNorm(self.width) if self.norm else eqx.nn.Identity() for _ in blocks),
            last=eqx.nn.Linear(self.width, outputs, key=last),
            activation=ACTIVATIONS[self.activation],
        )


class ResidualNet(eqx.Module):
    """A layer in, blocks `z + φ(W norm(z) + b)`, and a layer out."""

    first: eqx.nn.Linear
    blocks: tuple[eqx.nn.Linear, ...]
    norms: tuple[eqx.nn.LayerNorm | eqx.nn.Identity, ...]
    last: eqx.nn.Linear
    activation: Callable[[Array], Array] = eqx.field(static=True)

    def __call__(self, x: Float[Array, " inputs"]) -> Float[Array, "*outputs"]:
        z = self.first(x)
        for norm, block in zip(self.norms, self.blocks, strict=True):
            z = z + self.activation(block(norm(z)))
        return self.last(z)


class Frozen(eqx.Module):
    """An array of a network that is not trained; called, it gives the array, without gradient.

    `train` keeps no gradient and no moments for it, and a run does not count it among its parameters.
    """

    array: Float[Array, "..."]

    def __call__(self) -> Float[Array, "..."]:
        return jax.lax.stop_gradient(self.array)


def split_trained(network: Any) -> tuple[Any, Any]:
    """The trained numbers of a network, and the rest of it, which `eqx.combine` puts together."""
    return eqx.partition(network, eqx.is_inexact_array, is_leaf=lambda node: isinstance(node, Frozen))


@dataclass(frozen=True)
class Fourier(AbstractNetwork):
    """A perceptron of random Fourier features, for solutions with fine detail.

    The features are `cos 2πf·x` and `sin 2πf·x` for `num_frequencies` random vectors f, which are not
    trained; their entries are normal with standard deviation `scale`/√d, so that `scale` is the
    typical number of waves in a unit length in any dimension d. Source: Tancik et al. (2020), which
    leaves the √d out.
    """

    width: int = 128
    depth: int = 3
    activation: Activation = "tanh"
    num_frequencies: int = 64
    scale: float = 1.0

    def __post_init__(self) -> None:
        check_count("Fourier(num_frequencies)", self.num_frequencies)
        check_positive("Fourier(scale)", self.scale)
        _check_layers(self)

    def __call__(self, num_inputs: int, outputs: Outputs = "scalar", *, key: PRNGKeyArray) -> "FourierNet":
        _check_call(self, num_inputs, outputs, key)
        frequency_key, mlp_key = jax.random.split(key)
        frequencies = _frequencies(self, num_inputs, frequency_key)
        return FourierNet(frequencies, _perceptron(self, 2 * self.num_frequencies, outputs, mlp_key))


class FourierNet(eqx.Module):
    """`x -> mlp([cos 2πFx, sin 2πFx])` with frequencies F, `[frequencies, inputs]`, that are not trained."""

    frequencies: Frozen
    mlp: eqx.nn.MLP

    def __call__(self, x: Float[Array, " inputs"]) -> Float[Array, "*outputs"]:
        return self.mlp(_waves(self.frequencies(), x))


def _frequencies(network: Any, num_inputs: int, key: PRNGKeyArray) -> Frozen:
    normal = jax.random.normal(key, (network.num_frequencies, num_inputs))
    return Frozen(network.scale / num_inputs**0.5 * normal)


def _waves(frequencies: Float[Array, "n inputs"], x: Float[Array, " inputs"]) -> Float[Array, " 2*n"]:
    phases = 2 * math.pi * (frequencies @ x)
    return jnp.concatenate([jnp.cos(phases), jnp.sin(phases)])


@dataclass(frozen=True)
class ModifiedMLP(AbstractNetwork):
    """A perceptron with two encoders and factorised weights, which many equations are easier to train with.

    With `u = φ(W x + b)` and `v = φ(W′x + b′)` of the inputs, every hidden layer is `h = φ(W z + b)`,
    `z ← h u + (1 − h) v` (Wang, Teng, Perdikaris, 2021). All weights are `W = diag(exp s) V`, whose s
    and V are trained, with s normal at first (`mean`, `stddev`) and W as Glorot has it (Wang, Wang,
    Seidman, Perdikaris, 2022). With `num_frequencies` > 0 the inputs are first made the random waves
    of `Fourier`, of its `scale`. The defaults of `mean` and `stddev` are those of jaxpi.
    """

    width: int = 128
    depth: int = 3
    activation: Activation = "tanh"
    num_frequencies: int = 0
    scale: float = 1.0
    mean: float = 0.5
    stddev: float = 0.1

    def __post_init__(self) -> None:
        _check_layers(self, least_depth=1)
        check_count("ModifiedMLP(num_frequencies)", self.num_frequencies, least=0)
        check_positive("ModifiedMLP(scale)", self.scale)
        check_least("ModifiedMLP(mean)", self.mean, 0)
        check_least("ModifiedMLP(stddev)", self.stddev, 0)

    def __call__(
        self, num_inputs: int, outputs: Outputs = "scalar", *, key: PRNGKeyArray
    ) -> "ModifiedMLPNet":
        _check_call(self, num_inputs, outputs, key)
        frequency_key, *keys = jax.random.split(key, self.depth + 4)
        waves = _frequencies(self, num_inputs, frequency_key) if self.num_frequencies else None
        # Two encoders, the hidden layers, and the layer out.
        inputs = [2 * self.num_frequencies or num_inputs] * 3 + [self.width] * self.depth
        units = [self.width] * (self.depth + 2) + [1 if outputs == "scalar" else outputs]
        layers = [self._layer(*shape, key) for *shape, key in zip(units, inputs, keys, strict=True)]
        first, second, *hidden, last = layers
        activation = ACTIVATIONS[self.activation]
        return ModifiedMLPNet(waves, first, second, tuple(hidden), last, activation, outputs)

    def _layer(self, outputs: int, inputs: int, key: PRNGKeyArray) -> "FactorisedLinear":
        weight_key, scale_key = jax.random.split(key)
        weight = jax.nn.initializers.glorot_normal(-1, -2)(weight_key, (outputs, inputs))
        log_scale = self.mean + self.stddev * jax.random.normal(scale_key, (outputs,))
        return FactorisedLinear(weight / jnp.exp(log_scale)[:, None], log_scale, jnp.zeros(outputs))


class FactorisedLinear(eqx.Module):
    """`x -> diag(exp s) V x + b`."""

    direction: Float[Array, "outputs inputs"]
    log_scale: Float[Array, " outputs"]
    bias: Float[Array, " outputs"]

    def __call__(self, x: Float[Array, " inputs"]) -> Float[Array, " outputs"]:
        return jnp.exp(self.log_scale) * (self.direction @ x) + self.bias


class ModifiedMLPNet(eqx.Module):
    """Layers `z ← h u + (1 − h) v`, `h = φ(W z + b)`, between two encoders u, v and a layer out."""

    frequencies: Frozen | None
    first: FactorisedLinear
    second: FactorisedLinear
    hidden: tuple[FactorisedLinear, ...]
    last: FactorisedLinear
    activation: Callable[[Array], Array] = eqx.field(static=True)
    outputs: Outputs = eqx.field(static=True)

    def __call__(self, x: Float[Array, " inputs"]) -> Float[Array, "*outputs"]:
        z = x if self.frequencies is None else _waves(self.frequencies(), x)
        u, v = self.activation(self.first(z)), self.activation(self.second(z))
        for layer in self.hidden:
            h = self.activation(layer(z))
            z = h * u + (1 - h) * v
        values = self.last(z)
        return values[0] if self.outputs == "scalar" else values


@dataclass(frozen=True)
class BlockShared(AbstractNetwork):
    """A perceptron after a first layer whose weights all blocks of `block_size` coordinates share.

    The first layer is a convolution of one channel whose filter and stride are `block_size`, B: of d
    inputs it makes d/B features by B + 1 parameters, and the perceptron after it has width·d/B in
    its first layer in place of width·d. The last `unshared` inputs, such as time, go past it.
    Source: weight sharing of STDE (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024), with the activation after
    the first layer that the published code has by default.
    """

    block_size: int = 50
    width: int = 128
    depth: int = 3
    activation: Activation = "tanh"
    unshared: int = 0

    def __post_init__(self) -> None:
        check_count("BlockShared(block_size)", self.block_size)
        check_count("BlockShared(unshared)", self.unshared, least=0)
        _check_layers(self)

    def __call__(
        self, num_inputs: int, outputs: Outputs = "scalar", *, key: PRNGKeyArray
    ) -> "BlockSharedNet":
        """Raises `ValueError` where blocks of that size do not fill the inputs."""
        _check_call(self, num_inputs, outputs, key)
        shared = num_inputs - self.unshared
        if shared <= 0 or shared % self.block_size:
            raise ValueError(_misfit(num_inputs, self.block_size, self.unshared))
        block_key, mlp_key = jax.random.split(key)
        # As large as those of any linear layer of Equinox.
        limit = self.block_size**-0.5
        weights = jax.random.uniform(block_key, (self.block_size + 1,), minval=-limit, maxval=limit)
        mlp = _perceptron(self, shared // self.block_size + self.unshared, outputs, mlp_key)
        return BlockSharedNet(weights[:-1], weights[-1], mlp, ACTIVATIONS[self.activation], shared)


def _misfit(num_inputs: int, block_size: int, unshared: int) -> str:
    """Why blocks do not fill the inputs, with the nearest sizes that would, and how many are left over."""
    shared = num_inputs - unshared
    if shared <= 0:
        return (
            f"`BlockShared(unshared)` needs an integer < {num_inputs}, the number of inputs, got {unshared}."
        )
    below = next(size for size in range(min(block_size, shared), 0, -1) if shared % size == 0)
    above = next((size for size in range(block_size, shared + 1) if shared % size == 0), None)
    nearest = f"nearest are {below} and {above}" if above else f"nearest is {below}"
    rest = shared % block_size
    past = f"; with `unshared={unshared + rest}` the last {rest} go past the blocks" if rest < shared else ""
    return (
        f"`BlockShared(block_size)` needs a divisor of {shared}, the number of shared inputs, "
        f"got {block_size}; the {nearest}{past}."
    )


class BlockSharedNet(eqx.Module):
    """`x -> mlp([φ(w·b + β) for the blocks b of x], the rest of x)`."""

    kernel: Float[Array, " block_size"]
    bias: Float[Array, ""]
    mlp: eqx.nn.MLP
    activation: Callable[[Array], Array] = eqx.field(static=True)
    num_shared: int = eqx.field(static=True)

    def __call__(self, x: Float[Array, " inputs"]) -> Float[Array, "*outputs"]:
        blocks = x[: self.num_shared].reshape(-1, self.kernel.shape[0])
        # A sum of products rather than a matrix product: XLA then makes no copy of all points.
        features = self.activation(jnp.sum(blocks * self.kernel, axis=1) + self.bias)
        return self.mlp(jnp.concatenate([features, x[self.num_shared :]]))


def periodic(x: Float[Array, ""], period: float, harmonics: int = 1) -> Float[Array, " 2*{harmonics}"]:
    """`cos(2πkx/L), sin(2πkx/L)` for k = 1 … harmonics, of one coordinate x with period L.

    A network of these features, and of no other of x, is periodic in x with all its derivatives,
    up to rounding. Source: Dong and Ni (2021). Raises `ValueError` for a period that is
    not positive, or harmonics that are no integer ≥ 1.
    """
    check_count("harmonics", harmonics)
    check_positive("period", period)
    if jnp.ndim(x) != 0:
        raise ValueError(f"`periodic(x, …)` takes one coordinate of a point, got shape {jnp.shape(x)}.")
    phases = 2 * math.pi / period * jnp.arange(1, harmonics + 1, dtype=jnp.result_type(x)) * x
    return jnp.concatenate([jnp.cos(phases), jnp.sin(phases)])


def _perceptron(network: Any, num_inputs: int, outputs: Outputs, key: PRNGKeyArray) -> eqx.nn.MLP:
    activation = ACTIVATIONS[network.activation]
    return eqx.nn.MLP(num_inputs, outputs, network.width, network.depth, activation, key=key)


def _check_layers(network: Any, least_depth: int = 0) -> None:
    name = type(network).__name__
    check_count(f"{name}(width)", network.width)
    check_count(f"{name}(depth)", network.depth, least=least_depth, most=MOST_LAYERS)
    if hasattr(network, "activation"):
        check_choice(f"{name}(activation)", network.activation, ACTIVATIONS)


def _check_call(network: AbstractNetwork, num_inputs: Any, outputs: Any, key: Any) -> None:
    """Raises `ValueError` or `TypeError` for what no network can be built with."""
    call = f"{type(network).__name__}(…)"
    check_count(f"{call}(num_inputs)", as_int(num_inputs))
    check_key(f"{call}(num_inputs, key=…)", key)
    if outputs != "scalar" and (not isinstance(outputs, int) or outputs is True or outputs < 1):
        raise ValueError(f'`{call}(outputs)` needs "scalar" or an integer ≥ 1, got {in_short(outputs)}.')
