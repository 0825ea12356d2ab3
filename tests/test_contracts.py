"""Everything that is registered keeps its contract, and each clause catches a class that breaks it."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stde_core as stde
import stde_pdes
from stde_core.plugins import registry
from stde_core.testing import check_estimator, check_operator, check_sampler
from stde_pdes.testing import check_problem

slow = pytest.mark.slow


def names(kind, *, fast=()):
    """The names that stde itself registers; those that are not `fast` are marked as slow."""
    found = registry()
    ours = [name for name in found.names(kind) if found.entry(kind, name).plugin.builtin]
    assert set(fast) <= set(ours)
    return [pytest.param(name, marks=[] if name in fast else slow) for name in ours]


def trace_of_hessian(model, x):
    return jnp.trace(jax.hessian(model)(x))


SIGMA = np.cos(np.arange(8.0)).reshape(4, 2)
OPERATORS = {
    "laplacian": ({}, trace_of_hessian),
    "weighted-laplacian": (
        {"sigma": SIGMA},
        lambda u, x: jnp.trace(SIGMA @ SIGMA.T @ jax.hessian(u)(x)),
    ),
    "power-sum": ({"order": 3}, lambda u, x: jnp.einsum("iii", jax.jacfwd(jax.hessian(u))(x))),
    "biharmonic": ({}, lambda u, x: trace_of_hessian(lambda y: trace_of_hessian(u, y), x)),
    "divergence": ({}, lambda u, x: jnp.trace(jax.jacfwd(u)(x))),
    "gradient": ({}, lambda u, x: jax.grad(u)(x)),
    "directional": ({"direction": lambda x: x, "order": 2}, lambda u, x: x @ jax.hessian(u)(x) @ x),
    "partial": ({"axis": -1}, lambda u, x: jax.grad(u)(x)[-1]),
}


@pytest.mark.parametrize("name", names("operators", fast=["partial"]))
def test_operators(name):
    fields, reference = OPERATORS[name]
    check_operator(stde.get_operator(name, **fields), reference=reference)


@pytest.mark.parametrize("name", names("samplers", fast=["rademacher"]))
def test_samplers(name):
    check_sampler(stde.get_sampler(name))


@slow
@pytest.mark.parametrize(
    "fields", [{"replace": True}, {"replace": True, "probabilities": np.arange(1, 7) / 21}]
)
def test_samplers_with_replacement(fields):
    check_sampler(stde.Sparse(**fields))


NUM_SAMPLES = {"stde": 2, "sdgd": 2, "hutchinson": 3}


@pytest.mark.parametrize("name", names("estimators", fast=["exact"]))
def test_estimators(name):
    if name == "forward-laplacian":
        pytest.importorskip("folx")
    fields = {"num_samples": NUM_SAMPLES[name]} if name in NUM_SAMPLES else {}
    check_estimator(stde.get_estimator(name, **fields))


@slow
def test_estimators_by_dense_tangents():
    check_estimator(stde.get_estimator("stde", num_samples=3, sampler=stde.Gaussian()))


PROBLEMS = {
    "allen-cahn-parabolic": {"dim": 2},
    "biharmonic": {"dim": 4},
    "black-scholes-barenblatt": {"dim": 4},
    "hjb-lin": {"dim": 4},
    "hjb-lqg": {"dim": 4},
    "semilinear-heat": {"dim": 4},
    "sine-gordon-parabolic": {"dim": 4},
    "wave": {"dim": 3},
} | {
    f"{equation}-{bodies}": {"dim": 5}
    for equation in ("poisson", "allen-cahn", "sine-gordon")
    for bodies in ("two-body", "three-body")
}


@pytest.mark.parametrize("name", names("problems", fast=["hjb-lin"]))
def test_problems(name):
    check_problem(stde_pdes.get_problem(name, **PROBLEMS.get(name, {})))


# --- what breaks a clause is caught by that clause


class Broken(stde.AbstractOperator):
    """A Laplacian with one fault."""

    fault: str = eqx.field(static=True)

    def families(self, dim):
        (family,) = stde.Laplacian().families(dim)
        return [family] if self.fault == "list" else (BrokenFamily(family, self.fault),)


class BrokenFamily(stde.AbstractFamily):
    """A family of another, with one fault."""

    family: stde.AbstractFamily
    fault: str = eqx.field(static=True)

    powers = property(lambda self: self.family.powers)
    size = property(lambda self: 0 if self.fault == "size" else self.family.size)
    index_set = property(lambda self: self.family.index_set)
    isotropic = property(lambda self: self.family.isotropic)
    output_size = property(lambda self: None)
    varies = property(lambda self: False)

    def tangents(self, draw, x):
        if self.fault == "weights":
            draw = dataclasses.replace(draw, weights=jnp.ones_like(draw.weights))
        if self.fault == "law" and draw.noise is not None:
            draw = dataclasses.replace(draw, noise=1.1 * draw.noise)
        if self.fault == "dtype":
            found = self.family.tangents(draw, x)
            return dataclasses.replace(found, weights=found.weights.astype(float))
        return self.family.tangents(draw, x)

    def scaled(self, factor):
        return self if self.fault == "scaled" else BrokenFamily(self.family.scaled(factor), self.fault)


@pytest.mark.parametrize(
    ("fault", "clause"),
    [
        ("list", "'families': `families.4.` needs to be a tuple of families, got "),
        ("size", "'families': `size` needs to be a positive integer, got 0"),
        ("weights", "'terms': with weights of 2"),
        ("law", "'dense law': estimates by Gaussian tangents: the mean of 4000 of them is "),
        ("scaled", "'algebra': the value of "),
    ],
)
def test_broken_operators(fault, clause, unchecked):
    with pytest.raises(AssertionError, match=rf"^`check_operator\(Broken\(…\)\)` breaks the clause {clause}"):
        check_operator(Broken(fault))


@slow
def test_an_operator_that_holds_an_array():
    check_operator(stde.WeightedLaplacian(jnp.array([1.0, 2.0, 3.0, 4.0])))


class Listed(stde.AbstractOperator):
    """A Laplacian that keeps a list among what is static."""

    axes: list = eqx.field(static=True)

    def families(self, dim):
        return stde.Laplacian(axes=self.axes).families(dim)


def test_an_operator_with_a_static_list():
    with pytest.raises(AssertionError, match=r"clause 'round trip': a static field cannot be hashed .*list"):
        check_operator(Listed([0, 1]))


def test_an_operator_that_is_another_one():
    with pytest.raises(AssertionError, match=r"clause 'exact': the value is .*, that of `reference` is "):
        check_operator(stde.Laplacian(axes=slice(0, -1)), reference=trace_of_hessian)


class Stretched(stde.AbstractDenseSampler):
    """Normal noise with one fault."""

    fault: str = eqx.field(static=True)

    def noise(self, shape, *, key):
        normal = jax.random.normal(jax.random.key(0) if self.fault == "key" else key, shape)
        return 1.2 * normal if self.fault == "second" else normal

    def fourth_moment(self, size):
        return 1.2 if self.fault == "fourth" else 1.0


@slow
@pytest.mark.parametrize(
    ("fault", "clause"),
    [
        ("second", r"'moments': drawn tensors of Laplacian\(\)"),
        ("fourth", r"'moments': drawn tensors of Biharmonic\(\)"),
        ("key", "'moments'"),
    ],
)
def test_broken_samplers(fault, clause):
    with pytest.raises(
        AssertionError, match=rf"`check_sampler\(Stretched\(…\)\)` breaks the clause {clause}"
    ):
        check_sampler(Stretched(fault))


class Sampled(stde.AbstractEstimator):
    """The estimator `stde` for second derivatives, with one fault."""

    fault: str = eqx.field(static=True)
    num_samples: int = eqx.field(static=True, default=2)

    def plan(self, operators, dim, *, standard_error, model=None):
        said = "no" if self.fault == "refusal" else "takes second derivatives only"
        taken = () if self.fault == "all" else (2,)
        return Faulty(
            stde.SamplingPlan(
                *(operators, dim, stde.Sparse(), self.num_samples),
                standard_error=standard_error,
                supports=lambda family: None if family.powers == taken else said,
            ),
            self.fault,
        )


class Faulty(stde.AbstractPlan):
    """A plan carried out with one fault."""

    plan: stde.SamplingPlan
    fault: str = eqx.field(static=True)
    cost: None = eqx.field(static=True, default=None)

    def describe(self):
        return self.plan.describe()

    def run(self, model, x, *, key):
        if key is None and self.fault == "key":
            key = jax.random.key(0)
        found, standard_error = self.plan.run(model, x, key=key), self.plan.standard_error
        if self.fault == "value":
            return dataclasses.replace(found, value=jax.tree.map(lambda v: 1.1 * v, found.value))
        if self.fault == "error" and standard_error:
            smaller = jax.tree.map(lambda e: e / 2, found.standard_error)
            return dataclasses.replace(found, standard_error=smaller)
        if self.fault == "shape" and standard_error:
            return dataclasses.replace(found, standard_error=jax.tree.map(jnp.sum, found.standard_error))
        if self.fault == "dtype":
            return dataclasses.replace(found, value=jax.tree.map(lambda v: v.astype(float), found.value))
        if self.fault == "gradient":
            return dataclasses.replace(found, value=jax.lax.stop_gradient(found.value))
        if self.fault == "loop":
            values = [model(x) for _ in range(8 * self.plan.num_samples)]
            return dataclasses.replace(found, primal=sum(values) / len(values))
        return found


@slow
@pytest.mark.parametrize(
    ("fault", "clause"),
    [
        ("refusal", r"'refusals': `refuses` of .* needs to be a sentence, got 'no'"),
        ("all", r"'refusals': every operator is refused \(Laplacian\(\): it takes second"),
        ("value", r"'unbiased': estimates of .*: the mean of 4000 of them"),
        ("error", "'standard error': .*: the squared standard error, in the mean, is"),
        ("shape", r"'shapes': `standard_error` of .* has shape \(\), not \(3,\)"),
        ("key", "'keys': without a key .* gives a value, though it is sampled"),
        ("dtype", "'dtypes': at a point of float32 the estimate has dtype float64"),
        ("gradient", "'transforms': the gradient in parameters is 0,"),
        ("loop", "'trace': `num_samples` makes the trace grow from"),
    ],
)
def test_broken_estimators(fault, clause, unchecked):
    with pytest.raises(
        AssertionError, match=rf"`check_estimator\(Sampled\(…\)\)` breaks the clause {clause}"
    ):
        check_estimator(Sampled(fault))
