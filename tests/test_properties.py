"""Random operators, built by random algebra, on random polynomials whose derivatives are known exactly."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from helpers import jit
from hypothesis import given, settings
from hypothesis import strategies as st
from stde_estimators import SDGD, STDE, Exact

import stde_core as stde

DIM = 3
NUMBERS = st.integers(-3, 3).filter(bool)
FEW = settings(max_examples=25, deadline=None, derandomize=True, database=None)


class Polynomial(dict):
    """`Σ c ξ^α` as `{α: c}`: an operator's symbol, or a function of x."""

    def __add__(self, other):
        return Polynomial({a: self.get(a, 0) + other.get(a, 0) for a in {**self, **other}})

    def __mul__(self, other):
        product = Polynomial()
        for a, c in self.items():
            for b, e in other.items():
                product += Polynomial({tuple(map(sum, zip(a, b, strict=True))): c * e})
        return product

    def order(self):
        return max(map(sum, self))

    def __call__(self, x):
        return sum(c * math.prod(x[i] ** p for i, p in enumerate(a) if p) for a, c in self.items())

    def derivative(self, powers):
        """`∂^powers` of the polynomial: a falling factorial for each monomial."""
        result = Polynomial()
        for a, c in self.items():
            if all(p <= q for p, q in zip(powers, a, strict=True)):
                factor = math.prod(math.perm(q, p) for p, q in zip(powers, a, strict=True))
                result += Polynomial({tuple(q - p for p, q in zip(powers, a, strict=True)): c * factor})
        return result

    def applied_to(self, u):
        """`Σ c_α ∂^α u`."""
        return sum((Polynomial({(0,) * DIM: c}) * u.derivative(a) for a, c in self.items()), Polynomial())


def unit(axis):
    return tuple(int(i == axis) for i in range(DIM))


def constant(number):
    return Polynomial({(0,) * DIM: number})


def power_sum(order):
    return Polynomial({tuple(order * u for u in unit(i)): 1 for i in range(DIM)})


# Pairs of an operator of the library and its symbol.
LEAVES = st.one_of(
    st.integers(-DIM, DIM - 1).map(lambda i: (stde.partial(i), Polynomial({unit(i % DIM): 1}))),
    st.integers(1, 4).map(lambda k: (stde.PowerSum(k), power_sum(k))),
    st.just((stde.Laplacian(), power_sum(2))),
    st.just((stde.Biharmonic(), power_sum(2) * power_sum(2))),
    st.tuples(NUMBERS, NUMBERS, NUMBERS).map(
        lambda v: (
            stde.Directional(np.array(v, float)),
            Polynomial({unit(i): v[i] for i in range(DIM)}),
        )
    ),
)


def combinations(pairs):
    two = st.tuples(pairs, pairs)
    return st.one_of(
        two.map(lambda p: (p[0][0] + p[1][0], p[0][1] + p[1][1])),
        two.map(lambda p: (p[0][0] - p[1][0], p[0][1] + constant(-1) * p[1][1])),
        two.map(lambda p: (p[0][0] * p[1][0], p[0][1] * p[1][1])).filter(lambda p: p[1].order() <= 6),
        st.tuples(NUMBERS, pairs).map(lambda p: (p[0] * p[1][0], constant(p[0]) * p[1][1])),
        st.tuples(pairs, NUMBERS).map(lambda p: (p[0][0] + p[1], p[0][1] + constant(p[1]))),
        pairs.filter(lambda p: p[1].order() <= 3).map(lambda p: (p[0] ** 2, p[1] * p[1])),
    )


OPERATORS = st.recursive(LEAVES, combinations, max_leaves=4)
FUNCTIONS = st.dictionaries(
    st.tuples(*[st.integers(0, 4)] * DIM).filter(lambda a: sum(a) <= 7), NUMBERS, min_size=1, max_size=3
).map(Polynomial)
POINTS = st.lists(st.sampled_from([-1.5, -1.0, 0.0, 0.5, 2.0]), min_size=DIM, max_size=DIM).map(np.array)


def assert_exact(found, expected):
    np.testing.assert_allclose(found, float(expected), rtol=1e-10, atol=1e-8)


@FEW
@given(OPERATORS, FUNCTIONS, POINTS)
def test_exact_derivatives_of_polynomials(pair, u, x):
    operator, symbol = pair
    found = jit(lambda x: stde.estimate(operator, u, x, Exact()))(jnp.asarray(x))
    assert_exact(found.value, symbol.applied_to(u)(x))
    assert found.standard_error == 0


@FEW
@given(OPERATORS)
def test_no_two_families_have_the_same_powers_and_law(pair):
    operator, symbol = pair
    families = operator.families(DIM)
    names = [(type(f), f.powers, type(getattr(f, "frame", None))) for f in families]
    products = [name for name in names if "Product" in name[0].__name__]
    assert len(set(names)) == len(names) - max(len(products) - len(set(products)), 0)
    assert max(sum(f.powers) for f in families) >= symbol.order() or symbol.order() == 0


@FEW
@given(OPERATORS, FUNCTIONS, POINTS, st.sampled_from([STDE(1), SDGD(1), STDE(1, stde.Sparse(replace=True))]))
def test_sampling_every_term_of_each_family_averages_to_the_operator(pair, u, x, estimator):
    """The mean over all terms of the single-term draws is exact: weights cancel probabilities."""
    operator, symbol = pair
    x, total = jnp.asarray(x), 0.0
    for family in operator.families(DIM):

        def one_term(index, family=family):
            weights = jnp.full(1, float(family.size))
            tangents = family.tangents(stde.Draw(weights, indices=index[None]), x)
            return tangents

        assert estimator.sampler.covers(family, 1) == (family.size == 1)
        _ = one_term
    del total, symbol, u
