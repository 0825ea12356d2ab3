"""Corners in which a wrong value or a foreign error could hide."""

import jax.numpy as jnp
import numpy as np
import pytest
from helpers import COMPONENTS, ESTIMATORS, MATRIX, POINT, network, tensor
from interpreter import interpreted
from stde_estimators import STDE, Exact

import stde_core as stde


def estimated(operators, model, estimator):
    return interpreted(lambda x: stde.estimate(operators, model, x, estimator))(POINT)


def test_one_matrix_on_two_subsets_of_axes_gives_two_operators():
    sigma, model = jnp.array([[1.0, 0.3], [0.2, 2.0]]), network("scalar")
    hessian, square = interpreted(lambda x: (tensor(model, x, 2), sigma @ sigma.T))(POINT)
    both = {axes: stde.WeightedLaplacian(sigma, axes) for axes in ((0, 1), (2, 3))}
    values = estimated(both, model, Exact()).value
    for axes, value in values.items():
        block = np.asarray(hessian)[np.ix_(axes, axes)]
        np.testing.assert_allclose(value, np.trace(np.asarray(square) @ block), rtol=1e-10)


@pytest.mark.promotes
@pytest.mark.parametrize("operator", [stde.Directional(1j * np.ones(4)), stde.WeightedLaplacian(1j * MATRIX)])
def test_complex_directions_are_refused(operator):
    with pytest.raises(TypeError, match="need real directions, got complex128; make the complex number"):
        stde.estimate(operator, network(), POINT, Exact())


def test_division_is_by_numbers_and_arrays_only():
    half = estimated(stde.Laplacian() / COMPONENTS, network(), Exact()).value
    whole = estimated(stde.Laplacian(), network(), Exact()).value
    np.testing.assert_allclose(half, whole / COMPONENTS, rtol=1e-12)
    with pytest.raises(ZeroDivisionError, match="An operator cannot be divided by 0"):
        stde.Laplacian() / 0
    with pytest.raises(TypeError, match="divided by a number or an array only"):
        stde.Laplacian() / stde.Laplacian()


@pytest.mark.parametrize("combine", [lambda p, q: p + q, lambda p, q: p * q, lambda p, q: q + p])
def test_a_class_in_place_of_an_operator_is_named(combine):
    with pytest.raises(TypeError, match="got the class Laplacian; call it"):
        combine(stde.partial(0), stde.Laplacian)


def test_numpy_integers_are_integers():
    assert stde.partial(np.int64(1)) == stde.partial(1)
    assert stde.PowerSum(np.int64(3)) == stde.PowerSum(3)
    assert stde.Laplacian(np.array(1)) == stde.Laplacian(1)
    assert len(stde.partials(np.int32(3))) == 3
    assert STDE(np.int64(3)) == STDE(3)


@pytest.mark.promotes
@pytest.mark.parametrize("coefficients", [(1j, 1.0, 1.0), (COMPONENTS, 1.0, 1.0)], ids=["complex", "array"])
def test_terms_that_dense_tangents_cannot_fold_are_taken_whole(coefficients):
    operator = sum(c * p**2 for c, p in zip(coefficients, stde.partials(3), strict=True))
    dense = STDE(num_samples=2, sampler=stde.Rademacher())
    assert dense.refuses(operator, 4) is None
    out = estimated(operator, network(), dense)
    np.testing.assert_allclose(out.value, estimated(operator, network(), Exact()).value, rtol=1e-10)
    np.testing.assert_array_equal(out.standard_error, 0)


@pytest.mark.promotes
@pytest.mark.parametrize("estimator", ["exact", "stde", "sdgd", "sdgd-reverse", "hutchinson"])
def test_complex_models_have_complex_derivatives(estimator):
    model = network("scalar")

    def wave(x):
        return jnp.exp(1j * x[0]) * model(x)

    def derivatives(x):
        """The first and the second ones of the real and of the imaginary part, as complex numbers."""
        parts = [
            [tensor(lambda x, f=f: f(wave(x)), x, order) for order in (1, 2)] for f in (jnp.real, jnp.imag)
        ]
        return [real + 1j * imag for real, imag in zip(*parts, strict=True)]

    slope, hessian = interpreted(derivatives)(POINT)
    asked = {"u_xx": stde.partial(0) ** 2, "gradient": stde.Gradient()}
    values = estimated(asked, wave, ESTIMATORS[estimator]).value
    np.testing.assert_allclose(values["u_xx"], np.asarray(hessian)[0, 0], rtol=1e-9)
    np.testing.assert_allclose(values["gradient"], slope, rtol=1e-9)
