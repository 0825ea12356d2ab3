"""One component of an operator's value, for models with several outputs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from interpreter import interpreted

import stde_core as stde

EXACT, SAMPLED = stde.get_estimator("exact"), stde.get_estimator("stde", num_samples=2)
LAPLACIAN, X, KEY = stde.Laplacian(), jnp.asarray([0.3, -0.2, 0.5]), jax.random.key(0)


def model(x):
    return jnp.stack([jnp.sin(x[0]) * x[1], x[2] ** 3 + x[0], jnp.sum(x**2)])


@pytest.mark.parametrize("estimator", [EXACT, SAMPLED], ids=["exact", "stde"])
def test_components_are_those_of_the_whole_value(estimator):
    operators = {
        "all": LAPLACIAN,
        "last": stde.component(LAPLACIAN, 2),
        "sum": stde.component(LAPLACIAN + 1, 0),
    }

    @interpreted
    def found():
        return stde.estimate(operators, model, X, estimator, key=KEY)

    out = found()
    np.testing.assert_allclose(out.value["last"], out.value["all"][2])
    np.testing.assert_allclose(out.value["sum"], out.value["all"][0] + model(X)[0], rtol=1e-12)
    np.testing.assert_allclose(out.standard_error["last"], out.standard_error["all"][2])
    assert out.value["last"].shape == ()


def test_a_component_of_a_gradient_is_the_gradient_of_a_component():
    found = stde.estimate(stde.component(stde.Gradient(), 1), model, X, EXACT, standard_error=False)
    np.testing.assert_allclose(found.value, jax.grad(lambda x: model(x)[1])(X))


def test_a_component_costs_what_the_operator_costs():
    whole, one = (stde.explain(o, 3, EXACT).cost for o in (LAPLACIAN, stde.component(LAPLACIAN, 1)))
    assert whole == one and EXACT.refuses(stde.component(LAPLACIAN, 1), 3) is None


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: stde.component("laplacian", 0),
            "needs an operator, got 'laplacian'",
        ),
        (lambda: stde.component(stde.component(LAPLACIAN, 0), 0), "needs an operator, got Component("),
        (lambda: stde.component(LAPLACIAN, -1), "`component(…, index)` needs an integer ≥ 0, got -1"),
        (lambda: estimate(stde.component(LAPLACIAN, 3)), "a model with more than 3 outputs, got 3."),
        (
            lambda: estimate(stde.component(LAPLACIAN, 0), lambda x: x[0] * x[1]),
            "more than 0 outputs, got a scalar",
        ),
        (lambda: estimate(stde.component(LAPLACIAN, 0) + LAPLACIAN), "write `component(a + b, i)`"),
    ],
)
def test_what_has_no_such_component_is_refused_in_a_sentence(build, message, unchecked):
    with pytest.raises((ValueError, TypeError)) as caught:
        build()
    assert message in str(caught.value)


def estimate(operators, u=model):
    return stde.estimate(operators, u, X, EXACT, standard_error=False)
