"""Collocation points that no family of problems has to itself."""

import jax
import numpy as np

from stde_pdes.domains import BoxFaces


def test_points_on_faces_lie_on_faces():
    bounds = ((-1.0, 2.0), (0.0, 3.0), (5.0, 6.0))
    points = np.asarray(BoxFaces(bounds, (0, 1))(1000, key=jax.random.key(0)))
    on_face = np.stack([(points[:, i, None] == np.array(bounds[i])) for i in (0, 1)]).any(axis=(0, 2))
    assert on_face.all()
    for i, (low, high) in enumerate(bounds):
        assert (points[:, i] >= low).all() and (points[:, i] <= high).all()
