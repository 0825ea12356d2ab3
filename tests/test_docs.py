"""The documentation is right: its Python runs, its commands exist, its links lead somewhere, it builds."""

import os
import pkgutil
import re
import shlex
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote, urldefrag

import click
import jax
import pytest
from click.testing import CliRunner
from stde_cli import cli

import stde_core as stde
import stde_core._registry._hookspecs
import stde_core.testing
import stde_pdes
import stde_pdes._hookspecs
from benchmarks.__main__ import bench
from stde_core.plugins import registry
from stde_pdes import Training
from stde_pdes.cli.user_file import is_file
from stde_pdes.options import parse, parse_training

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if not page.is_relative_to(DOCS / "results"))
# What trains, checks contracts, or compiles much.
SLOW = {
    "getting-started.md",
    "how-to/monte-carlo-and-score-matching.md",
    "ideas/estimators.md",
    "ideas/tangents.md",
    "how-to/devices.md",
    "how-to/inverse-problems.md",
    "how-to/runs.md",
    "how-to/training.md",
    "plugins.md",
}
RUN = ["solve", "poisson-two-body", "--dim=5", "--steps=3", "-t", "test_points=50", "--out=my-run"]


def name_of(page):
    return str(page.relative_to(DOCS))


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def with_python():
    for page in PAGES:
        if blocks(page, "python"):
            marks = [pytest.mark.slow] if name_of(page) in SLOW else []
            yield pytest.param(page, id=name_of(page), marks=marks)


@pytest.fixture
def compiled_fast():
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.mark.usefixtures("compiled_fast")
@pytest.mark.parametrize("page", list(with_python()))
def test_python_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if any('"my-run"' in source for source in blocks(page, "python")):
        assert CliRunner().invoke(cli, RUN).exit_code == 0
    if "XLA_FLAGS" in page.read_text(encoding="utf-8"):  # which JAX reads once, when it starts
        code = "\n".join(blocks(page, "python"))
        done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return
    namespace = ModuleType("docs")
    monkeypatch.setitem(sys.modules, "docs", namespace)  # where dataclasses look for it
    vars(namespace)["__name__"] = "docs"
    for source in blocks(page, "python"):
        exec(compile(source, name_of(page), "exec"), vars(namespace))


def commands():
    for page in PAGES:
        for block in blocks(page, "console"):
            for line in block.splitlines():
                words = [
                    word for word in shlex.split(line.removeprefix("$ ")) if not word.startswith("STDE_")
                ]
                label = f"{name_of(page)}: {line}"
                if words and words[0].endswith("stde"):
                    yield pytest.param(cli, words[1:], id=label)
                if words[:3] == ["python", "-m", "benchmarks"]:
                    yield pytest.param(bench, words[3:], id=label)


@pytest.mark.parametrize(("command", "words"), list(commands()))
def test_commands_and_their_options_exist(command, words):
    context = click.Context(command, **command.context_settings)
    while isinstance(command, click.Group):
        _, command, words = command.resolve_command(context, words)
        assert command is not None
    parameters = command.make_context(command.name, list(words), parent=context).params
    if command.name == "solve":
        check_fields(parameters)


def check_fields(parameters):
    """That problem, estimator, network and training have the fields that are set."""
    estimator, network = parameters["estimator_name"] or "stde", parameters["model_name"] or "mlp"
    problem = parameters["problem"]
    if problem is not None and not is_file(problem):  # a reader's own, or named in a settings file
        parse(registry().entry("problems", problem).load(), parameters["problem_options"], "-p")
    parse(registry().entry("estimators", estimator).load(), parameters["estimator_options"], "-e")
    parse(registry().entry("networks", network).load(), parameters["model_options"], "-m")
    parse_training(parameters["training_options"], Training())


def test_every_hook_is_documented():
    specifications = [*vars(stde_core._registry._hookspecs).items(), *vars(stde_pdes._hookspecs).items()]
    hooks = [name for name, value in specifications if hasattr(value, "stde_spec")]
    documented = re.findall(r"^### `(stde_\w+)`$", (DOCS / "plugins.md").read_text(encoding="utf-8"), re.M)
    assert sorted(documented) == sorted(hooks)


def reference():
    """The names that the pages of the reference show."""
    pages = "\n".join(page.read_text(encoding="utf-8") for page in (DOCS / "api").iterdir())
    return set(re.findall(r"^::: (\S+)$", pages, re.M))


def test_every_public_name_is_in_the_reference():
    listed = reference()
    for package in (stde, stde_pdes):
        names = {f"{package.__name__}.{name}" for name in vars(package) if is_documented(package, name)}
        assert names <= listed, names - listed


@pytest.mark.parametrize("module", [stde_core.checks, stde_core.plugins, stde_core.testing])
def test_every_function_of_a_public_module_is_in_the_reference(module):
    listed = [pkgutil.resolve_name(name) for name in reference()]
    names = {name for name in vars(module) if is_documented(module, name)}
    assert {name for name in names if getattr(module, name) not in listed} == set()


def is_documented(package, name):
    """Whether a name is for users: no module, no marker, no alias of a type."""
    value = getattr(package, name)
    return (
        not name.startswith("_")
        and callable(value)
        and hasattr(value, "__module__")
        and value.__doc__
        and (value.__module__.split(".")[0] == package.__name__.split(".")[0])
    )


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for link in re.findall(r"\]\((?!https?:|#)([^)\s]+)\)", text):
            assert (page.parent / urldefrag(link).url).exists(), f"{name_of(page)} links to {link}"


def test_pictures_are_small():
    pictures = [*DOCS.glob("*.png"), *(DOCS / "gallery").glob("*.png")]
    assert len(pictures) <= 9 and all(picture.stat().st_size <= 100_000 for picture in pictures)


class Links(HTMLParser):
    """What a page points to: `links` may be followed, `parts` are loaded with it; and its anchors."""

    def __init__(self, page):
        super().__init__()
        self.links, self.parts, self.anchors = [], [], set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.anchors.add(found.get("id"))
        is_part = tag != "a" and found.get("rel") not in ("canonical", "next", "prev")
        (self.parts if is_part else self.links).extend(
            target for target in (found.get("src"), found.get("href")) if target
        )


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_is_complete(tmp_path):
    pytest.importorskip("mkdocs")
    pytest.importorskip("mkdocstrings")
    built = subprocess.run(
        [
            sys.executable,
            "-W",
            "error::UserWarning",
            "-m",
            "mkdocs",
            "build",
            "--strict",
            "--site-dir",
            tmp_path,
        ],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0 and "WARNING" not in built.stderr, built.stderr
    pages = {page: Links(page) for page in tmp_path.rglob("*.html") if page.name != "404.html"}
    assert len(pages) >= len(PAGES)
    for page, found in pages.items():
        text = page.read_text(encoding="utf-8")
        assert "arithmatex" not in text, f"{page} has a formula that is not MathML"
        assert not [part for part in found.parts if "//" in part], f"{page} needs another host"
        for link in found.links + found.parts:
            check_link(page, link, pages)


def check_link(page, link, pages):
    """That a link within the site leads to a page, and to an anchor that is there."""
    url, anchor = urldefrag(link)
    if "//" in url or url.startswith(("mailto:", "data:")):
        return
    target = (page.parent / unquote(url)).resolve() if url else page
    target = target / "index.html" if target.is_dir() else target
    assert target.exists(), f"{page} links to {link}"
    if anchor and target in pages:
        assert unquote(anchor) in pages[target].anchors, f"{page} links to {link}"
