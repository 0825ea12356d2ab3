"""Random operators, built by random algebra, on random polynomials whose derivatives are known exactly."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from helpers import derivative
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from interpreter import interpreted
from stde_estimators import Exact

import stde_core as stde

DIM = 3
NUMBERS = st.integers(-3, 3).filter(bool)
FEW = settings(max_examples=20, deadline=None, derandomize=True, database=None)


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
        monomials = (c * math.prod(x[i] ** p for i, p in enumerate(a) if p) for a, c in self.items())
        return sum(monomials, 0 * x[0])

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


# Pairs of a function that builds an operator of the library, and the operator's symbol.
LEAVES = st.one_of(
    st.integers(-DIM, DIM - 1).map(lambda i: (lambda: stde.partial(i), Polynomial({unit(i % DIM): 1}))),
    st.integers(1, 4).map(lambda k: (lambda: stde.PowerSum(k), power_sum(k))),
    st.just((lambda: stde.Laplacian(), power_sum(2))),
    st.just((lambda: stde.Biharmonic(), power_sum(2) * power_sum(2))),
    st.tuples(NUMBERS, NUMBERS, NUMBERS).map(
        lambda v: (
            lambda: stde.Directional(np.array(v, float)),
            Polynomial({unit(i): v[i] for i in range(DIM)}),
        )
    ),
)


def combinations(pairs):
    def joined(build, symbol):
        return st.tuples(pairs, pairs).map(
            lambda two: (lambda: build(two[0][0](), two[1][0]()), symbol(two[0][1], two[1][1]))
        )

    def with_number(build, symbol):
        return st.tuples(NUMBERS, pairs).map(
            lambda two: (lambda: build(two[0], two[1][0]()), symbol(constant(two[0]), two[1][1]))
        )

    return st.one_of(
        joined(lambda a, b: a + b, lambda a, b: a + b),
        joined(lambda a, b: a - b, lambda a, b: a + constant(-1) * b),
        joined(lambda a, b: a * b, lambda a, b: a * b).filter(lambda pair: pair[1].order() <= 6),
        with_number(lambda c, a: c * a, lambda c, a: c * a),
        with_number(lambda c, a: c + a, lambda c, a: c + a),
        pairs.filter(lambda pair: pair[1].order() <= 3).map(
            lambda pair: (lambda: pair[0]() ** 2, pair[1] * pair[1])
        ),
    )


OPERATORS = st.recursive(LEAVES, combinations, max_leaves=4)
FUNCTIONS = st.dictionaries(
    st.tuples(*[st.integers(0, 4)] * DIM).filter(lambda a: sum(a) <= 7), NUMBERS, min_size=1, max_size=3
).map(Polynomial)
POINTS = st.lists(st.sampled_from([-1.5, -1.0, 0.0, 0.5, 2.0]), min_size=DIM, max_size=DIM).map(np.array)


def assert_exact(found, expected):
    np.testing.assert_allclose(found, float(expected), rtol=1e-10, atol=1e-8)


@pytest.mark.slow
@FEW
@given(OPERATORS, FUNCTIONS, POINTS)
def test_exact_derivatives_of_polynomials(pair, u, x):
    operator, symbol = pair[0](), pair[1]
    found = interpreted(lambda x: stde.estimate(operator, u, x, Exact()))(jnp.asarray(x))
    assert_exact(found.value, symbol.applied_to(u)(x))
    assert found.standard_error == 0


@FEW
@given(OPERATORS)
def test_no_two_families_of_a_kind_have_the_same_powers(pair):
    families = [f for f in pair[0]().families(DIM) if not hasattr(f, "left")]
    kinds = [(type(f), f.powers, type(getattr(f, "frame", None))) for f in families]
    assert len(set(kinds)) == len(kinds)


@FEW
@given(OPERATORS.filter(lambda p: p[1].order() <= 4), FUNCTIONS, POINTS)
@pytest.mark.slow
def test_single_term_draws_of_a_family_add_up_to_it(pair, u, x):
    """So that every draw of terms whose weights cancel their probabilities is unbiased."""
    operator, symbol = pair[0](), pair[1]
    families = operator.families(DIM)
    assume(sum(family.size for family in families) <= 12)

    @interpreted
    def total(x):
        value = 0.0
        for family in families:
            for j in range(family.size):
                tangents = family.tangents(stde.Draw(jnp.ones(1), indices=jnp.array([j])), x)
                (vectors,) = tangents.directions.dense(DIM, x.dtype)
                repeated = [
                    v for v, power in zip(vectors, tangents.powers, strict=True) for _ in range(power)
                ]
                value += tangents.weigh(jnp.asarray(derivative(u, x, *repeated))[None])[0]
        return value

    assert_exact(total(jnp.asarray(x)), symbol.applied_to(u)(x))
