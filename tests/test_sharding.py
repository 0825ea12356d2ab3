"""Estimates under `jax.shard_map` and on meshes of four virtual devices."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from sharded_estimates import CASES, EXPLICIT

SCRIPT = Path(__file__).parent / "sharded_estimates.py"


@pytest.fixture(scope="module")
def differences():
    command = [sys.executable, "-W", "error", str(SCRIPT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert printed["devices"] == 4
    return printed["differences"]


@pytest.mark.parametrize("kind", ["shard_map", "auto"])
@pytest.mark.parametrize("name", CASES)
def test_values_gradients_and_errors_are_those_of_one_device(differences, kind, name):
    assert differences[kind][name] < 1e-10


@pytest.mark.parametrize("name", EXPLICIT)
def test_an_explicit_mesh_does_where_plain_jax_does(differences, name):
    assert differences["explicit"][name] < 1e-10


def test_sparse_draws_work_under_an_explicit_mesh_within_auto_axes(differences):
    assert differences["auto_axes"]["sparse"] < 1e-10
