"""Forty estimates whose values a file keeps, so that a change of the core shows where it changes numbers.

`python tests/reference_estimates.py` writes the file anew.
"""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

FILE = Path(__file__).with_suffix(".json")
ESTIMATORS = (
    *("exact", "forward-laplacian", "stde", "stde-replace", "stde-probabilities", "stde-rademacher"),
    *("stde-gaussian", "stde-sphere", "sdgd-reverse", "hutchinson"),
)
PRECISIONS = ("float32", "float64")
CASES = [(e, p, errors) for e in ESTIMATORS for p in PRECISIONS for errors in (False, True)]


def found(estimator: str, precision: str, standard_error: bool) -> dict[str, list]:
    """The values, and standard errors, of all operators that an estimator accepts, in one call."""
    from helpers import ACCEPTED, ESTIMATORS, OPERATORS, POINT, cast, network
    from interpreter import interpreted

    import stde_core as stde

    operators = {o: OPERATORS[o].operator for e, o in ACCEPTED if e == estimator}

    @interpreted
    def estimate(x, key):
        model = cast(network(), x.dtype)
        return stde.estimate(
            operators, model, x, ESTIMATORS[estimator], key=key, standard_error=standard_error
        )

    out = estimate(POINT.astype(precision), jax.random.key(13))
    trees = [out.value, out.standard_error] if standard_error else [out.value]
    return {o: [np.asarray(tree[o]).tolist() for tree in trees] for o in operators}


def name(estimator: str, precision: str, standard_error: bool) -> str:
    return f"{estimator}, {precision}, {'with' if standard_error else 'without'} standard error"


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    jnp.zeros(())
    FILE.write_text(json.dumps({name(*case): found(*case) for case in CASES}, indent=1) + "\n")
