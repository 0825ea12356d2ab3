"""The sums of topmost coefficients against the same sums of separate ones, for every model of the zoo.

The separate ones are compared with nested differentiation in `test_engine_zoo.py`.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from engine_zoo import SINGLE_PRECISION, ZOO
from helpers import assert_close
from interpreter import interpreted

import stde_core as stde
from stde_core import contractions

X = jnp.array([0.3, -0.4, 0.2, 0.5])
d = stde.partials(4)
SAMPLED = {"first": stde.Laplacian() + d[3], "second": stde.PowerSum(3) - 2 * stde.Laplacian(axes=(0, 1))}
WHOLE = (d[0] ** 2 * d[1] + d[2] * d[3] + d[0], d[0] * d[1] + d[1])
KEY = jax.random.key(3)
QUICK = """custom_jvp|cond|while|solve|scatter|vmap inside|convolution
|weight-shared first layer""".replace("\n", "").split("|")


def questions(model, x):
    """Values and standard errors by merged sums, and by a contraction of each sample on its own."""
    for operators, sampler, samples in ((SAMPLED, stde.Sparse(), 3), (WHOLE, stde.AllTerms(), 1)):

        def run(operators=operators, sampler=sampler, samples=samples, **how):
            return stde.SamplingPlan(operators, 4, sampler, samples, **how).run(model, x, key=KEY)

        apart, with_errors = run(contract=contractions.taylor), run()
        yield (with_errors.value, with_errors.standard_error), (apart.value, apart.standard_error)
        yield run(standard_error=False).value, apart.value


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in ZOO]
)
def test_merged_sums_are_the_sums_of_separate_coefficients(name):
    model = ZOO[name]()
    tolerance = 1e-6 if name in SINGLE_PRECISION else 1e-10
    for merged, apart in interpreted(lambda x: list(questions(model, x)))(X):
        scale = max(1.0, *(np.max(np.abs(leaf)) for leaf in jax.tree.leaves(apart)))
        assert_close(merged, apart, rtol=tolerance, atol=tolerance * scale)
