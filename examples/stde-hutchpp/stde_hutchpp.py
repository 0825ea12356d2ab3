"""A plugin for stde: Hutch++, a trace estimator with less variance (Meyer, Musco, Musco, Woodruff, 2021)."""

import equinox as eqx
import jax
import jax.numpy as jnp

import stde_core as stde
from stde_core.contractions import linear_map


class HutchPlusPlus(stde.AbstractEstimator):
    """Hutch++ (Algorithm 1) for Laplacians, with any weights, and divergences.

    The trace of M is `tr QᵀMQ + tr PMP` with `P = I − QQᵀ`: the first exactly, the second by `num_samples`
    tangents. Q spans the range of MS for `sketch` Gaussian vectors S (`num_samples` by default), and so
    catches the largest eigenvalues. Gradients hold Q fixed if `frozen`: unbiased too, and cheaper.

    Cost: `sketch` Hessian-vector products (Jacobian-vector products for a divergence), and a Taylor pass as
    wide as `num_samples + sketch + 2` evaluations of the model. Families of no more terms are taken whole.
    """

    num_samples: int = eqx.field(static=True, converter=stde.as_int)
    sketch: int | None = eqx.field(static=True, converter=stde.as_int, default=None)
    sampler: stde.AbstractDenseSampler = stde.Rademacher()
    frozen: bool = eqx.field(static=True, default=True)

    def __check_init__(self):
        stde.check_count("HutchPlusPlus(num_samples)", self.num_samples)
        stde.check_count("HutchPlusPlus(sketch)", 1 if self.sketch is None else self.sketch)
        stde.check_sampler("HutchPlusPlus", self.sampler, stde.AbstractDenseSampler)

    def plan(self, operators, dim, *, standard_error, model=None):
        how = {"standard_error": standard_error, "supports": _supports, "draw": self._draw}
        return stde.SamplingPlan(operators, dim, self.sampler, self.num_samples, **how)

    def _draw(self, group, model, x, *, key):
        family, size, rank = group.widest, group.widest.isotropic.size, self.sketch or self.num_samples
        if size <= rank:
            return [stde.Draw(jnp.ones(size), noise=jnp.eye(size)[:, None], finite_population_correction=0.0)]
        key, sketch_key = jax.random.split(key)
        noise = jax.random.normal(sketch_key, (rank, size), x.dtype)
        summed = lambda x: model(x) if family.output_size else jnp.sum(model(x).real)  # noqa: E731
        image = jax.vmap(linear_map(family, summed, x))(noise).real
        Q, _ = jnp.linalg.qr((jax.lax.stop_gradient(image) if self.frozen else image).T)
        rest = self.sampler(family, self.num_samples, key=key)
        off = eqx.tree_at(lambda draw: draw.noise, rest, rest.noise - (rest.noise @ Q) @ Q.T)
        return [stde.Draw(jnp.ones(rank), noise=Q.T[:, None], finite_population_correction=0.0), off]


def _supports(family):
    quadratic = sum(family.powers) == (2 if family.output_size is None else 1)
    what = f"samples Laplacians and divergences, not terms of powers {family.powers}; use `stde`"
    return None if family.isotropic is None or quadratic else what


@stde.hookimpl
def stde_estimators():
    return {"hutch++": HutchPlusPlus}
