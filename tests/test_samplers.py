"""Draws: the moments of dense tangents, uniform subsets, weights and what is refused."""

import itertools
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import assert_close, assert_unbiased
from interpreter import interpreted
from stde_estimators import SDGD, STDE, Exact, Hutchinson

import stde_core as stde

DENSE = {"rademacher": stde.Rademacher(), "gaussian": stde.Gaussian(), "sphere": stde.Sphere()}


def laplacian(dim):
    (family,) = stde.Laplacian().families(dim)
    return family


def draws(sampler, family, num_samples, num_keys, key):
    keys = jax.random.split(key, num_keys)
    return interpreted(jax.vmap(lambda key: sampler(family, num_samples, key=key)))(keys)


@pytest.mark.parametrize("name", DENSE)
@pytest.mark.parametrize("size", [2, 5])
def test_dense_tangents_have_the_moments_of_isotropic_noise(name, size, getkey):
    sampler = DENSE[name]
    noise = interpreted(lambda key: sampler.noise((40_000, size), key=key))(getkey())
    assert_unbiased(noise, np.zeros(size))
    assert_unbiased(jnp.einsum("ni,nj->nij", noise, noise), np.eye(size))
    matrix = np.cos(np.arange(size**2)).reshape(size, size)
    matrix = matrix + matrix.T
    squares = jnp.einsum("ni,ij,nj->n", noise, matrix, noise) ** 2
    isotropic = np.trace(matrix) ** 2 + 2 * np.sum(matrix**2)
    if sampler.fourth_moment(size) is not None:
        assert_unbiased(squares, sampler.fourth_moment(size) * isotropic)
    else:
        assert_unbiased(squares, isotropic - 2 * np.sum(np.diag(matrix) ** 2))


def test_constants_of_the_fourth_moment():
    assert stde.Gaussian().fourth_moment(7) == 1
    assert stde.Sphere().fourth_moment(7) == 7 / 9
    assert stde.Rademacher().fourth_moment(7) is None


def test_sphere_and_rademacher_tangents_have_their_length(getkey):
    for sampler in (stde.Sphere(), stde.Rademacher()):
        noise = sampler.noise((10, 2, 6), key=getkey())
        np.testing.assert_allclose(jnp.linalg.norm(noise, axis=-1), 6**0.5)


@pytest.mark.parametrize("name", DENSE)
def test_dense_draws_serve_a_family(name, getkey):
    (family,) = stde.PowerSum(4).families(5)
    draw = DENSE[name](family, 6, key=getkey())
    assert draw.noise.shape == (6, 3, 5)
    np.testing.assert_allclose(draw.weights, np.full(6, 1 / 6))
    assert draw.finite_population_correction == 1


@pytest.mark.parametrize(("size", "num_samples"), [(5, 2), (40, 2), (5, 4)], ids=str)
def test_draws_without_replacement_are_uniform_subsets(size, num_samples, getkey):
    """Few of many go by Floyd's algorithm, many of few by a permutation."""
    num_keys = 20_000
    draw = draws(stde.Sparse(), laplacian(size), num_samples, num_keys, getkey())
    found = np.sort(np.asarray(draw.indices), axis=1)
    assert np.all(np.diff(found, axis=1) > 0)
    assert found.min() >= 0
    assert found.max() < size
    subsets = list(itertools.combinations(range(size), num_samples))
    counts = np.array([np.sum(np.all(found == subset, axis=1)) for subset in subsets])
    expected = num_keys / len(subsets)
    # Pearson's statistic has mean m = subsets − 1 and variance about 2m.
    statistic = np.sum((counts - expected) ** 2) / expected
    assert statistic < (len(subsets) - 1) + 4 * (2 * (len(subsets) - 1)) ** 0.5


@pytest.mark.parametrize("num_samples", [1, 16, 100])
def test_subsets_of_a_large_family_are_distinct(num_samples, getkey):
    draw = draws(stde.Sparse(), laplacian(10**6), num_samples, 50, getkey())
    assert all(len(set(row)) == num_samples for row in np.asarray(draw.indices).tolist())
    np.testing.assert_allclose(draw.weights, 10**6 / num_samples)
    # The mean of uniform indices; their standard deviation is about size / √12.
    deviation = 10**6 / math.sqrt(12 * 50 * num_samples)
    assert abs(np.mean(draw.indices) - 5e5) < 4 * deviation


def test_weights_of_sparse_draws(getkey):
    p = (0.1, 0.2, 0.3, 0.4)
    family = laplacian(4)
    without = stde.Sparse()(family, 3, key=getkey())
    np.testing.assert_allclose(without.weights, 4 / 3)
    assert without.finite_population_correction == pytest.approx(1 / 4)
    uniform = stde.Sparse(replace=True)(family, 8, key=getkey())
    np.testing.assert_allclose(uniform.weights, 4 / 8)
    assert uniform.finite_population_correction == 1
    weighted = stde.Sparse(replace=True, probabilities=p)(family, 8, key=getkey())
    np.testing.assert_allclose(weighted.weights, 1 / (8 * np.array(p)[weighted.indices]))
    assert weighted.finite_population_correction == 1


@pytest.mark.parametrize("probabilities", [None, (0.1, 0.2, 0.3, 0.4)], ids=["uniform", "weighted"])
def test_draws_with_replacement_follow_the_probabilities(probabilities, getkey):
    sampler = stde.Sparse(replace=True, probabilities=probabilities)
    draw = draws(sampler, laplacian(4), 2, 20_000, getkey())
    hits = jax.nn.one_hot(draw.indices.reshape(-1), 4)
    assert_unbiased(hits, np.full(4, 0.25) if probabilities is None else np.array(probabilities))


def test_probabilities_are_normalised():
    sampler = stde.Sparse(replace=True, probabilities=np.array([0.25, 0.75], np.float32))
    np.testing.assert_array_equal(sampler.probabilities, [0.25, 0.75])


def test_a_million_probabilities_are_an_array_and_no_part_of_what_jit_compares():
    sampler = stde.Sparse(replace=True, probabilities=np.full(10**6, 1e-6))
    assert [leaf.shape for leaf in jax.tree.leaves(sampler)] == [(10**6,)]
    assert len(str(jax.tree.structure(sampler))) < 1000


def test_probabilities_are_not_trained():
    def mean(sampler):
        estimator = STDE(num_samples=2, sampler=sampler)
        model = lambda x: jnp.sum(jnp.sin(x) * x)  # noqa: E731
        return stde.estimate(stde.Laplacian(), model, jnp.ones(4), estimator, key=jax.random.key(0)).value

    sampler = stde.Sparse(replace=True, probabilities=np.arange(1, 5) / 10)
    np.testing.assert_array_equal(eqx.filter_grad(mean)(sampler).probabilities, np.zeros(4))


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: stde.Sparse(probabilities=(0.5, 0.5)), ValueError, "biased; set `replace=True`"),
        (lambda: stde.Sparse(replace=1), TypeError, r"`Sparse\(replace\)` needs True or False, got 1"),
        (lambda: stde.Sparse(True, (0.5, 0.6)), ValueError, "sum to 1, got shape .* sum 1.1"),
        (lambda: stde.Sparse(True, (0.0, 1.0)), ValueError, "least entry 0"),
        (lambda: stde.Sparse(True, ((1.0,),)), ValueError, r"got shape \(1, 1\)"),
        (lambda: stde.Sparse(True, ()), ValueError, r"got shape \(0,\)"),
        (lambda: STDE(num_samples=0), ValueError, r"`STDE\(num_samples\)` needs an integer ≥ 1, got 0"),
        (lambda: SDGD(num_samples=2.5), ValueError, r"`SDGD\(num_samples\)` needs an integer ≥ 1, got 2.5"),
        (lambda: STDE(num_samples=1, sampler="sparse"), TypeError, r"`STDE\(sampler\)` needs a"),
        (lambda: SDGD(num_samples=1, sampler=stde.Gaussian()), TypeError, "needs a `Sparse` sampler object"),
        (lambda: Hutchinson(num_samples=1, sampler=stde.Sparse()), TypeError, "`AbstractDenseSampler`"),
        (lambda: Exact(chunk_size=0), ValueError, r"`Exact\(chunk_size\)` needs an integer ≥ 1, got 0"),
    ],
)
def test_samplers_and_estimators_check_their_fields(unchecked, build, error, message):
    with pytest.raises(error, match=message):
        build()


LARGE = sum(stde.partial(i) * stde.partial(i + 1) for i in range(1500))


@pytest.mark.parametrize(
    ("estimator", "operator", "dim", "message"),
    [
        (
            STDE(5),
            stde.Laplacian(),
            4,
            "cannot draw 5 of 4 terms without replacement; .* the `exact` estimator",
        ),
        (STDE(17), stde.Biharmonic(), 4, "cannot draw 17 of 16 terms"),
        (SDGD(5), stde.Laplacian() + stde.partial(0) ** 3, 4, "cannot draw 5 of 4 terms"),
        (STDE(2), stde.Biharmonic(), 50_000, "cannot index 2500000000 terms; use dense tangents"),
        (Exact(), stde.Biharmonic(), 50_000, "cannot take 2500000000 terms one by one"),
        (
            STDE(2, stde.Sparse(True, (0.5, 0.5))),
            stde.Laplacian(),
            4,
            "2 probabilities for a family of 4 terms; give one probability per term",
        ),
        (STDE(2, stde.Rademacher()), stde.Biharmonic(), 4, "would be biased: .* Rademacher .* use gaussian"),
        (STDE(2, stde.Gaussian()), LARGE, 1501, r"no dense law for 1500 terms with powers \(1, 1\)"),
        (
            Hutchinson(2),
            stde.PowerSum(3),
            4,
            "of order 2 and below by Hessian-vector products, not of order 3",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_a_sentence(estimator, operator, dim, message):
    with pytest.raises(ValueError, match=message):
        stde.estimate(operator, jnp.sum, jnp.ones(dim), estimator, key=jax.random.key(0))


@pytest.mark.parametrize("estimator", [STDE(5), SDGD(5), STDE(5, stde.Sparse(replace=True))], ids=repr)
def test_families_of_one_term_are_never_sampled(estimator):
    operator = stde.partial(0) ** 3 + stde.partial(0) * stde.partial(1) + stde.PowerSum(1) + 2
    assert estimator.refuses(operator, 4) is None
    found = stde.estimate(operator, lambda x: jnp.exp(x[0] + 2 * x[1]), jnp.zeros(4), estimator)
    assert_close(found.value, jnp.array(1.0 + 2 + 3 + 2))
    assert found.standard_error == 0


def test_sampled_estimators_of_a_whole_family_are_exact():
    for estimator in (STDE(4), SDGD(4)):
        found = stde.estimate(stde.Laplacian(), lambda x: x @ x, jnp.ones(4), estimator)
        assert_close(found.value, jnp.array(8.0))
        assert found.standard_error == 0


def test_families_over_one_index_set_share_a_draw_and_others_do_not(getkey):
    """u = Σ i (x_i²/2 + x_i³/6) at 0 has equal second and third derivatives."""

    def model(x):
        return jnp.arange(8.0) @ (x**2 / 2 + x**3 / 6)

    asked = {
        "second": stde.Laplacian(),
        "third": stde.PowerSum(3),
        "others": stde.Laplacian(axes=slice(0, 7)),
        "all but 0": stde.Laplacian(axes=slice(1, 8)),
    }

    def once(key):
        return stde.estimate(asked, model, jnp.zeros(8), STDE(num_samples=2), key=key).value

    found = interpreted(jax.vmap(once))(jax.random.split(getkey(), 2000))
    np.testing.assert_allclose(found["second"], found["third"], atol=1e-12)
    # The correlation of independent values has a standard error of 1/√2000.
    assert abs(np.corrcoef(found["others"], found["all but 0"])[0, 1]) < 4 / 2000**0.5


def test_dense_laws_that_need_more_vectors_share_the_noise_of_those_that_need_fewer(getkey):
    asked = {"fourth": stde.PowerSum(4), "biharmonic": stde.Biharmonic(), "laplacian": stde.Laplacian()}
    estimator = STDE(num_samples=3, sampler=stde.Sphere())

    def once(key):
        return stde.estimate(asked, lambda x: jnp.sum(x) ** 4 + x @ x, jnp.zeros(3), estimator, key=key).value

    found = interpreted(jax.vmap(once))(jax.random.split(getkey(), 4000))
    for name, expected in {"fourth": 3 * 24, "biharmonic": 9 * 24, "laplacian": 6}.items():
        assert_unbiased(found[name], expected)


def test_points_share_a_draw_where_the_key_is_not_mapped(getkey):
    """Samplers never see x: with one key, all points take the same coordinates."""
    points = jnp.linspace(-1, 1, 5)[:, None] * jnp.ones((1, 8))
    operator = (lambda x: 1 + x[0] ** 2) * stde.Laplacian()

    def once(x, key):
        found = stde.estimate(operator, lambda x: jnp.arange(8.0) @ x**2, x, STDE(num_samples=2), key=key)
        return found.value / (1 + x[0] ** 2)

    key = getkey()
    shared = interpreted(jax.vmap(lambda x: once(x, key)))(points)
    np.testing.assert_allclose(shared, shared[0])
    apart = interpreted(jax.vmap(once))(points, jax.random.split(key, 5))
    assert len(set(np.asarray(apart).tolist())) > 1
