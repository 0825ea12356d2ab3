"""Random operators on random polynomials, whose derivatives are known exactly by rational arithmetic;
and what an estimate promises of its value and standard error, draw by draw."""

import functools
import math
import operator
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from engine_reference import Nested
from helpers import assert_close, network
from hypothesis import given, settings
from hypothesis import strategies as st
from interpreter import interpreted
from stde_estimators import STDE, Exact

import stde_core as stde

DIM, ORDER = 4, 6
d = stde.partials(DIM)
KEY = jax.random.key(5)
FEW = settings(max_examples=8, deadline=None, derandomize=True, database=None)


class Polynomial(dict):
    """`Σ c ξ^α` as `{α: c}`: an operator's symbol, or a function of x."""

    def __call__(self, x):
        """The value: of `Fraction`s exact, of a JAX array an array."""
        monomials = (c * math.prod(x[i] ** p for i, p in enumerate(a) if p) for a, c in self.items())
        return sum(monomials, 0 * x[0])

    def __add__(self, other):
        return Polynomial({a: self.get(a, 0) + other.get(a, 0) for a in {**self, **other}})

    def __mul__(self, other):
        product = Polynomial()
        for a, c in self.items():
            for b, e in other.items():
                product += Polynomial({tuple(map(sum, zip(a, b, strict=True))): c * e})
        return product

    def derivative(self, powers):
        """`∂^powers` of the polynomial: a falling factorial for each monomial."""
        result = Polynomial()
        for a, c in self.items():
            left = tuple(q - p for p, q in zip(powers, a, strict=True))
            if min(left) >= 0:
                result += Polynomial({left: c * math.prod(map(math.perm, a, powers))})
        return result

    def applied_to(self, u):
        """`Σ c_α ∂^α u`."""
        zero = (0,) * DIM
        return sum((Polynomial({zero: c}) * u.derivative(a) for a, c in self.items()), Polynomial())


product = functools.partial(functools.reduce, operator.mul)


def exactly(polynomial, x):
    return float(polynomial([Fraction(entry) for entry in x.tolist()]))


def assert_exact(found, symbol, us, x):
    """To 1e-10 of the sum of the absolute values of all terms, which may cancel."""
    for value, u in zip(found, us, strict=True):
        absolute = [Polynomial({a: abs(c) for a, c in p.items()}) for p in (symbol, u)]
        size = exactly(absolute[0].applied_to(absolute[1]), abs(x))
        np.testing.assert_allclose(value, exactly(symbol.applied_to(u), x), rtol=0, atol=1e-10 * max(1, size))


# --- Random operators and functions --------------------------------------------------------------

NUMBERS = st.sampled_from([-3, -1, 1, 2, 0.5, -0.25])


def monomials(order):
    """Powers with a sum from 1 to `order`, as the counts of a random word in the variables."""
    words = st.lists(st.integers(0, DIM - 1), min_size=1, max_size=order)
    return words.map(lambda word: tuple(word.count(i) for i in range(DIM)))


def symbols(order, terms):
    return st.dictionaries(monomials(order), NUMBERS, min_size=1, max_size=terms).map(Polynomial)


def operator_of(symbol):
    """The symbol by the algebra of `stde.partials`."""
    return sum(c * product(d[i] ** p for i, p in enumerate(a) if p) for a, c in symbol.items())


def built(factors):
    """An operator, one sum of terms or a product of two, and its symbol."""
    return product(map(operator_of, factors)), product(factors)


OPERATORS = st.one_of(st.tuples(symbols(ORDER, 4)), st.tuples(symbols(3, 2), symbols(3, 2)))
SMALLER = st.one_of(st.tuples(symbols(4, 3)), st.tuples(symbols(2, 2), symbols(2, 2)))
POLYNOMIALS = st.dictionaries(
    st.tuples(*[st.integers(0, 4)] * DIM), st.integers(-3, 3).filter(bool), min_size=1, max_size=3
).map(Polynomial)
POINTS = st.lists(st.sampled_from([-1.5, -1.0, 0.0, 0.5, 2.0]), min_size=DIM, max_size=DIM).map(np.array)


def estimate(asked, us, x, sampled):
    """Term by term, or by sampling as many terms as the largest family has."""
    leaves = jax.tree.leaves(asked, is_leaf=lambda node: isinstance(node, stde.AbstractOperator))
    largest = max(family.size for leaf in leaves for family in leaf.families(DIM))
    method = STDE(largest) if sampled else Exact(chunk_size=3)
    return interpreted(lambda x: stde.estimate(asked, lambda x: jnp.stack([u(x) for u in us]), x, method))(
        jnp.asarray(x)
    )


@FEW
@given(OPERATORS, st.lists(POLYNOMIALS, min_size=1, max_size=2), POINTS, st.booleans())
@pytest.mark.slow
def test_derivatives_of_polynomials_are_exact(factors, us, x, sampled):
    asked, symbol = built(factors)
    found = estimate(asked, us, x, sampled)
    assert_exact(found.value, symbol, us, x)
    np.testing.assert_array_equal(found.standard_error, 0)


@pytest.mark.slow
@FEW
@given(st.lists(SMALLER, min_size=2, max_size=3), POLYNOMIALS, POINTS, st.booleans(), st.booleans())
def test_several_operators_in_one_call_are_exact(several, u, x, named, sampled):
    operators, symbols = zip(*map(built, several), strict=True)
    found = estimate(dict(enumerate(operators)) if named else operators, [u], x, sampled)
    assert isinstance(found.value, dict if named else tuple)
    for value, symbol in zip(jax.tree.leaves(found.value), symbols, strict=True):
        assert_exact(value, symbol, [u], x)


SLOW = [pytest.param(4, True, marks=pytest.mark.slow), pytest.param(6, False, marks=pytest.mark.slow)]


@pytest.mark.parametrize(("order", "sampled"), [(2, True), (3, False), *SLOW])
def test_powers_of_a_sum_of_all_partials_are_exact(order, sampled):
    """(∂_0 + … + ∂_3)^k: every monomial of order k, against its one direction (1, 1, 1, 1)."""
    u = Polynomial({(2, 1, 1, 2): 1, (4, 0, 3, 0): -2, (1, 2, 0, 0): 3, (1, 1, 2, 2): 1})
    x = np.array([0.5, -1.0, 0.0, 2.0])
    symbol = product([Polynomial({tuple(int(i == j) for i in range(DIM)): 1 for j in range(DIM)})] * order)
    found = estimate((sum(d) ** order, stde.Directional(np.ones(DIM), order)), [u], x, sampled)
    for value in found.value:
        assert_exact(value, symbol, [u], x)


# --- Weights and coefficients --------------------------------------------------------------------

U = Polynomial({(3, 1, 0, 0): 1, (0, 2, 2, 0): -2, (1, 0, 1, 3): 1, (2, 0, 0, 2): 3, (0, 1, 0, 4): 1})
X = np.array([0.5, -1.0, 1.5, 2.0])
DIAGONAL, COLUMNS = (
    np.array([0.5, -1.0, 2.0, 1.5]),
    np.array([[1.0, 0.5], [0.0, 2.0], [-1.0, 1.0], [0.5, 0.0]]),
)
WEIGHTED = {
    "weights": (sum(c * p**2 for c, p in zip(DIAGONAL, d, strict=True)), lambda x: np.diag(DIAGONAL)),
    "diagonal": (stde.WeightedLaplacian(DIAGONAL), lambda x: np.diag(DIAGONAL**2)),
    "trainable": (stde.WeightedLaplacian(jnp.asarray(DIAGONAL)), lambda x: np.diag(DIAGONAL**2)),
    "matrix": (stde.WeightedLaplacian(COLUMNS), lambda x: COLUMNS @ COLUMNS.T),
    "diagonal of x": (stde.WeightedLaplacian(lambda x: 1 + x), lambda x: np.diag((1 + x) ** 2)),
    "matrix of x": (
        stde.WeightedLaplacian(lambda x: COLUMNS * x[:, None]),
        lambda x: np.outer(x, x) * (COLUMNS @ COLUMNS.T),
    ),
    "function": ((lambda x: x[0] * x[1]) * stde.Laplacian(), lambda x: x[0] * x[1] * np.eye(DIM)),
    "function and weights": (
        (lambda x: x @ x) * stde.WeightedLaplacian(DIAGONAL) - 3 * stde.Laplacian(),
        lambda x: (x @ x) * np.diag(DIAGONAL**2) - 3 * np.eye(DIM),
    ),
    "mixed": (d[0] * d[1] + (lambda x: x[2]) * (d[1] * d[2]) + 2 * d[3] ** 2, lambda x: _mixed(x[2])),
    "along x": (stde.Directional(lambda x: x, 2), lambda x: np.outer(x, x)),
}


def _mixed(c):
    return np.array([[0, 0.5, 0, 0], [0.5, 0, c / 2, 0], [0, c / 2, 0, 0], [0, 0, 0, 2.0]])


def hessian(u, x):
    unit = np.eye(DIM, dtype=int)
    return np.array([[exactly(u.derivative(tuple((a + b).tolist())), x) for a in unit] for b in unit])


SAMPLERS = {
    "sparse": stde.Sparse(),
    "replace": stde.Sparse(replace=True),
    "gaussian": stde.Gaussian(),
    "rademacher": stde.Rademacher(),
}


@pytest.mark.parametrize("name", WEIGHTED)
def test_weights_and_functions_of_x_as_coefficients(name):
    """Exact values are exact; of sampled ones every draw is, and its error, as by nested AD."""
    weighted, matrix = WEIGHTED[name]

    def all_of_them(x):
        samplers = (stde.Sparse(), stde.Gaussian())
        methods = [method(2, sampler) for sampler in samplers for method in (STDE, Nested)]
        return [stde.estimate(weighted, U, x, method, key=KEY) for method in (Exact(), *methods)]

    exact, *sampled = interpreted(all_of_them)(jnp.asarray(X))
    np.testing.assert_allclose(exact.value, np.sum(matrix(X) * hessian(U, X)), rtol=1e-10)
    assert_close(sampled[::2], sampled[1::2])


# --- Values and standard errors ------------------------------------------------------------------

HEAT = d[-1] + stde.Laplacian(axes=slice(None, -1))
ASKED = {
    "laplacian": stde.Laplacian(),
    "heat": HEAT,
    "biharmonic": stde.Biharmonic(),
    "fourth powers": stde.PowerSum(4),
    "mixed": d[0] * d[1] + d[1] * d[2] + d[2] * d[3] + d[0] ** 3 * d[1],
    "several": {"laplacian": stde.Laplacian(), "heat": HEAT, "third": stde.PowerSum(3), "u_tt": d[-1] ** 2},
}
DRAWN = [
    (sampler, name)
    for sampler in SAMPLERS
    for name in ASKED
    if STDE(2, SAMPLERS[sampler]).refuses(ASKED[name], DIM) is None
]


@pytest.mark.parametrize(("sampler", "name"), DRAWN)
def test_asking_for_the_standard_error_changes_no_value(sampler, name):
    model, operators = network(2), ASKED[name]

    def estimated(method, standard_error):
        out = stde.estimate(
            operators, model, jnp.asarray(X) / 4, method, key=KEY, standard_error=standard_error
        )
        return out.value, out.primal, out.standard_error

    def all_of_them():
        engine, nested = STDE(2, SAMPLERS[sampler]), Nested(2, SAMPLERS[sampler])
        return estimated(engine, True), estimated(engine, False), estimated(nested, True)

    with_error, without, reference = interpreted(all_of_them)()
    assert without[2] is None
    assert_close(without[:2], with_error[:2], rtol=1e-12)
    assert_close(with_error, reference)
