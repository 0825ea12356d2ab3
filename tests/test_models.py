"""The networks: shapes, dtypes, derivatives, numbers of parameters, and what they refuse."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from helpers import assert_close
from interpreter import interpreted
from test_engine_structure import too_large

import stde_core as stde
from stde_core.plugins import registry
from stde_pdes import (
    MLP,
    Adam,
    BlockShared,
    Fourier,
    Frozen,
    ModifiedMLP,
    Residual,
    Siren,
    Training,
    get_network,
    get_problem,
    hold_out,
    periodic,
    train,
)
from stde_pdes.training import loss, start_of

KEY = jax.random.key(0)
INPUTS = 12
NETWORKS = {
    "mlp": MLP(8, 2),
    "block-shared": BlockShared(3, 8, 2, "sin"),
    "block-shared-all": BlockShared(12, 8, 2, "silu"),
    "block-shared-rest": BlockShared(5, 8, 2, unshared=2),
    "residual": Residual(8, 2, "gelu"),
    "residual-norm": Residual(8, 3, norm=True),
    "residual-linear": Residual(8, 0),
    "fourier": Fourier(8, 2, num_frequencies=5, scale=0.3),
    "modified": ModifiedMLP(8, 2),
    "modified-waves": ModifiedMLP(8, 1, "silu", num_frequencies=5, scale=0.3),
    "siren": Siren(8, 2, 3.0),
}
networks = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)


def point(seed=1):
    return jax.random.normal(jax.random.key(seed), (INPUTS,))


def num_parameters(network, num_inputs):
    """The trained numbers in a network of which only the shapes are made."""
    model = eqx.filter_eval_shape(network, num_inputs, key=KEY)
    leaves = jax.tree.leaves(model, is_leaf=lambda node: isinstance(node, Frozen))
    return sum(leaf.size for leaf in leaves if isinstance(leaf, jax.ShapeDtypeStruct))


@networks
def test_a_network_gives_a_scalar_of_the_dtype_of_its_parameters(network):
    model = network(INPUTS, key=KEY)
    assert model(point()).shape == () and model(point()).dtype == jnp.float64
    parameters, static = eqx.partition(model, eqx.is_inexact_array)
    single = eqx.combine(jax.tree.map(lambda leaf: leaf.astype(jnp.float32), parameters), static)
    assert single(point().astype(jnp.float32)).dtype == jnp.float32


@networks
def test_a_network_has_as_many_outputs_as_it_is_asked_for(network):
    model = network(INPUTS, 3, key=KEY)
    assert model(point()).shape == (3,) and network(INPUTS, outputs=1, key=KEY)(point()).shape == (1,)
    report = stde.check_model(model, INPUTS)
    assert len(report.having("rule")) == len(report.uses), report


@networks
def test_keys_make_the_parameters(network):
    same, again, other = (network(INPUTS, key=jax.random.key(seed))(point()) for seed in (0, 0, 1))
    assert same == again != other


@networks
def test_the_laplacian_agrees_with_nested_differentiation_and_so_does_its_gradient(network):
    parameters, static = eqx.partition(network(INPUTS, key=KEY), eqx.is_inexact_array)
    whole, x = stde.get_estimator("stde", num_samples=INPUTS), point()

    def by_taylor(parameters):
        model = eqx.combine(parameters, static)
        return stde.estimate(stde.Laplacian(), model, x, whole, key=KEY, standard_error=False).value

    def by_nesting(parameters):
        return jnp.trace(jax.hessian(eqx.combine(parameters, static))(x))

    found, expected = interpreted(lambda p: [jax.value_and_grad(f)(p) for f in (by_taylor, by_nesting)])(
        parameters
    )
    assert_close(found, expected, rtol=1e-9, atol=1e-12)


@networks
def test_all_but_fixed_parameters_are_trained(network):
    model = network(INPUTS, key=KEY)
    parameters, static = eqx.partition(model, eqx.is_inexact_array)
    gradient = interpreted(jax.grad(lambda p: eqx.combine(p, static)(point()) ** 2))(parameters)
    optimiser = optax.adam(1e-2)
    updates, _ = optimiser.update(gradient, optimiser.init(parameters), parameters)
    moved = eqx.combine(optax.apply_updates(parameters, updates), static)
    if getattr(network, "num_frequencies", 0):
        assert jnp.array_equal(moved.frequencies.array, model.frequencies.array)
    last = moved.mlp.layers[-1] if hasattr(moved, "mlp") else jax.tree.leaves(gradient)[-1]
    assert all(bool(jnp.any(leaf != 0)) for leaf in jax.tree.leaves(eqx.filter(last, eqx.is_array)))
    assert moved(point()) != model(point())


@pytest.mark.parametrize(
    ("block_size", "count"),
    [(10, 12_833_292), (50, 2_593_332), (100, 1_313_382), (500, 289_782), (1000, 162_282)],
)
def test_block_shared_parameters_in_a_million_dimensions_are_those_published(block_size, count):
    assert num_parameters(BlockShared(block_size, 128, 3), 1_000_000) == count


@pytest.mark.parametrize(
    ("network", "count"),
    [
        (MLP(8, 2), 12 * 8 + 8 + 8 * 8 + 8 + 8 + 1),
        (BlockShared(5, 8, 1, unshared=2), 5 + 1 + 4 * 8 + 8 + 8 + 1),
        (Residual(8, 2), 12 * 8 + 8 + 2 * (8 * 8 + 8) + 8 + 1),
        (Residual(8, 2, norm=True), 12 * 8 + 8 + 2 * (8 * 8 + 8 + 2 * 8) + 8 + 1),
        (Fourier(8, 1, num_frequencies=5), 10 * 8 + 8 + 8 + 1),
        (ModifiedMLP(8, 2), 3 * (12 * 8 + 2 * 8) + 8 * 8 + 2 * 8 + 8 + 2),
        (ModifiedMLP(8, 1, num_frequencies=5), 3 * (10 * 8 + 2 * 8) + 8 + 2),
        (Siren(8, 2), 12 * 8 + 8 + 8 * 8 + 8 + 8 + 1),
    ],
    ids=lambda case: type(case).__name__,
)
def test_numbers_of_parameters(network, count):
    assert num_parameters(network, INPUTS) == count


def test_block_shared_is_one_filter_for_all_blocks():
    model = BlockShared(4, 8, 1)(INPUTS, key=KEY)
    kernel, bias = model.kernel, model.bias
    x = point()
    convolved = jnp.stack([kernel @ x[i : i + 4] + bias for i in (0, 4, 8)])
    np.testing.assert_allclose(model(x), model.mlp(jnp.tanh(convolved)), rtol=1e-12)


@pytest.mark.parametrize("shared", [False, True], ids=["per-point", "shared"])
def test_block_shared_training_never_writes_its_tangents_out(shared):
    dim, batch, samples = 1003, 7, 5  # 1003 = 17 · 59
    problem = get_problem("allen-cahn-two-body", dim=dim)
    estimator = stde.get_estimator("stde", num_samples=samples)
    training = Training(shared_tangents=shared)
    model = BlockShared(17, 3, 2)(dim, key=KEY)
    parameters, static = eqx.partition(model, eqx.is_inexact_array)

    @jax.value_and_grad
    def step(parameters):
        network = eqx.combine(parameters, static)
        return loss(problem, network, estimator, training, batch=batch, key=KEY)

    assert too_large(step, parameters, least=samples * batch * dim // 2) == set()


def test_residual_blocks_add_to_what_passes():
    model = Residual(8, 1, norm=True)(INPUTS, key=KEY)
    z = model.first.weight @ point() + model.first.bias
    normal = (z - z.mean()) / jnp.sqrt(z.var() + 1e-5)
    z = z + jnp.tanh(model.blocks[0].weight @ normal + model.blocks[0].bias)
    np.testing.assert_allclose(model(point()), (model.last.weight @ z + model.last.bias)[0], rtol=1e-12)


@pytest.mark.parametrize("num_frequencies", [0, 5])
def test_the_modified_perceptron_is_its_equations(num_frequencies):
    network = ModifiedMLP(8, 2, num_frequencies=num_frequencies)
    model = network(INPUTS, 3, key=KEY)

    def linear(layer, z):
        return np.diag(np.exp(layer.log_scale)) @ layer.direction @ z + layer.bias

    z = np.asarray(point())
    if num_frequencies:
        phases = 2 * np.pi * model.frequencies() @ z
        z = np.concatenate([np.cos(phases), np.sin(phases)])
    u, v = np.tanh(linear(model.first, z)), np.tanh(linear(model.second, z))
    for layer in model.hidden:
        h = np.tanh(linear(layer, z))
        z = h * u + (1 - h) * v
    np.testing.assert_allclose(model(point()), linear(model.last, z), rtol=1e-12)
    assert network(INPUTS, key=KEY)(point()) == network(INPUTS, 1, key=KEY)(point())[0]


def test_factorised_weights_are_those_of_glorot_at_first():
    layer = ModifiedMLP(400, 1, mean=1.0, stddev=0.1)(600, key=KEY).first
    scale = np.asarray(layer.log_scale)
    # Over 400 numbers the mean has a standard error of 5e-3, the deviation of 3.5e-3; over 240 000
    # weights of variance 2/(400 + 600) the relative standard error of the variance is 3e-3.
    assert abs(scale.mean() - 1.0) < 0.02 and abs(scale.std() - 0.1) < 0.014
    weight = np.exp(scale)[:, None] * np.asarray(layer.direction)
    assert abs(weight.var() / (2 / 1000) - 1) < 0.012
    assert not layer.bias.any()


def test_a_network_of_sines_is_its_equations():
    model = Siren(8, 1, 5.0)(INPUTS, key=KEY)
    hidden, last = model.layers
    z = np.sin(5.0 * (hidden.weight @ point() + hidden.bias))
    np.testing.assert_allclose(model(point()), (last.weight @ z + last.bias)[0], rtol=1e-12)


def test_sums_of_sines_keep_their_size_in_any_depth():
    model = Siren(256, 8, 30.0)(2, key=KEY)
    limits = [1 / 2, *[(6 / 256) ** 0.5 / 30] * 8]
    for layer, limit in zip(model.layers, limits, strict=True):
        largest = jnp.abs(layer.weight).max()
        assert 0.9 * limit < largest <= limit * (1 + 1e-12)
    z = jax.random.uniform(jax.random.key(1), (500, 2), minval=-1)
    for layer in model.layers[:-1]:
        phases = 30.0 * (z @ layer.weight.T + layer.bias)
        z = jnp.sin(phases)
    # Uniform phases have sines of the root mean square √½.
    assert abs(jnp.sqrt(jnp.mean(z**2)) - 0.5**0.5) < 0.05


def test_fourier_frequencies_have_the_scale_in_any_dimension():
    for num_inputs in (2, 200):
        frequencies = Fourier(4, 1, num_frequencies=2000, scale=0.5)(num_inputs, key=KEY).frequencies()
        # |f|² has mean scale² and, over 2000 vectors, a relative standard error of at most √(2/2/2000).
        assert abs((frequencies**2).sum(1).mean() / 0.25 - 1) < 0.1


def test_frozen_arrays_have_no_place_in_a_training():
    problem = get_problem("hjb-lin", dim=3)
    network, training = Fourier(8, 1, num_frequencies=5)(4, key=KEY), Training([Adam(2, 4)])
    numbers = 10 * 8 + 8 + 8 + 1
    start = start_of(problem, network, training)
    assert sum(leaf.size for leaf in jax.tree.leaves(start.params)) == numbers
    # Adam keeps two moments, and two counts of steps.
    assert sum(leaf.size for leaf in jax.tree.leaves(start.state)) == 2 * numbers + 2
    held_out, exact = hold_out(problem, 10), stde.get_estimator("exact")
    trained = train(problem, network, exact, training, held_out, key=KEY).network
    assert jnp.array_equal(trained.frequencies.array, network.frequencies.array)
    assert not jnp.array_equal(trained.mlp.layers[0].weight, network.mlp.layers[0].weight)


def test_networks_are_registered():
    names = {"mlp", "block-shared", "residual", "fourier", "modified-mlp", "siren"}
    assert names <= set(registry().names("networks"))
    assert get_network("block-shared", block_size=10) == BlockShared(10)


BAD = {
    "width": (lambda: Residual(0), "`Residual(width)` needs an integer ≥ 1, got 0"),
    "depth": (lambda: Residual(depth=-1), "`Residual(depth)` needs an integer ≥ 0, got -1"),
    "activation": (lambda: Fourier(activation="relu"), "`Fourier(activation)` needs to be one of tanh, sin"),
    "frequencies": (lambda: Fourier(num_frequencies=0), "`Fourier(num_frequencies)` needs an integer ≥ 1"),
    "scale": (lambda: Fourier(scale=0.0), "`Fourier(scale)` needs to be a positive number, got 0.0"),
    "block": (lambda: BlockShared(0), "`BlockShared(block_size)` needs an integer ≥ 1, got 0"),
    "unshared": (lambda: BlockShared(unshared=-1), "`BlockShared(unshared)` needs an integer ≥ 0, got -1"),
    "frequency": (lambda: Siren(frequency=0), "`Siren(frequency)` needs to be a positive number, got 0"),
    "no layer": (lambda: ModifiedMLP(depth=0), "`ModifiedMLP(depth)` needs an integer ≥ 1, got 0"),
    "waves": (lambda: ModifiedMLP(num_frequencies=-1), "`ModifiedMLP(num_frequencies)` needs an integer ≥ 0"),
    "mean": (lambda: ModifiedMLP(mean=-1.0), "`ModifiedMLP(mean)` needs to be a number ≥ 0, got -1.0"),
    "no outputs": (lambda: MLP()(2, 0, key=KEY), '`MLP(…)(outputs)` needs "scalar" or an integer ≥ 1, got 0'),
    "outputs": (lambda: MLP()(2, "two", key=KEY), "or an integer ≥ 1, got 'two'"),
    "name": (lambda: get_network("block-sharing"), "did you mean 'block-shared'"),
}


@pytest.mark.parametrize(("build", "message"), BAD.values(), ids=BAD)
def test_networks_refuse_what_they_cannot_be(build, message, unchecked):
    with pytest.raises(ValueError) as error:
        build()
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("fields", "num_inputs", "message"),
    [
        ({"block_size": 50}, 102, "got 50; the nearest are 34 and 51; with `unshared=2` the last 2 go past"),
        ({"block_size": 500}, 100, "the number of shared inputs, got 500; the nearest is 100."),
        ({"block_size": 7}, 13, "got 7; the nearest are 1 and 13; with `unshared=6` the last 6 go past"),
        ({"block_size": 4, "unshared": 1}, 10, "needs a divisor of 9, the number of shared inputs, got 4"),
        ({"block_size": 1, "unshared": 3}, 3, "`BlockShared(unshared)` needs an integer < 3, the number of"),
    ],
)
def test_blocks_that_do_not_fill_the_inputs_are_refused_with_what_would(fields, num_inputs, message):
    with pytest.raises(ValueError) as error:
        BlockShared(**fields)(num_inputs, key=KEY)
    assert message in str(error.value)


def test_periodic_features_are_the_harmonics():
    x, period = jnp.asarray(0.7), 3.0
    z = np.exp(2j * np.pi * 0.7 / 3.0 * np.arange(1, 4))
    np.testing.assert_allclose(periodic(x, period, 3), np.concatenate([z.real, z.imag]), rtol=1e-13)


def test_a_function_of_periodic_features_is_periodic_with_its_derivatives():
    weights = jnp.arange(6.0)

    def model(x):
        return jnp.sum(jnp.tanh(jnp.outer(periodic(x, 2.5, 3), weights)))

    for derivative in (model, jax.grad(model), jax.grad(jax.grad(model))):
        left, right = derivative(jnp.asarray(-0.4)), derivative(jnp.asarray(2.1))
        np.testing.assert_allclose(left, right, rtol=1e-10)


@pytest.mark.parametrize(
    ("period", "harmonics", "message"),
    [
        (0.0, 1, "`period` needs to be a positive number, got 0.0"),
        (float("inf"), 1, "`period` needs to be a positive number, got inf"),
        (1.0, 0, "`harmonics` needs an integer ≥ 1, got 0"),
    ],
)
def test_periodic_refuses(period, harmonics, message):
    with pytest.raises(ValueError, match=message):
        periodic(jnp.asarray(0.1), period, harmonics)
