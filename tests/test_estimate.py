"""`estimate` and `Estimated`: keys, trees, errors, nesting, transforms, gradients and high dimension."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import DIM, POINT, assert_close, assert_unbiased, cast, mixed, network, tensor
from interpreter import interpreted
from stde_estimators import SDGD, STDE, Exact, Hutchinson

import stde_core as stde

MODEL = network("scalar")
LAPLACIAN = stde.Laplacian()
SAMPLED = {
    "stde": STDE(num_samples=2),
    "gaussian": STDE(num_samples=2, sampler=stde.Gaussian()),
    "sdgd": SDGD(num_samples=2),
    "hutchinson": Hutchinson(num_samples=2),
}

each_sampled = pytest.mark.parametrize("name", SAMPLED)


def laplacian(model, x):
    return jnp.trace(tensor(model, x, 2), axis1=-2, axis2=-1)


def test_a_tree_of_operators_gives_the_same_tree_of_values(getkey):
    d = stde.partials(DIM)
    asked = {"a": (d[0], [LAPLACIAN]), "b": stde.Gradient(), "c": d[0] ** 3 * d[1]}
    estimator = STDE(num_samples=2)
    found = interpreted(lambda x, key: stde.estimate(asked, MODEL, x, estimator, key=key))(POINT, getkey())
    slope, last = interpreted(lambda x: (tensor(MODEL, x, 1), mixed(MODEL, x, 0, 0, 0, 1)))(POINT)
    assert_close(found.value["a"][0], slope[0])
    assert_close(found.value["b"], slope)
    assert_close(found.value["c"], last)
    assert_close(found.primal, MODEL(POINT))
    assert found.standard_error["a"][1][0] > 0
    error = eqx.tree_at(lambda tree: tree["a"][1][0], found.standard_error, jnp.array(0.0))
    assert_close(error, jax.tree.map(jnp.zeros_like, found.value))


def test_operators_along_the_same_directions_share_a_pass(getkey):
    key, matrix = getkey(), jnp.ones((DIM, DIM))

    def products(operators):
        """How many matrix products the trace of an estimate holds."""

        def once(x):
            return stde.estimate(operators, lambda x: matrix @ jnp.sin(matrix @ x), x, STDE(2), key=key)

        return str(jax.make_jaxpr(once)(POINT)).count("dot_general")

    d = stde.partials(DIM)
    assert products([d[0], d[0] ** 2, d[0] ** 3]) == products(d[0] ** 3)
    assert products([LAPLACIAN, stde.PowerSum(4), 2 * LAPLACIAN]) == products(stde.PowerSum(4))
    assert products([d[0] ** 3, d[1] ** 3]) > products(d[0] ** 3)


def test_one_sample_cannot_tell_its_error(getkey):
    asked = (LAPLACIAN, stde.partial(0), LAPLACIAN + stde.partial(0))
    for estimator in (STDE(1), STDE(1, stde.Gaussian()), STDE(1, stde.Sparse(replace=True))):
        key = getkey()
        found = interpreted(lambda x, e=estimator, k=key: stde.estimate(asked, MODEL, x, e, key=k))(POINT)
        assert jax.tree.map(jnp.isnan, found.standard_error) == (True, False, True)


def test_no_standard_error_unless_asked_for(getkey):
    key = getkey()

    def trace(standard_error):
        def once(x):
            return stde.estimate(
                LAPLACIAN, lambda x: x @ x, x, STDE(2), key=key, standard_error=standard_error
            )

        return jax.make_jaxpr(once, return_shape=True)(POINT)

    (with_error, _), (without, shape) = trace(True), trace(False)
    assert shape.standard_error is None
    assert "sqrt" in str(with_error)
    assert "sqrt" not in str(without)
    estimated = stde.Estimated(LAPLACIAN, lambda x: x @ x, STDE(2))
    assert "sqrt" not in str(jax.make_jaxpr(lambda x: estimated(x, key=key))(POINT))


@pytest.mark.parametrize("operator", [stde.partial(0) ** 3, stde.Gradient(), LAPLACIAN + 1], ids=repr)
def test_no_key_is_needed_where_nothing_is_sampled(operator):
    for estimator in (Exact(), STDE(DIM)):
        stde.estimate(operator, lambda x: x @ x, POINT, estimator)


@each_sampled
def test_a_key_is_needed_where_something_is_sampled(name):
    with pytest.raises(ValueError, match=r"needs a key: pass `key=jax.random.key\(…\)`"):
        stde.estimate((stde.partial(0), LAPLACIAN), MODEL, POINT, SAMPLED[name])
    inner = stde.Estimated(LAPLACIAN, MODEL, SAMPLED[name])
    with pytest.raises(ValueError, match="needs a key"):
        stde.estimate(stde.partial(0), inner, POINT, Exact())


def test_both_kinds_of_keys_are_taken():
    estimator = STDE(2)
    old = stde.estimate(LAPLACIAN, lambda x: x @ x, POINT, estimator, key=jax.random.PRNGKey(0))
    new = stde.estimate(LAPLACIAN, lambda x: x @ x, POINT, estimator, key=jax.random.key(0))
    assert_close(old.value, new.value)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (((), MODEL, POINT, Exact()), ValueError, r"`estimate\(operators, …\)` got no operator"),
        (((LAPLACIAN, 3), MODEL, POINT, Exact()), TypeError, "needs operators, got 3 among them"),
        ((stde.Laplacian, MODEL, POINT, Exact()), TypeError, r"build one, for instance `stde.Laplacian\(\)`"),
        ((LAPLACIAN, POINT, POINT, Exact()), TypeError, r"`estimate\(…, model, …\)` needs a callable"),
        (
            (LAPLACIAN, MODEL, POINT, "stde"),
            TypeError,
            r"`estimate\(…, estimator\)` needs an estimator object",
        ),
        ((LAPLACIAN, MODEL, POINT, STDE), TypeError, "needs an estimator object, got"),
        ((LAPLACIAN, MODEL, POINT[None], Exact()), ValueError, r"got shape \(1, 4\); batch with `jax.vmap`"),
        ((LAPLACIAN, MODEL, POINT[0], Exact()), ValueError, r"takes one point, .* got shape \(\)"),
        ((LAPLACIAN, MODEL, [0.1], Exact()), ValueError, r"array of shape \[dim\], got the list \[0.1\]"),
        ((LAPLACIAN, MODEL, jnp.arange(4), Exact()), TypeError, "needs a floating-point x, got dtype int64"),
        ((LAPLACIAN, lambda x: (x, x), POINT, Exact()), TypeError, "returns one floating-point array, got"),
        ((LAPLACIAN, lambda x: x > 0, POINT, Exact()), TypeError, "returns one floating-point array"),
        (
            (LAPLACIAN, lambda x: None, POINT, Exact()),
            TypeError,
            "returns one floating-point array, got None",
        ),
        ((stde.Divergence(), MODEL, POINT, Exact()), ValueError, r"`Divergence` needs .* \(4,\), got \(\)"),
        (
            (stde.Divergence(axes=(0, 1)), lambda x: x, POINT, Exact()),
            ValueError,
            r"`Divergence` needs a model with output of shape \(2,\), got \(4,\)",
        ),
    ],
)
def test_wrong_arguments_get_one_clear_sentence(unchecked, arguments, error, message):
    with pytest.raises(error, match=message):
        stde.estimate(*arguments, key=jax.random.key(0))


@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        (jax.random.split(jax.random.key(0), 3), ValueError, r"takes one key, got shape \(3,\); map over"),
        (0, TypeError, r"`estimate\(…, key=…\)` needs `jax.random.key\(…\)`, got 0"),
    ],
    ids=["several keys", "a seed"],
)
def test_wrong_keys_get_one_clear_sentence(unchecked, key, error, message):
    with pytest.raises(error, match=message):
        stde.estimate(LAPLACIAN, MODEL, POINT, STDE(2), key=key)


@pytest.mark.parametrize(
    "model", [lambda x: 1.0, lambda x: np.ones(2), lambda x: jnp.ones(2)], ids=["number", "numpy", "array"]
)
def test_constant_models_have_no_derivative(model):
    asked = (LAPLACIAN, stde.partial(0) * stde.partial(1), stde.partial(1) + 3)
    found = stde.estimate(asked, model, POINT, Exact())
    zero = np.zeros(np.shape(model(POINT)))
    assert_close(found.value, (zero, zero, 3 * np.asarray(model(POINT))))


def test_arrays_of_any_rank_are_differentiated_componentwise(getkey):
    def model(x):
        return jnp.sin(jnp.arange(6.0).reshape(1, 2, 3) * x[0]) * x[1] ** 2

    key = getkey()
    found = interpreted(lambda x: stde.estimate((LAPLACIAN, stde.Gradient()), model, x, STDE(3), key=key))(
        POINT
    )
    assert found.value[0].shape == found.standard_error[0].shape == (1, 2, 3)
    assert found.value[1].shape == (1, 2, 3, DIM)
    exact = interpreted(lambda x: stde.estimate(LAPLACIAN, model, x, Exact()).value)(POINT)
    assert_close(exact, interpreted(lambda x: laplacian(model, x))(POINT))


def test_thirty_two_bit_mode(getkey):
    with jax.enable_x64(False):
        model, x, key = cast(MODEL, jnp.float32), POINT.astype(jnp.float32), jax.random.key(0)
        for estimator in SAMPLED.values():
            found = interpreted(lambda x, e=estimator: stde.estimate(stde.Laplacian(), model, x, e, key=key))(
                x
            )
            assert {leaf.dtype for leaf in jax.tree.leaves(found)} == {jnp.dtype(jnp.float32)}
            assert found.standard_error > 0


# Estimated


def test_estimated_is_the_value_as_a_model(getkey):
    estimator, key = STDE(2), getkey()
    estimated = stde.Estimated({"laplacian": LAPLACIAN}, MODEL, estimator)
    value = interpreted(
        lambda x: stde.estimate({"laplacian": LAPLACIAN}, MODEL, x, estimator, key=key).value
    )(POINT)
    assert_close(eqx.filter_jit(estimated)(POINT, key=key), value)
    points, keys = POINT[None] + jnp.arange(2.0)[:, None], jnp.stack([key, key])
    batch = interpreted(jax.vmap(lambda x, key: estimated(x, key=key)))(points, keys)
    assert_close(batch["laplacian"][0], value["laplacian"])
    assert_close(interpreted(jax.vmap(lambda x: estimated(x, key=key)))(points), batch)


@each_sampled
def test_estimated_in_estimated_is_unbiased_for_the_product(name, getkey):
    nested = stde.Estimated(LAPLACIAN, stde.Estimated(LAPLACIAN, MODEL, SAMPLED[name]), SAMPLED[name])
    keys = jax.random.split(getkey(), 4000)
    values = interpreted(jax.vmap(lambda key: nested(POINT, key=key)))(keys)
    expected = interpreted(lambda x: jnp.einsum("iijj->", tensor(MODEL, x, 4)))(POINT)
    assert_unbiased(values, expected)


def test_the_inner_half_of_a_split_key_is_fixed_while_differentiating(getkey):
    key, estimator = getkey(), STDE(2)
    inner = stde.Estimated(LAPLACIAN, MODEL, estimator)
    outer_key, inner_key = jax.random.split(key)
    nested = stde.Estimated(LAPLACIAN, inner, estimator)

    def by_hand(x):
        return stde.estimate(LAPLACIAN, lambda x: inner(x, key=inner_key), x, estimator, key=outer_key).value

    assert_close(*interpreted(lambda x: (nested(x, key=key), by_hand(x)))(POINT))


def test_exact_compositions():
    outer = functools.partial(stde.Estimated, estimator=Exact())
    cases = {
        "laplacian of laplacian": outer(LAPLACIAN, outer(LAPLACIAN, MODEL)),
        "divergence of gradient": outer(stde.Divergence(), outer(stde.Gradient(), MODEL)),
        "three deep": outer(stde.partial(0), outer(stde.partial(1), outer(stde.partial(0) ** 2, MODEL))),
        "function in between": outer(
            stde.partial(0), outer((lambda x: x[0]) * stde.partial(0), MODEL)
        ),  # ∂(x ∂u) = ∂u + x ∂²u
    }
    found = interpreted(lambda x: {name: model(x) for name, model in cases.items()})(POINT)
    D = interpreted(lambda x: [tensor(MODEL, x, order) for order in range(5)])(POINT)
    expected = {
        "laplacian of laplacian": jnp.einsum("iijj->", D[4]),
        "divergence of gradient": jnp.trace(D[2]),
        "three deep": D[4][0, 0, 0, 1],
        "function in between": D[1][0] + POINT[0] * D[2][0, 0],
    }
    assert_close(found, expected, rtol=1e-9)


def test_estimated_trains_inside_an_equinox_model(getkey):
    class Residual(eqx.Module):
        equation: stde.Estimated
        scale: jax.Array

        def __call__(self, x, *, key):
            return self.scale * self.equation(x, key=key) + self.equation.model(x)

    model = Residual(stde.Estimated(LAPLACIAN, MODEL, STDE(DIM)), jnp.array(2.0))
    points, keys = POINT[None] + jnp.arange(3.0)[:, None] / 10, jax.random.split(getkey(), 3)

    @eqx.filter_jit
    @eqx.filter_value_and_grad
    def loss(model):
        return jnp.mean(jax.vmap(lambda x, key: model(x, key=key))(points, keys) ** 2)

    @eqx.filter_jit
    @eqx.filter_value_and_grad
    def by_hand(pair):
        network, scale = pair
        return jnp.mean(jax.vmap(lambda x: scale * laplacian(network, x) + network(x))(points) ** 2)

    value, gradient = loss(model)
    expected, (network_gradient, scale_gradient) = by_hand((MODEL, jnp.array(2.0)))
    assert_close(value, expected)
    assert_close(gradient.scale, scale_gradient)
    assert_close(jax.tree.leaves(gradient.equation.model), jax.tree.leaves(network_gradient), rtol=1e-9)


@each_sampled
def test_mean_gradient_of_parameters_agrees_with_nested_derivatives(name, getkey):
    def value(model, key):
        return stde.Estimated(LAPLACIAN, model, SAMPLED[name])(POINT, key=key)

    keys = jax.random.split(getkey(), 2000)
    gradients = eqx.filter_jit(eqx.filter_vmap(eqx.filter_grad(value), in_axes=(None, 0)))(MODEL, keys)
    expected = eqx.filter_jit(eqx.filter_grad(laplacian))(MODEL, POINT)
    # One number per leaf, so that hundreds of entries do not make 4 standard errors an everyday event.
    for found, exact in zip(jax.tree.leaves(gradients), jax.tree.leaves(expected), strict=True):
        direction = jnp.cos(jnp.arange(exact.size)).reshape(exact.shape)
        assert_unbiased(
            jnp.sum(found * direction[None], axis=range(1, found.ndim)), jnp.sum(exact * direction)
        )


def test_gradients_of_high_order_operators_agree_with_nested_derivatives():
    operator = stde.PowerSum(4) + stde.partial(0) ** 2 * stde.partial(1)

    def by_hand(model):
        return jnp.einsum("iiii->", tensor(model, POINT, 4)) + mixed(model, POINT, 0, 0, 1)

    def value(model):
        return stde.estimate(operator, model, POINT, Exact()).value

    found = eqx.filter_jit(eqx.filter_grad(value))(MODEL)
    assert_close(
        jax.tree.leaves(found), jax.tree.leaves(eqx.filter_jit(eqx.filter_grad(by_hand))(MODEL)), rtol=1e-9
    )


def test_the_gradient_of_a_standard_error_is_finite():
    """Also where it is 0 and a square root has no derivative."""

    def error(model):
        asked = (LAPLACIAN, stde.partial(0))
        return sum(stde.estimate(asked, model, POINT, STDE(2), key=jax.random.key(0)).standard_error)

    for leaf in jax.tree.leaves(eqx.filter_jit(eqx.filter_grad(error))(MODEL)):
        assert jnp.all(jnp.isfinite(leaf))


def test_transforms_nest(getkey):
    """jit, vmap, grad, jacfwd, scan and remat around one another, on a stochastic value."""
    estimated = stde.Estimated(LAPLACIAN, MODEL, STDE(2))
    points, key = POINT[None] + jnp.arange(2.0)[:, None] / 10, getkey()

    def value(x):
        return estimated(x, key=key)

    gradients = interpreted(jax.vmap(jax.grad(value)))(points)
    assert_close(jax.vmap(jax.jit(jax.grad(value)))(points), gradients)
    assert_close(interpreted(jax.vmap(jax.jacfwd(value)))(points), gradients)
    assert_close(interpreted(jax.grad(lambda xs: jnp.sum(jax.vmap(value)(xs))))(points), gradients)
    assert_close(interpreted(jax.vmap(jax.grad(jax.checkpoint(value))))(points), gradients)
    scanned = interpreted(lambda xs: jax.lax.scan(lambda c, x: (c, jax.grad(value)(x)), 0, xs)[1])
    assert_close(scanned(points), gradients)


def test_ensembles_of_models_are_mapped_over(getkey):
    ensemble = eqx.filter_vmap(lambda key: eqx.nn.MLP(DIM, "scalar", 8, 1, jnp.tanh, key=key))(
        jax.random.split(getkey(), 3)
    )
    found = eqx.filter_jit(eqx.filter_vmap(lambda m: stde.Estimated(LAPLACIAN, m, Exact())(POINT)))(ensemble)
    assert_close(found, eqx.filter_jit(eqx.filter_vmap(lambda m: laplacian(m, POINT)))(ensemble))


def test_a_hundred_thousand_dimensions_take_little_memory(getkey):
    """u_t + Δu with 16 samples: exact in t, sampled in x, below 1 GB."""
    dim = 100_000
    weights = jax.random.normal(getkey(), (dim + 1, 8)) / dim**0.5

    def model(x):
        return jnp.sum(jnp.sin(x @ weights)) * jnp.exp(x[-1])

    asked = {"u_t": stde.partial(-1), "laplacian": stde.Laplacian(axes=slice(None, -1))}
    asked["sum"] = asked["u_t"] + asked["laplacian"]

    def once(x, key):
        return stde.estimate(asked, model, x, STDE(num_samples=16), key=key)

    x = jnp.full(dim + 1, 0.1)
    compiled = jax.jit(once).lower(x, getkey()).compile()
    assert compiled.memory_analysis().temp_size_in_bytes < 1e9
    found = compiled(x, getkey())
    phases = x @ weights
    time = np.exp(0.1) * (jnp.cos(phases) @ weights[-1] + jnp.sum(jnp.sin(phases)))
    space = -np.exp(0.1) * jnp.sin(phases) @ jnp.sum(weights[:-1] ** 2, axis=0)
    assert_close(found.value["u_t"], time)
    assert_close(found.value["sum"], found.value["u_t"] + found.value["laplacian"])
    assert found.standard_error["u_t"] == 0
    assert abs(found.value["laplacian"] - space) < 4 * found.standard_error["laplacian"]
    assert_close(found.standard_error["sum"], found.standard_error["laplacian"])
