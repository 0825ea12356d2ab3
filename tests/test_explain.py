"""What `explain` says beforehand, against what estimates then do."""

import tracemalloc

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import COMPONENTS, network
from stde_estimators import SDGD, STDE, Exact, ForwardLaplacian, Hutchinson

import stde_core as stde
from stde_core._plan import _execute
from stde_core._taylor import MultiIndex

x, y, t = stde.partials(3)
KDV = {"u_x": x, "u_y": y, "u_xx": x**2, "u_xy": x * y, "u_ty": t * y, "u_xxxy": x**3 * y, "u_yy": y**2}
MERGED = {name: KDV[name] for name in ("u_x", "u_y", "u_xx", "u_xy")} | {
    "linear": KDV["u_ty"] + KDV["u_xxxy"] + 2 * KDV["u_yy"]
}
HEAT = stde.partial(-1) + stde.Laplacian(axes=slice(None, -1))


def explained(operators, dim, estimator, **options):
    """The explanation, and the estimator's own plan."""
    found = stde.explain(operators, dim, estimator, **options)
    return found, found.plan


# --- what is known of the cost

COSTS = {
    "kdv": (KDV, 3, Exact(), 11, 11),
    "kdv, maximal monomials merged": (MERGED, 3, Exact(), 9, 9),
    "heat": (HEAT, 1001, STDE(16), 18, 34),
    "exact laplacian": (stde.Laplacian(), 100, Exact(), 102, 102),
    "exact laplacian beside a partial": ((x, stde.Laplacian()), 100, Exact(), 103, 103),
    "laplacian": (stde.Laplacian(), 100, STDE(16), 18, 33),
    "gaussian biharmonic": (stde.Biharmonic(), 100, STDE(16, stde.Gaussian()), 50, 65),
    "u itself": (stde.Laplacian() ** 0, 5, Exact(), 1, 1),
    "biharmonic by shared divisors": (stde.Biharmonic(), 3, Exact(), 20, 20),
    "biharmonic by composition": (stde.Biharmonic(), 20, Exact(chunk_size=1000), 1 + 22**2, 1 + 22**2),
}


@pytest.mark.parametrize("name", COSTS)
def test_costs(name):
    operators, dim, estimator, cost, with_errors = COSTS[name]
    found = stde.explain(operators, dim, estimator)
    assert (found.cost, found.cost_otherwise) == (cost, with_errors)
    other = stde.explain(operators, dim, estimator, standard_error=True)
    assert (other.cost, other.cost_otherwise) == (with_errors, cost)


@pytest.mark.parametrize("standard_error", [False, True])
@pytest.mark.parametrize("name", [name for name in COSTS if "composition" not in name])
def test_the_plan_that_is_told_is_the_one_that_is_taken(name, standard_error, monkeypatch):
    operators, dim, estimator, *_ = COSTS[name]
    found, plan = explained(operators, dim, estimator, standard_error=standard_error)
    passes = []

    def watched(model, x, blocks, expansion):
        passes.append((expansion.truncation.width, 1 + len(expansion.truncation.keys)))
        return expand_model(model, x, blocks, expansion)

    expand_model = _execute.expand_model
    monkeypatch.setattr(_execute, "expand_model", watched)
    run = lambda x, key: stde.estimate(  # noqa: E731
        operators, jnp.sum, x, estimator, key=key, standard_error=standard_error
    )
    jax.eval_shape(run, jnp.zeros(dim), jax.random.key(0))
    assert passes == [(found.cost, plan.schedules[0].passes[0].channels)]


def test_nested_cost_is_two_to_the_order_for_each_derivative():
    assert stde.explain(KDV, 3, Exact()).plan.nested_cost == 2 + 2 + 4 + 4 + 4 + 16 + 4
    assert stde.explain(MERGED, 3, Exact()).plan.nested_cost == 36
    assert stde.explain(HEAT, 1001, STDE(16)).plan.nested_cost == 2 + 16 * 4
    assert stde.explain(stde.Biharmonic(), 20, Exact()).plan.nested_cost == 400 * 16
    assert stde.explain((x, 2 * x, stde.Laplacian() * 3), 3, Exact()).plan.nested_cost == 2 + 3 * 4


# --- plans


def test_where_there_are_several_plans_all_are_told_and_the_cheapest_is_first():
    for dim, first in ((3, "partial derivatives share their divisors"), (20, "products as compositions")):
        _, plan = explained(stde.Biharmonic(), dim, Exact())
        costs = [schedule.cost for schedule in plan.schedules]
        assert len(costs) > 1
        assert costs == sorted(costs)
        assert first in plan.schedules[0].name
    composed, direct = plan.schedules
    (composition,) = composed.compositions
    (outer,) = composition.outer.passes
    assert (outer.repeats, outer.width, composition.inner.cost) == (2, 10 + 2, 20 + 2)
    assert direct.compositions == ()


def test_kdv_terms_share_divisors():
    _, plan = explained(KDV, 3, Exact())
    shared, single = plan.schedules
    (taken,) = shared.passes
    (along,) = taken.blocks
    assert (along.samples, along.vectors, along.one_hot, along.axes) == (1, 3, True, (0, 1, 2))
    assert MultiIndex(0, (3, 1, 0)) in taken.truncation.indices
    assert "10  along x0 x1 x2: x0, x1, x2, x0²" in str(plan)
    assert taken.channels == 11
    assert single.cost == 15
    _, plan = explained(MERGED, 3, Exact())
    (total,) = plan.schedules[0].passes[0].truncation.functionals
    assert {index.powers for index in total.indices} == {(0, 1, 1), (3, 1, 0), (0, 2, 0)}


def test_chunks_are_told():
    found, plan = explained(stde.Laplacian(), 1000, Exact(chunk_size=300))
    alone, chunks = plan.schedules[0].passes
    assert (alone.cost, chunks.repeats, chunks.width) == (1, 4, 250 + 2)
    assert found.cost == 1 + 4 * 252


# --- draws


def test_what_is_drawn_is_told():
    operators = {
        "u_t": stde.partial(-1),
        "laplacian": stde.Laplacian(slice(0, 50)),
        "u": stde.partial(0) ** 0,
    }
    _, plan = explained(operators, 51, STDE(16))
    text = str(plan)
    for line in (
        "Draws (Sparse)",
        "u_t        1 term ∂, whole",
        "laplacian  16 of 50 terms ∂², without replacement",
        "u          u itself, whole",
    ):
        assert line in text
    _, plan = explained(stde.Laplacian(), 50, STDE(16, stde.Sparse(replace=True)))
    assert "16 of 50 terms ∂², independent" in str(plan)
    _, plan = explained(stde.PowerSum(4), 50, STDE(16, stde.Rademacher()))
    assert "50 terms ∂⁴, by 16 samples of 3 dense vectors" in str(plan)
    (directions,) = plan.schedules[0].passes[0].blocks
    assert (directions.samples, directions.vectors, directions.one_hot) == (16, 4, False)


def test_families_that_share_a_draw_are_told_to():
    operators = {"a": stde.Laplacian(), "b": stde.PowerSum(3), "c": stde.Biharmonic()}
    _, plan = explained(operators, 50, STDE(16))
    a, b, c = (outline.draw for outline in plan.outlines)
    assert a == b != c
    text = str(stde.explain(operators, 50, STDE(16)))
    assert text.count("16 of 50 terms ∂², without replacement, drawn together") == 1
    assert "16 of 2500 terms ∂²∂², without replacement\n" in text


# --- every estimator


@pytest.mark.parametrize(
    ("estimator", "name"),
    [(SDGD(16), "nested"), (Hutchinson(16), "hessian_vector")],
    ids=["sdgd", "hutchinson"],
)
def test_estimators_with_a_contraction_of_their_own(estimator, name):
    found, plan = explained({"a": HEAT, "b": stde.Gradient()}, 101, estimator)
    assert (found.cost, plan.schedules, plan.nested_cost) == (None, (), 2 + 16 * 4)
    text = str(found)
    assert f"By the estimator's own `{name}`\n  along x100: x100\n  16 × 1 " in text
    assert "b: one reverse pass" in text


def test_an_estimator_with_a_plan_of_its_own_tells_what_it_says():
    found = stde.explain(stde.Laplacian(), 20, ForwardLaplacian())
    assert found.cost is None
    assert str(found).startswith("ForwardLaplacian in 20 dimensions, without standard errors\n\nBy folx")


class Twice(stde.AbstractEstimator):
    """Two independent estimates."""

    estimator: stde.AbstractEstimator

    def plan(self, operators, dim, *, standard_error, model=None):
        return TwicePlan(self.estimator.plan(operators, dim, standard_error=standard_error))


class TwicePlan(stde.AbstractPlan):
    """One plan run with two keys."""

    plan: stde.AbstractPlan

    @property
    def cost(self):
        return 2 * self.plan.cost

    def run(self, model, x, *, key):
        first, second = (self.plan.run(model, x, key=k) for k in jax.random.split(key))
        return stde.Estimate(jax.tree.map(lambda a, b: (a + b) / 2, first.value, second.value), first.primal)

    def describe(self):
        return f"Twice:\n\n{self.plan.describe()}"


def test_an_estimator_of_others_tells_what_they_do():
    found = stde.explain(HEAT, 1001, Twice(STDE(16)))
    assert (found.estimator, found.cost, found.cost_otherwise) == ("Twice", 36, 68)
    assert "Twice:\n\nDraws (Sparse)" in str(found)


def test_operators_may_need_outputs_of_some_shape():
    assert stde.explain((stde.Divergence(), stde.Laplacian()), 100, Exact()).cost == 102
    assert stde.explain(COMPONENTS * stde.Laplacian() + stde.Directional(lambda x: x), 9, Exact()).cost == 20
    assert stde.explain((lambda x: jnp.exp(x[0])) * stde.Laplacian(), 9, Exact()).cost == 11


@pytest.mark.parametrize(
    ("operators", "dim", "estimator"),
    [
        (stde.Laplacian(), 10**6, STDE(16)),
        (stde.Laplacian(), 10**6, Exact()),
        (HEAT, 10**6, SDGD(16)),
        (stde.Laplacian(), 10**6, Hutchinson(16)),
        (stde.Biharmonic(), 10**6, STDE(16, stde.Gaussian())),
        (stde.Biharmonic(), 10**4, Exact()),
    ],
    ids=["stde", "exact", "sdgd", "hutchinson", "gaussian", "pairs"],
)
def test_no_large_array_is_made(operators, dim, estimator):
    tracemalloc.start()
    try:
        assert stde.explain(operators, dim, estimator).plan.nested_cost >= 16 * 4
        assert tracemalloc.get_traced_memory()[1] < 2**26
    finally:
        tracemalloc.stop()


# --- the text


def test_the_text():
    text = str(stde.explain(HEAT, 1001, STDE(16)))
    assert text == repr(stde.explain(HEAT, 1001, STDE(16)))
    assert text.split("\n\n") == [
        "STDE in 1001 dimensions, without standard errors",
        "Draws (Sparse)\n  Sum  1 term ∂, whole\n  Sum  16 of 1000 terms ∂², without replacement",
        "Plan: directions one by one: 18 evaluations of the model\n"
        "      1  the model itself\n"
        "     16  16 × 1 one-hot direction: v\n"
        "      1  sum of x1000 + v² over 16 samples",
        "By nested forward mode: 66 evaluations, 3.7× as many",
        "With standard errors: 34 evaluations",
    ]
    text = str(stde.explain({"Δ²": stde.Biharmonic(), "∇": stde.Gradient()}, 20, Exact()))
    for part in (
        "∇: one reverse pass",
        "Δ² as a composition: 24 × 22",
        "2 chunks of 12",
        "Not taken: directions",
    ):
        assert part in text


# --- errors, and what is left behind


def test_what_an_estimator_refuses_is_refused_as_by_estimate():
    point, refusing = jnp.zeros(4), STDE(9)
    with pytest.raises(ValueError, match="cannot draw 9 of 4 terms without replacement") as expected:
        stde.estimate(stde.Laplacian(), network(), point, refusing, key=jax.random.key(0))
    with pytest.raises(ValueError) as found:
        stde.explain(stde.Laplacian(), 4, refusing)
    assert str(found.value) == str(expected.value)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((3, 4, Exact()), TypeError, r"`stde.explain\(operators, …\)` needs operators, got 3"),
        (([], 4, Exact()), ValueError, r"`stde.explain\(operators, …\)` got no operator"),
        (
            (HEAT, 4, "exact"),
            TypeError,
            r"`stde.explain\(…, estimator\)` needs an estimator object, got 'exact'",
        ),
        ((HEAT, 0, Exact()), ValueError, r"`stde.explain\(…, dim\)` needs an integer ≥ 1, got 0"),
        ((stde.partial(5), 4, Exact()), ValueError, "do not all exist in 4 dimensions"),
    ],
    ids=["operators", "none", "estimator", "dim", "axes"],
)
def test_wrong_arguments(arguments, error, message, unchecked):
    with pytest.raises(error, match=message):
        stde.explain(*arguments)


def test_an_explanation_leaves_nothing_behind():
    def value(x):
        assert stde.explain(HEAT, 3, Exact()).cost == 4
        return stde.estimate(HEAT, lambda x: jnp.sum(x**3), x, Exact()).value

    point = jnp.array([1.0, 2.0, 3.0])
    with jax.checking_leaks():
        np.testing.assert_allclose(jax.jit(value)(point), 6 * (1 + 2) + 27)
