"""Collocation points that no family of problems has to itself."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stde_pdes import domains
from stde_pdes.diffusions import Diffusion
from stde_pdes.domains import Box


def test_points_in_a_box_are_uniform():
    bounds = ((-1.0, 2.0), (0.0, 3.0), (5.0, 5.5))
    points, (low, high) = np.asarray(Box(bounds)(40_000, key=jax.random.key(0))), np.transpose(bounds)
    unit = (points - low) / (high - low)
    assert (unit >= 0).all() and (unit <= 1).all()
    # Of 40 000 uniform numbers the mean has a standard error of 1.4e-3, the products of two of 1e-3.
    np.testing.assert_allclose(unit.mean(0), 1 / 2, atol=6e-3)
    centred = unit - 0.5
    np.testing.assert_allclose(centred.T @ centred / 40_000, np.eye(3) / 12, atol=4e-3)


DOMAINS = [
    domains.UnitBall(3),
    domains.Shell(3, 1.0, 2.0),
    domains.Spheres(3, (1.0, 2.0)),
    domains.BrownianPaths(3, 0.3),
    domains.GeometricBrownianPaths(np.ones(3), 0.2, 0.3),
    domains.WithTime(domains.UnitBall(3), 1.0),
    Box(((0.0, 1.0),) * 3),
    pytest.param(Diffusion(jnp.zeros(3), lambda t, x: -x, lambda t, x: 1.0, 1.0), marks=pytest.mark.slow),
]


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: type(domain).__name__)
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
        draw = jax.jit(domains.UnitBall(2**20), static_argnums=0)
        at_once, more = (draw(n, key=jax.random.key(0)) for n in (16, 17))
        np.testing.assert_allclose(at_once, more[:16], rtol=1e-5)
