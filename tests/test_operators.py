"""The algebra of operators, and the normal form in which estimators see them."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import DIM, POINT, assert_close, derivative, mixed, network, tensor
from interpreter import interpreted
from stde_estimators import STDE, Exact, Hutchinson

import stde_core as stde

MODEL = network("scalar")
d = stde.partials(DIM)


def normal_form(operator, dim=DIM):
    """The powers and the numbers of terms of an operator's families."""
    return sorted((family.powers, family.size) for family in operator.families(dim))


def exact(operator, model=MODEL, x=POINT):
    return interpreted(lambda x: stde.estimate(operator, model, x, Exact(), standard_error=False).value)(x)


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        (stde.Laplacian(), [((2,), 4)]),
        (sum(p**2 for p in d), [((2,), 4)]),
        (d[0] ** 2 + 3 * d[2] ** 2 - stde.Laplacian(axes=1), [((2,), 3)]),
        (stde.Laplacian() + stde.WeightedLaplacian(np.arange(4.0)), [((2,), 4)]),
        (d[0] * d[1] + d[1] * d[0], [((1, 1), 1)]),
        (d[0] * d[1] + d[2] * d[3], [((1, 1), 2)]),
        (d[0] ** 2 * d[1] + d[3] * d[2] ** 2, [((2, 1), 2)]),
        (d[0] ** 3 * d[1] + d[0] * d[1] ** 3 + d[0] ** 2 * d[1] ** 2, [((2, 2), 1), ((3, 1), 2)]),
        ((d[0] + d[1]) ** 2, [((1, 1), 1), ((2,), 2)]),
        ((d[0] - d[1]) * (d[0] + d[1]), [((1, 1), 1), ((2,), 2)]),
        (sum(d) + 3 * stde.Directional(np.ones(4)), [((1,), 1)]),
        (stde.Laplacian() ** 2, [((2, 2), 6), ((4,), 4)]),
        (stde.Biharmonic() + 2 * stde.Biharmonic(), [((2, 2), 16)]),
        (stde.Laplacian() + 3 + 4, [((), 1), ((2,), 4)]),
        (stde.Identity() * d[0], [((1,), 1)]),
        (d[0] ** 0, [((), 1)]),
        (stde.PowerSum(1), [((1,), 1)]),
        (stde.Divergence() * 2 - stde.Divergence(), [((1,), 4)]),
        (stde.WeightedLaplacian(np.eye(4)) + stde.WeightedLaplacian(np.ones((4, 2))), [((2,), 6)]),
    ],
    ids=repr,
)
def test_terms_with_the_same_powers_are_one_family(operator, expected):
    assert normal_form(operator) == expected


def test_a_long_sum_is_one_family():
    operator = sum(p**2 for p in stde.partials(1000))
    (family,) = operator.families(1000)
    assert family == stde.Laplacian().families(1000)[0]


def test_equal_draws_for_equal_operators(getkey):
    """A sum of partials is drawn from as the named operator is."""
    key, estimator = getkey(), STDE(num_samples=2)
    pair = {"named": stde.Laplacian(), "sum": sum(p**2 for p in d)}
    found = interpreted(lambda x: stde.estimate(pair, MODEL, x, estimator, key=key).value)(POINT)
    assert_close(found["sum"], found["named"])


@pytest.mark.promotes
def test_algebra_agrees_with_nested_derivatives():
    array = jnp.array(1.5)
    cases = {
        "left and right numbers": (2 * d[0] * 3 - d[1] / 4, lambda D: 6 * D[1][0] - D[1][1] / 4),
        "minus": (-(d[0] - d[1]) + (+d[2]), lambda D: -D[1][0] + D[1][1] + D[1][2]),
        "from the right": (1 - d[0] ** 2 - 0, lambda D: D[0] - D[2][0, 0]),
        "array": (array * d[0] + d[1] * array, lambda D: 1.5 * (D[1][0] + D[1][1])),
        "numpy number": (np.float64(1.5) * d[0] + np.array(2.0), lambda D: 1.5 * D[1][0] + 2 * D[0]),
        "function": (
            (lambda x: x[0]) * d[1] * d[2] + (lambda x: x[1]),
            lambda D: POINT[0] * D[2][1, 2] + POINT[1] * D[0],
        ),
        "minus a function": (d[0] - (lambda x: x[1]), lambda D: D[1][0] - POINT[1] * D[0]),
        "function of a product": (
            (lambda x: x[0]) * (2 * (d[1] + 1) * (d[2] - 1)),
            lambda D: 2 * POINT[0] * (D[2][1, 2] - D[1][1] + D[1][2] - D[0]),
        ),
        "cubed": (
            (d[0] + 2 * d[1]) ** 3,
            lambda D: derivative(MODEL, POINT, *[jnp.array([1.0, 2, 0, 0])] * 3),
        ),
        "reversed axes": (stde.partial(-1) ** 2 * stde.partial(-4), lambda D: D[3][0, 3, 3]),
        "directional times partial": (
            stde.Directional(POINT) * d[1] ** 2 + stde.Directional(POINT, 2),
            lambda D: D[3][:, 1, 1] @ POINT + POINT @ D[2] @ POINT,
        ),
        "complex": ((d[0] + 1j * d[1]) * (d[0] - 1j * d[1]), lambda D: D[2][0, 0] + D[2][1, 1] + 0j),
        "complex gradient": (d[0] + 1j * d[1] + 2 * d[0], lambda D: 3 * D[1][0] + 1j * D[1][1]),
        "weighted on reversed axes": (
            stde.WeightedLaplacian(np.array([1.0, 2.0]), axes=(2, 0)),
            lambda D: D[2][2, 2] + 4 * D[2][0, 0],
        ),
    }
    D = interpreted(lambda x: [tensor(MODEL, x, order) for order in range(4)])(POINT)
    found = exact({name: operator for name, (operator, _) in cases.items()})
    assert_close(found, {name: reference(D) for name, (_, reference) in cases.items()})


@pytest.mark.promotes
def test_array_coefficients_broadcast_to_the_output_as_in_numpy():
    def model(x):
        return jnp.outer(jnp.sin(x[:3]), jnp.cos(x[:2] + x[2]))

    row = np.array([1.0, 10.0])
    column = row[:1] * np.array([[1.0], [2.0], [3.0]])
    pair = {"row": row * stde.Laplacian(), "column": jnp.asarray(column) * sum(d), "plain": stde.Laplacian()}
    found = exact(pair, model)
    assert_close(found["row"], row * found["plain"])
    assert_close(found["column"], column * tensor(model, POINT, 1).sum(-1))


@pytest.mark.parametrize(
    "operator", [stde.Laplacian(), d[0], stde.Laplacian() + 3, stde.Divergence()], ids=repr
)
@pytest.mark.parametrize("shape", [(5,), (1, 1), (3, 4)], ids=str)
def test_a_coefficient_that_does_not_fit_the_output_is_refused(operator, shape):
    with pytest.raises(ValueError, match=r"coefficient of shape .* does not fit"):
        jax.eval_shape(lambda x: stde.estimate(np.ones(shape) * operator, network(DIM), x, Exact()), POINT)


@pytest.mark.promotes
@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        (d[0] * stde.Laplacian(), 0.1 * 10.01),
        (stde.Laplacian() * d[0], 0.1 * 10.01),
        (stde.Directional(np.ones(1001)) * stde.Laplacian(), 100.1 * 10.01),
        ((stde.Directional(np.ones(1001)) + 1j * d[1] + d[2]) * stde.Laplacian(), (100.2 + 0.1j) * 10.01),
        (d[0] * stde.Biharmonic(), 0.1 * 10.01**2),
    ],
    ids=["partial", "right partial", "directional", "sum", "fifth order"],
)
def test_products_that_are_not_multiplied_out_keep_the_weights_of_the_draw(operator, expected, getkey):
    """All terms of these products are equal on u = exp(0.1 Σx_i), so that every draw is exact."""

    def once(key):
        return stde.estimate(operator, lambda x: jnp.exp(0.1 * jnp.sum(x)), jnp.zeros(1001), STDE(2), key=key)

    found = interpreted(once)(getkey())
    np.testing.assert_allclose(found.value, expected, rtol=1e-10)
    np.testing.assert_allclose(found.standard_error, 0, atol=1e-8)


def test_trainable_and_constant_coefficients():
    class Coefficient(eqx.Module):
        scale: jax.Array

        def __call__(self, x):
            return self.scale * x[0]

    def value(operator):
        return stde.estimate(operator, MODEL, POINT, Exact(), standard_error=False).value

    operator = (
        jnp.array(2.0) * d[0] ** 2
        + 3.0 * d[1]
        + np.array(4.0) * d[2]
        + Coefficient(jnp.array(5.0)) * stde.Laplacian()
        + stde.WeightedLaplacian(jnp.ones(4))
        + stde.WeightedLaplacian(np.ones((4, 2)))
        + stde.Directional(jnp.ones(4))
    )
    gradient = eqx.filter_jit(eqx.filter_grad(value))(operator)
    found = jax.tree.leaves(gradient)
    slope, hessian = interpreted(lambda x: (tensor(MODEL, x, 1), tensor(MODEL, x, 2)))(POINT)
    expected = [hessian[0, 0], POINT[0] * jnp.trace(hessian), 2 * jnp.diagonal(hessian), slope]
    assert_close(found, expected)


def test_operators_go_through_jit_as_arguments():
    operator = jnp.array(2.0) * stde.Laplacian(axes=slice(0, 2)) + np.ones(()) * d[3]
    found = eqx.filter_jit(lambda operator: stde.estimate(operator, MODEL, POINT, Exact()).value)(operator)
    expected = interpreted(
        lambda x: 2 * (mixed(MODEL, x, 0, 0) + mixed(MODEL, x, 1, 1)) + mixed(MODEL, x, 3)
    )(POINT)
    assert_close(found, expected)


@pytest.mark.parametrize(
    "axes",
    [
        1,
        (1,),
        np.int64(1),
        [1],
        range(1, 2),
        slice(1, 2),
        -3,
        (-3,),
        range(-3, -2),
        slice(-3, -2),
        np.array([1]),
    ],
    ids=repr,
)
def test_one_axis_may_be_written_in_many_ways(axes):
    (family,) = stde.Laplacian(axes=axes).families(4)
    assert family == stde.Laplacian(axes=1).families(4)[0]


@pytest.mark.parametrize(
    ("axes", "expected"),
    [
        (None, [0, 1, 2, 3, 4]),
        (slice(None, -1), [0, 1, 2, 3]),
        (slice(None, None, 2), [0, 2, 4]),
        (slice(None, None, -1), [0, 1, 2, 3, 4]),
        (range(4, 1, -1), [2, 3, 4]),
        ((3, -5, 1), [0, 1, 3]),
        ((-1, 0), [0, 4]),
        (jnp.array([2, 3]), [2, 3]),
        ({2, 4}, [2, 4]),
    ],
    ids=str,
)
def test_axes_name_coordinates(axes, expected):
    (family,) = stde.Laplacian(axes=axes).families(5)
    assert list(family.vectors.axes) == expected


@pytest.mark.parametrize(
    "axes", [None, slice(None, -1), range(100_000), list(range(100_000)), np.arange(100_000)], ids=type
)
def test_many_axes_are_not_listed(axes):
    operator = stde.Laplacian(axes=axes) + stde.partial(-1) ** 2 + stde.Biharmonic(axes=axes)
    assert len(repr(operator)) < 1000
    for family in operator.families(100_001)[:2]:
        axes = getattr(family, "vectors", family).axes
        assert isinstance(axes, range)


@pytest.mark.parametrize(
    ("operator", "message"),
    [
        (stde.partial(4), r"axes=.* do not all exist in 4 dimensions: name axes from -4 to 3"),
        (stde.partial(-5), "do not all exist in 4 dimensions"),
        (stde.Laplacian(axes=(0, 7)), "do not all exist in 4 dimensions"),
        (stde.Laplacian(axes=range(2, 6)), "do not all exist in 4 dimensions"),
        (stde.Laplacian(axes=(0, 1, 0)), "names an axis twice in 4 dimensions"),
        (stde.Laplacian(axes=(1, -3)), "names an axis twice in 4 dimensions"),
        (stde.Laplacian(axes=slice(4, None)), "names no axis in 4 dimensions"),
        (stde.Biharmonic(axes=()), "names no axis in 4 dimensions"),
        (stde.Gradient(axes=9), "do not all exist in 4 dimensions"),
        (stde.WeightedLaplacian(np.ones(3)), r"`WeightedLaplacian\(sigma\)` on 4 axes .* got shape \(3,\)"),
        (stde.WeightedLaplacian(lambda x: x[:2]), r"on 4 axes needs sigma .* got shape \(2,\)"),
        (stde.WeightedLaplacian(np.ones((4, 0))), "needs sigma to be a scalar"),
        (stde.Directional(np.ones(3)), r"needs v of shape \(4,\), got \(3,\)"),
    ],
    ids=repr,
)
def test_operators_that_do_not_fit_the_dimension_are_refused(operator, message):
    with pytest.raises(ValueError, match=message):
        stde.estimate(operator, MODEL, POINT, STDE(num_samples=1), key=jax.random.key(0))


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: d[0] * (lambda x: x[0]), TypeError, r"multiplies from the left: write `f \* operator`"),
        (lambda: d[0] * ((lambda x: x[0]) * d[1]), ValueError, "right factor has a function of x"),
        (lambda: ((lambda x: x[0]) * d[1]) ** 2, ValueError, "right factor has a function of x"),
        (lambda: d[0] * stde.Directional(lambda x: x), ValueError, r"compose by `stde.Estimated`"),
        (lambda: d[0] * stde.WeightedLaplacian(lambda x: x), ValueError, "right factor has a function of x"),
        (lambda: d[0] * (1 + (lambda x: x[0]) * stde.Identity()), ValueError, "right factor has a function"),
        (lambda: "2" * d[0], TypeError, "must be a number, an array .* or a function of x, got '2'"),
        (lambda: d[0] + None, TypeError, "must be a number, an array"),
        (lambda: d[0] ** -1, ValueError, r"`operator \*\* k` needs an integer k ≥ 0, got -1"),
        (lambda: d[0] ** 0.5, ValueError, r"`operator \*\* k` needs an integer k ≥ 0, got 0.5"),
        (lambda: d[0] / d[1], TypeError, "divided by a number or an array only"),
        (lambda: stde.partial(0.5), TypeError, r"`stde.partial\(axis\)` needs an int, got 0.5"),
        (lambda: stde.partials(0), ValueError, r"`stde.partials\(dim\)` needs an integer ≥ 1, got 0"),
        (lambda: stde.PowerSum(0), ValueError, r"`PowerSum\(order\)` needs an integer ≥ 1, got 0"),
        (
            lambda: stde.Directional(np.ones(4), 0),
            ValueError,
            r"`Directional\(v, order\)` needs an integer ≥ 1",
        ),
        (
            lambda: stde.Laplacian(axes="xy"),
            TypeError,
            "`axes` must be None, an int, a range, a slice or ints",
        ),
        (lambda: stde.Laplacian(axes=[0.5]), TypeError, "`axes` must hold ints, got 0.5"),
        (lambda: stde.Laplacian(axes=True), TypeError, "`axes` must be None, an int"),
        (lambda: (2 * stde.Gradient()).families(4), TypeError, "`Gradient` is vector-valued"),
        (lambda: (stde.Divergence() * stde.Divergence()).families(4), ValueError, "has no meaning"),
    ],
)
def test_what_is_no_operator_is_refused_when_built(unchecked, build, error, message):
    with pytest.raises(error, match=message):
        build()


def test_a_product_with_a_function_on_the_left_is_allowed():
    found = exact(((lambda x: x[0]) * d[1]) * d[2])
    assert_close(found, POINT[0] * interpreted(lambda x: mixed(MODEL, x, 1, 2))(POINT))


@pytest.mark.parametrize("operator", [stde.Divergence() + stde.Laplacian(), stde.Divergence() + 1], ids=repr)
def test_a_divergence_is_not_added_to_componentwise_terms(operator):
    with pytest.raises(ValueError, match="adds a divergence"):
        stde.estimate(operator, network(DIM), POINT, Exact())


@pytest.mark.promotes
def test_dense_tangents_refuse_coefficients_that_they_cannot_carry(getkey):
    hutchinson = Hutchinson(num_samples=2)
    for factor in (np.ones(3), jnp.array(1j)):  # as functions of x, whose values are not known before
        operator = (lambda x, c=factor: c) * stde.partial(0) ** 2 + stde.Laplacian()
        with pytest.raises(ValueError, match="use a sparse sampler"):
            stde.estimate(operator, network(3), POINT, hutchinson, key=getkey())


@pytest.mark.promotes
@pytest.mark.parametrize("order", [2, 3])
def test_dense_tangents_carry_complex_coefficients(order, getkey):
    estimator = STDE(num_samples=2, sampler=stde.Rademacher())
    pair = (1j * stde.PowerSum(order), stde.PowerSum(order))
    found = interpreted(lambda key: stde.estimate(pair, MODEL, POINT, estimator, key=key))(getkey())
    assert_close(found.value[0], 1j * found.value[1])
    assert found.standard_error[0].dtype == jnp.float64
    assert_close(found.standard_error[0], found.standard_error[1])
