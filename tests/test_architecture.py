"""The rules that keep the core small, the plugins independent and the classes abstract or final."""

import ast
import dataclasses
import importlib
import inspect
import json
import os
import pkgutil
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import equinox as eqx
import pytest
from fake_distributions import write_distribution

import stde_core

ROOT = Path(__file__).parent.parent
CORE = ROOT / "stde_core"
PDES = ROOT / "stde_pdes"
ESTIMATORS = ROOT / "plugins" / "stde_estimators"
LOGGERS = ROOT / "plugins" / "stde_loggers"
CLI = ROOT / "plugins" / "stde_cli"
PYTEST = ROOT / "plugins" / "stde_pytest"
BENCHMARKS = ROOT / "benchmarks"
EXAMPLES = ROOT / "examples"
PACKAGES = ("stde_core", "stde_pdes", "stde_cli", "stde_estimators", "stde_loggers", "benchmarks")
PLUGINS = {"stde_pdes", "stde_cli", "stde_estimators", "stde_loggers", "stde_pytest"}
# What each may import of the others: the commands of `stde_pdes` join the command line and speak as it
# does, and a logger is what `stde_pdes` says that loggers are.
NEEDS = {PDES: {"stde_cli"}, CLI: set(), ESTIMATORS: set(), LOGGERS: {"stde_pdes"}, PYTEST: set()}
ESTIMATOR_FILES = sorted(path for path in ESTIMATORS.glob("*.py") if path.name != "__init__.py")
PICTURES = {"jinja2", "matplotlib", "PIL", "rich"}
HEAVY = {"click", "msgspec", "optax", "diffrax", "folx", *PICTURES, *PLUGINS}


def sources(folder):
    return sorted(folder.rglob("*.py"))


def imported(path):
    """The modules that a file imports, anywhere in it; relative ones begin with a dot."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from (f"{module}.{alias.name}" for alias in node.names)


def top(module):
    return module.partition(".")[0]


def in_new_process(code, *paths):
    environment = os.environ | {"STDE_PLUGINS": "", "PYTHONPATH": os.pathsep.join(map(str, paths))}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, cwd=paths[0] if paths else None
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# --- who imports whom


@pytest.mark.parametrize("path", sources(CORE), ids=lambda path: str(path.relative_to(CORE)))
def test_the_core_knows_no_plugin(path):
    assert not {top(module) for module in imported(path)} & PLUGINS
    strings = [
        node.value for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Constant)
    ]
    names = tuple(f"{plugin}{mark}" for plugin in PLUGINS for mark in ".:")
    assert not any(isinstance(string, str) and string.startswith(names) for string in strings)


@pytest.mark.parametrize("folder", NEEDS, ids=lambda folder: folder.name)
def test_a_plugin_imports_no_other_but_what_it_needs(folder):
    modules = {top(module) for path in sources(folder) for module in imported(path)}
    assert modules & PLUGINS <= NEEDS[folder] | {folder.name}


@pytest.mark.parametrize("path", ESTIMATOR_FILES, ids=lambda path: path.stem)
def test_an_estimator_imports_no_other(path):
    assert not any(module.startswith((".", "stde_estimators")) for module in imported(path))


@pytest.mark.parametrize("path", sources(LOGGERS), ids=lambda path: path.stem)
def test_a_logger_imports_no_other(path):
    assert not any(module.startswith((".", "stde_loggers")) for module in imported(path))


@pytest.mark.parametrize("folder", [*NEEDS, BENCHMARKS, EXAMPLES], ids=lambda folder: folder.name)
def test_what_is_private_is_imported_within_its_package_only(folder):
    for path in sources(folder):
        for module in imported(path):
            foreign = top(module) in {"stde_core", *PLUGINS} - {folder.name}
            assert not foreign or "._" not in module, (path, module)


def test_the_benchmarks_are_in_no_wheel_and_nothing_needs_them():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert BENCHMARKS.name not in wheel
    for path in (path for package in wheel for path in sources(ROOT / package)):
        assert BENCHMARKS.name not in {top(module) for module in imported(path)}, path


def test_the_examples_import_no_estimator_of_stde():
    for path in sources(EXAMPLES):
        assert "stde_estimators" not in {top(module) for module in imported(path)}


def test_importing_the_core_imports_little():
    modules = in_new_process("import json, sys, stde_core; print(json.dumps(sorted(sys.modules)))")
    assert not {top(module) for module in modules} & HEAVY


def test_importing_the_problems_imports_nothing_that_draws():
    modules = in_new_process("import json, sys, stde_pdes; print(json.dumps(sorted(sys.modules)))")
    assert not {top(module) for module in modules} & PICTURES


# --- deleting a plugin

REMAINING = """
import json, jax, stde_core as stde
from stde_core.plugins import Registry
found = Registry()
values = {}
for name in found.names("estimators"):
    fields = {"num_samples": 2} if name in ("stde", "sdgd", "hutchinson") else {}
    estimator = found.entry("estimators", name).load()(**fields)
    if estimator.refuses(stde.Laplacian(), 2) is None:
        out = stde.estimate(
            stde.Laplacian(), lambda x: (x**2).sum(), jax.numpy.ones(2), estimator, key=jax.random.key(0)
        )
        values[name] = out.value.item()
plugins = {plugin.name: plugin.error for plugin in found.plugins}
print(json.dumps({"home": stde.__file__, "plugins": plugins, "values": values}))
"""


@pytest.fixture
def tree(tmp_path):
    """A copy of the sources, which its own metadata makes the distribution `stde`."""
    for folder in (CORE, *NEEDS):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(folder, tmp_path / folder.relative_to(ROOT), ignore=ignored)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return tmp_path, project["entry-points"]["stde"]


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=[] if path.stem == "stde" else pytest.mark.slow) for path in ESTIMATOR_FILES],
    ids=lambda path: path.stem,
)
def test_an_estimator_can_be_deleted(tree, path):
    folder, entry_points = tree
    (folder / path.relative_to(ROOT)).unlink()
    kept = {name: module for name, module in entry_points.items() if module != f"stde_estimators.{path.stem}"}
    assert len(kept) == len(entry_points) - 1
    write_distribution(folder, "stde", kept)
    remaining = in_new_process(REMAINING, folder, folder / "plugins")
    assert Path(remaining["home"]).is_relative_to(folder)
    assert remaining["plugins"] == dict.fromkeys(kept)
    estimators = {name for name, module in kept.items() if module.startswith("stde_estimators.")}
    assert remaining["values"].keys() >= estimators - {"forward-laplacian"}
    assert remaining["values"] == dict.fromkeys(remaining["values"], 4.0)


# --- abstract or final


def modules():
    for package in map(importlib.import_module, PACKAGES):
        yield package
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith(".__main__"):
                yield importlib.import_module(module.name)


def is_first_party(thing):
    return top(thing.__module__) in PACKAGES


@pytest.fixture(scope="module")
def classes():
    found = [cls for module in modules() for cls in vars(module).values() if inspect.isclass(cls)]
    return sorted({cls for cls in found if issubclass(cls, eqx.Module) and is_first_party(cls)}, key=str)


def is_abstract(cls):
    return cls.__name__.lstrip("_").startswith("Abstract")


def test_every_class_is_abstract_or_final(classes):
    assert stde_core.AbstractOperator in classes
    for cls in classes:
        open_ends = inspect.isabstract(cls) or bool(cls.__abstractvars__)
        bases = [base for base in cls.__mro__[1:] if is_first_party(base)]
        assert is_abstract(cls) or not open_ends, f"{cls} leaves something abstract: name it Abstract…"
        assert not is_abstract(cls) or open_ends, f"{cls} is named Abstract… and has nothing abstract"
        assert all(map(is_abstract, bases)), f"{cls} is derived from a final class"


def test_no_concrete_method_is_overridden(classes):
    cooperative = {"__check_init__", *dir(eqx.Module)} - {"__call__"}
    for cls in classes:
        for name in {*vars(cls), *inspect.get_annotations(cls)} - cooperative:
            for base in filter(is_first_party, cls.__mro__[1:]):
                inherited = vars(base).get(name)
                concrete = inspect.isroutine(inherited) or isinstance(inherited, property)
                abstract = getattr(inherited, "__isabstractmethod__", False)
                assert abstract or not concrete, f"{cls} overrides the concrete `{name}` of {base}"


def test_fields_live_in_the_leaf(classes):
    for cls in filter(is_abstract, classes):
        assert not dataclasses.fields(cls), f"{cls} has fields: declare them as `eqx.AbstractVar`"


# --- what is readable


@pytest.mark.parametrize("folder", [CORE, *NEEDS, BENCHMARKS, EXAMPLES], ids=lambda folder: folder.name)
def test_files_are_short(folder):
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in sources(folder)}
    assert {path: length for path, length in lengths.items() if length > 400} == {}


def test_public_names_have_docstrings():
    for name, value in vars(stde_core).items():
        if not name.startswith("_") and (inspect.isclass(value) or inspect.isfunction(value)):
            text = vars(value).get("__doc__") or value.__doc__
            undocumented = is_first_party(value) and (not text or text.startswith(f"{name}("))
            assert not undocumented, f"`stde_core.{name}` has no docstring"
