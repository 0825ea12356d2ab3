"""The domains: laws, strata, normals, and what they refuse."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import at_each, drawn

from stde_pdes import domains
from stde_pdes.designs import LatinHypercube, Sobol
from stde_pdes.diffusions import BrownianPaths, Diffusion, GeometricBrownianPaths
from stde_pdes.domains import (
    Ball,
    Box,
    GaussianSpace,
    Interval,
    Points,
    Product,
    RadialBall,
    Shell,
    Sphere,
    Spheres,
    as_domain,
)

BOUNDS = ((-1.0, 2.0), (0.0, 3.0), (5.0, 5.5))
SMALL = Box(BOUNDS)
MANY = 40_000

DOMAINS = {
    "box": SMALL,
    "interval": Interval(0, 2),
    "faces": SMALL.boundary(),
    "ball": Ball(3, 2.0),
    "radial-ball": RadialBall(3),
    "shell": Shell(3, 1.0, 2.0),
    "spheres": Spheres(3, (1.0, 2.0)),
    "gaussian": GaussianSpace(3, 2.0),
    "brownian": BrownianPaths(3, 0.3),
    "geometric": GeometricBrownianPaths(np.ones(3), 0.2, 0.3),
    "product": RadialBall(3) * Interval(0, 1),
    "sobol": Sobol(SMALL),
    "diffusion": Diffusion(jnp.zeros(3), lambda t, x: -x, lambda t, x: 1.0, 1.0),
}


def domains_but(*left_out):
    slow = ("diffusion",)
    kept = {name: domain for name, domain in DOMAINS.items() if name not in left_out}
    kept = [pytest.param(d, id=n, marks=[pytest.mark.slow] if n in slow else []) for n, d in kept.items()]
    return pytest.mark.parametrize("domain", kept)


def unit(points, bounds=BOUNDS):
    low, high = np.transpose(bounds)
    return (np.asarray(points) - low) / (high - low)


# --- every domain


@domains_but()
def test_points_have_their_shape_their_bounds_and_the_precision_asked_for(domain):
    key = jax.random.key(0)
    for x64, dtype in ((True, np.float64), (False, np.float32)):
        if isinstance(domain, Diffusion) and not x64:
            continue  # it has the precision of its start
        with jax.enable_x64(x64):
            points = jax.jit(lambda key: domain(50, key=key))(key)
            assert points.shape == (50, domain.num_inputs) and points.dtype == dtype
            if domain.bounds is not None:
                assert len(domain.bounds) == domain.num_inputs
                low, high = np.transpose(domain.bounds)
                assert (points >= low - 1e-6).all() and (points <= high + 1e-6).all()


@domains_but()
def test_keys_make_the_points(domain):
    same, again, other = (np.asarray(drawn(domain, 5, seed)) for seed in (0, 0, 1))
    assert np.array_equal(same, again) and not np.array_equal(same, other)


@domains_but("interval")
def test_the_first_points_are_the_same_however_many_are_drawn(domain, monkeypatch):
    monkeypatch.setattr(domains, "_AT_ONCE", 12)
    key = jax.random.key(0)
    most = np.asarray(domain(9, key=key))
    for fewer in (4, 5):  # four points of three numbers are drawn at once
        np.testing.assert_allclose(domain(fewer, key=key), most[:fewer], rtol=1e-12)
    assert len(np.unique(most, axis=0)) == 9


@pytest.mark.slow
def test_the_first_points_are_the_same_on_both_sides_of_the_limit():
    with jax.enable_x64(False):
        draw = jax.jit(RadialBall(2**20), static_argnums=0)
        at_once, more = (draw(n, key=jax.random.key(0)) for n in (16, 17))
        np.testing.assert_allclose(at_once, more[:16], rtol=1e-5)


# --- boxes


@pytest.mark.parametrize("law", [Box, Sobol, LatinHypercube])
def test_points_in_a_box_are_uniform(law):
    points = unit(law(BOUNDS)(MANY, key=jax.random.key(0)))
    assert (points >= 0).all() and (points <= 1).all()
    # Of 40 000 uniform numbers the mean has a standard error of 1.4e-3, the products of two of 1e-3.
    np.testing.assert_allclose(points.mean(0), 1 / 2, atol=6e-3)
    centred = points - 0.5
    np.testing.assert_allclose(centred.T @ centred / MANY, np.eye(3) / 12, atol=4e-3)


def test_faces_have_points_by_their_area():
    points = np.asarray(drawn(SMALL.boundary(), MANY))
    lengths = np.array([3.0, 3.0, 0.5])
    areas = np.array([1.5, 1.5, 9.0])
    on = np.stack([points == np.transpose(BOUNDS)[side] for side in (0, 1)])
    assert (on.sum((0, 2)) == 1).all()
    # Shares of 40 000 have standard errors of at most 2.5e-3.
    np.testing.assert_allclose(on.mean(1), np.tile(areas / areas.sum() / 2, (2, 1)), atol=0.01)
    # On the largest face, which has about 15 000 points, the others are uniform.
    inside = unit(points)[on[1, :, 2], :2]
    np.testing.assert_allclose(inside.mean(0), 1 / 2, atol=0.012)
    np.testing.assert_allclose(inside.var(0), 1 / 12, atol=4e-3)
    assert lengths.prod() == pytest.approx(areas[0] * lengths[0])


@pytest.mark.parametrize(
    ("chosen", "ends"),
    [
        ({"axes": 0, "sides": -1}, {(0, -1.0)}),
        ({"axes": -1, "sides": 1}, {(2, 5.5)}),
        ({"axes": (0, 1)}, {(0, -1.0), (0, 2.0), (1, 0.0), (1, 3.0)}),
        ({"sides": (1,)}, {(0, 2.0), (1, 3.0), (2, 5.5)}),
    ],
)
def test_faces_can_be_chosen_and_have_normals(chosen, ends):
    faces = SMALL.boundary(**chosen)
    points = np.asarray(drawn(faces, 200))
    normals = np.asarray(at_each(faces.normal, points))
    assert (np.abs(normals).sum(1) == 1).all()
    axes = np.abs(normals).argmax(1)
    values = points[np.arange(200), axes]
    assert set(zip(axes.tolist(), values.tolist(), strict=True)) == ends
    centre = np.mean(BOUNDS, axis=1)
    assert (((points - centre) * normals).sum(1) > 0).all()


def test_the_boundary_of_an_interval_is_its_ends():
    assert set(np.asarray(drawn(Interval(0.5, 2).boundary(), 50))[:, 0]) == {0.5, 2.0}


@pytest.mark.parametrize("num_points", [64, 100])
def test_a_latin_hypercube_has_one_point_in_every_stratum(num_points):
    points = unit(LatinHypercube(SMALL)(num_points, key=jax.random.key(0)))
    strata = np.sort(np.floor(points * num_points), axis=0)
    np.testing.assert_array_equal(strata, np.tile(np.arange(num_points)[:, None], (1, 3)))
    orders = np.argsort(points, axis=0).T
    assert len(np.unique(orders, axis=0)) == 3


@pytest.mark.parametrize("x64", [True, False])
def test_sobol_points_fill_all_boxes_of_equal_volume(x64):
    # The first two inputs are a (0, m, 2)-net in base 2, as a digital shift leaves it: one point in each of
    # the 2^m boxes of any such shape.
    with jax.enable_x64(x64):
        points = unit(Sobol(SMALL)(64, key=jax.random.key(1)))
    for fine in range(7):
        shape = np.array([2**fine, 2 ** (6 - fine)])
        cells = np.floor(points[:, :2] * shape)
        assert len(np.unique(cells, axis=0)) == 64
    assert np.unique(points, axis=0).shape == (64, 3)


def test_sobol_points_are_those_of_scipy_but_for_the_shift():
    qmc = pytest.importorskip("scipy.stats").qmc
    expected = (qmc.Sobol(3, scramble=False, bits=32).random(8) * 2.0**32).astype(np.uint32)
    moved = np.floor(np.asarray(Sobol([(0, 1)] * 3)(8, key=jax.random.key(2))) * 2.0**32).astype(np.uint32)
    np.testing.assert_array_equal(moved ^ moved[0], expected)


def test_sobol_points_are_drawn_in_loops():
    keys = jax.random.split(jax.random.key(0), 3)
    looped = jax.lax.map(lambda key: Sobol(SMALL)(5, key=key), keys)
    np.testing.assert_array_equal(looped, [Sobol(SMALL)(5, key=key) for key in keys])


def test_means_over_sobol_points_have_no_bias_and_less_variance():
    # The mean of Π(1 + x_i) is (3/2)³. Of its means over 16 points each the standard error is estimated.
    def mean(law, key):
        return jnp.mean(jnp.prod(1 + law([(0, 1)] * 3)(16, key=key), axis=1))

    keys = jax.random.split(jax.random.key(3), 2000)
    sobol, hypercube, box = (
        np.asarray(jax.jit(jax.vmap(functools.partial(mean, law)))(keys))
        for law in (Sobol, LatinHypercube, Box)
    )
    for means in (sobol, hypercube, box):
        assert abs(means.mean() - 1.5**3) < 4 * means.std() / 2000**0.5
    assert sobol.std() < box.std() / 3 and hypercube.std() < box.std() / 3


# --- balls, spheres, space


@pytest.mark.parametrize("dim", [1, 2, 5])
def test_points_in_a_ball_are_uniform_by_volume(dim):
    points = np.asarray(drawn(Ball(dim, 2.0), MANY))
    share = (np.linalg.norm(points, axis=1) / 2) ** dim
    assert share.max() <= 1
    # Uniform numbers: standard errors 1.4e-3 of the mean, 1.5e-3 of the mean square.
    assert abs(share.mean() - 1 / 2) < 6e-3 and abs((share**2).mean() - 1 / 3) < 6e-3
    # E x_i x_j = r² δ_ij / (d + 2).
    np.testing.assert_allclose(points.T @ points / MANY, 4 * np.eye(dim) / (dim + 2), atol=0.04)


def test_points_in_a_radial_ball_have_a_uniform_radius():
    r = np.linalg.norm(drawn(RadialBall(5, 2.0), MANY), axis=1) / 2
    assert abs(r.mean() - 1 / 2) < 6e-3 and abs((r**2).mean() - 1 / 3) < 6e-3


@pytest.mark.parametrize(
    ("sphere", "radii"),
    [
        (Sphere(3), {1.0}),
        (Ball(3, 2.0).boundary(), {2.0}),
        (RadialBall(3).boundary(), {1.0}),
        (Shell(3, 1.0, 2.0).boundary(), {1.0, 2.0}),
    ],
)
def test_points_on_spheres_are_uniform_and_have_normals(sphere, radii):
    points = np.asarray(drawn(sphere, MANY))
    r = np.linalg.norm(points, axis=1, keepdims=True)
    assert set(np.round(r[:, 0], 12)) == radii
    directions = points / r
    # Entries of unit vectors in three dimensions have variance 1/3: standard errors below 3e-3.
    np.testing.assert_allclose(directions.mean(0), 0, atol=0.012)
    np.testing.assert_allclose(directions.T @ directions / MANY, np.eye(3) / 3, atol=0.012)
    np.testing.assert_allclose(at_each(sphere.normal, points[:50]), directions[:50], rtol=1e-12)


def test_points_in_space_are_normal():
    points = np.asarray(drawn(GaussianSpace(3, 2.0), MANY))
    # Standard errors: 0.01 of the means, 0.028 of the variances, 0.02 of the covariances.
    np.testing.assert_allclose(points.mean(0), 0, atol=0.04)
    np.testing.assert_allclose(points.T @ points / MANY, 4 * np.eye(3), atol=0.12)
    assert abs((points**4).mean() / 48 - 1) < 0.06


# --- products and functions


def test_products_have_the_points_of_their_factors_side_by_side():
    space, time = GaussianSpace(2), Interval(1, 3)
    product = Product(Ball(2), space, time)
    keys = jax.random.split(jax.random.key(4), 3)
    parts = [domain(7, key=key) for domain, key in zip(product.domains, keys, strict=True)]
    np.testing.assert_array_equal(product(7, key=jax.random.key(4)), np.concatenate(parts, axis=1))
    assert product.num_inputs == 5 and product.bounds is None
    assert (Ball(2) * time).bounds == ((-1.0, 1.0), (-1.0, 1.0), (1.0, 3.0))
    assert (Ball(2) * time * time).num_inputs == 4


def test_a_function_of_a_number_and_a_key_is_a_domain():
    def corners(n, key):
        return jax.random.rademacher(key, (n, 3), float)

    domain = as_domain(corners, "Condition(points)")
    assert domain.num_inputs == 3 and domain.bounds is None
    np.testing.assert_array_equal(domain(5, key=jax.random.key(0)), corners(5, jax.random.key(0)))
    assert as_domain(SMALL, "Condition(points)") is SMALL
    assert (domain * Interval(0, 1)).num_inputs == 4
    assert Product(corners, Interval(0, 1)).num_inputs == 4
    assert Points(corners, 3, BOUNDS).bounds == BOUNDS


# --- refusals

BAD = {
    "order": (
        lambda: Box([(0, 1), (2, 2)]),
        "`Box(bounds)` needs a pair (low, high) of finite numbers, low <",
    ),
    "infinite": (lambda: Interval(0, float("inf")), "for each input, got ((0, inf),);"),
    "no axis": (lambda: Box([]), "for each input, got [];"),
    "one interval": (lambda: Box((0, 1)), "got (0, 1); `Box([(0, 1), (0, 1)])` is a square."),
    "true": (lambda: Box([(False, True)]), "got [(False, True)];"),
    "sobol": (lambda: Sobol(3), "`Sobol(box)` needs a pair (low, high) of finite numbers"),
    "too many": (
        lambda: Sobol([(0, 1)] * 21202),
        "`Sobol(box)` has points of at most 21201 inputs, got 21202",
    ),
    "too many points": (
        lambda: Sobol(SMALL)(2**31, key=jax.random.key(0)),
        "`Sobol(…)(num_points)` needs an integer ≤ 2147483647",
    ),
    "axes": (lambda: SMALL.boundary(3), "`Faces(axes)` needs one or several of -3, -2, -1, 0, 1, 2, got 3."),
    "many axes": (lambda: Box([(0, 1)] * 9).boundary(9), "needs one or several of -9 to 8, got 9."),
    "no axes": (
        lambda: SMALL.boundary(()),
        "`Faces(axes)` needs one or several of -3, -2, -1, 0, 1, 2, got ().",
    ),
    "sides": (lambda: SMALL.boundary(sides=0), "`Faces(sides)` needs one or several of -1, 1, got 0."),
    "dim": (lambda: Ball(0), "`Ball(dim)` needs an integer ≥ 1, got 0."),
    "radius": (
        lambda: RadialBall(2, -1.0),
        "`Shell(outer - inner)` needs to be a positive number, got -1.0.",
    ),
    "radii": (lambda: Spheres(2, (0.0,)), "`Spheres(radii)` needs to be a positive number, got 0.0."),
    "scale": (
        lambda: GaussianSpace(2, 0.0),
        "`GaussianSpace(scale)` needs to be a positive number, got 0.0.",
    ),
    "factor": (lambda: SMALL * 3, "`Product(…)` needs a domain, such as `Box(…)`, or a function `(n, key)"),
    "class": (lambda: as_domain(Box, "points"), "`points` needs a domain, such as `Box(…)`, or a function"),
    "flat": (
        lambda: as_domain(lambda n, key: jnp.zeros(n), "points"),
        "of shape [n, inputs], got one that gives float64[3] for n = 3.",
    ),
    "number": (
        lambda: as_domain(lambda n, key: jnp.zeros((2, 2)), "points"),
        "of shape [n, inputs], got one that gives float64[2, 2] for n = 3.",
    ),
    "integers": (
        lambda: as_domain(lambda n, key: jnp.zeros((n, 2), int), "points"),
        "of shape [n, inputs], got one that gives int64[3, 2] for n = 3.",
    ),
}


@pytest.mark.parametrize(("build", "message"), BAD.values(), ids=BAD)
def test_domains_refuse_what_they_cannot_be(build, message, unchecked):
    with pytest.raises((ValueError, TypeError)) as error:
        build()
    assert message in str(error.value)


def test_a_function_that_fails_says_how_it_was_called():
    with pytest.raises(TypeError, match="unexpected keyword") as error:
        as_domain(lambda n: jnp.zeros((n, 2)), "Condition(points)")
    assert "calls it as `points(3, key=jax.random.key(0))`" in "".join(error.value.__notes__)
