"""The parts of a run's page, each from what was read of the run."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...training import MOST_FEATURES, beats_affine
from ._chart import Chart, Curve
from ._equation import equation
from ._html import code, escaped, listing, paragraph, prose, section, table
from ._picture import picture
from ._words import duration, number, setting, settings

_ERRORS = {
    "relative_l2": "relative L2 error",
    "relative_l1": "relative L1 error",
    "relative_error_origin": "relative error at the origin",
}
_TRIVIAL, _AFFINE = "best trivial solution", "best affine network"
_BASELINES = {"trivial_relative_l2": _TRIVIAL, "affine_relative_l2": _AFFINE}


@dataclass(frozen=True)
class Run:
    """What was read of a run; `result` is None where it has not come to its end."""

    directory: Path
    setup: Mapping[str, Any]
    metrics: list[dict[str, Any]]
    result: Mapping[str, Any] | None

    def last(self, name: str) -> Any:
        """The result's value, or the last that was measured; None where there is none."""
        if self.result is not None and self.result.get(name) is not None:
            return self.result[name]
        return next((line[name] for line in reversed(self.metrics) if line.get(name) is not None), None)

    @property
    def changes(self) -> list[int]:
        """The steps after which the next optimiser takes over."""
        return [sum(self.stages[:i]) for i in range(1, len(self.stages))]

    @property
    def stages(self) -> list[int]:
        """The steps of the optimisers, one after the other."""
        training = self.setup["training"]
        later = [training.get(name) for name in ("gauss_newton", "lbfgs")]
        parts = [training, *(stage for stage in later if isinstance(stage, dict))]
        return [part["steps"] for part in parts if isinstance(part.get("steps"), int)]


def heading(run: Run) -> str:
    setup = run.setup
    dimensions = "1 dimension" if setup["dim"] == 1 else f"{number(setup['dim'])} dimensions"
    facts = f"{dimensions}, estimator {setup['estimator']}, seed {setup['seed']}"
    return f'<header>\n<h1>{escaped(setup["problem"])}</h1>\n<p class="quiet">{escaped(facts)}</p>\n</header>'


def what(run: Run) -> str:
    return equation(run.setup["problem"])


def status(run: Run) -> str:
    """That the run has not finished, and how far it is."""
    if run.result is not None:
        return ""
    step, total = run.last("step"), sum(run.stages)
    far = f"It is at step {number(step)} of {number(total)}." if run.metrics else "No step is recorded yet."
    text = (
        f"This run has not finished: there is no result.json. {far} It is still running, or it ended early."
    )
    return f'<p class="notice">{escaped(text)}</p>'


def tiles(run: Run) -> str:
    """The numbers to look at first."""
    error, seconds, speed = run.last("relative_l2"), run.last("seconds"), run.last("steps_per_second")
    shown = [
        ("relative L2 error", error is not None and number(error)),
        *_baselines(run),
        ("loss", run.last("loss") is not None and number(run.last("loss"))),
        ("time in all" if run.result else "time so far", seconds is not None and duration(seconds)),
        ("steps per second", speed is not None and number(speed)),
    ]
    items = "\n".join(f"<div><dt>{name}</dt><dd>{escaped(text)}</dd></div>" for name, text in shown if text)
    return f'<dl class="tiles">\n{items}\n</dl>' if items else ""


def curves(run: Run) -> str:
    trivial, last = run.last("trivial_relative_l2"), max((line["step"] for line in run.metrics), default=1)
    changes = [step for step in run.changes if 0 < step < last]
    losses = [Curve("loss", _points(run, "loss"))]
    errors = [Curve(meaning, _points(run, name), marked=True) for name, meaning in _ERRORS.items()]
    level = None if trivial is None else (_TRIVIAL, trivial)
    charts = [
        Chart("Loss, the mean over the steps up to each point", losses, None, changes, last).draw(),
        Chart("Errors", errors, level, changes, last).draw(),
    ]
    drawn = f'<div class="charts">\n{"".join(charts)}\n</div>' if any(charts) else ""
    dotted = "At the dotted line the next optimiser takes over." if drawn and changes else ""
    return section("Training", drawn, dotted and f'<p class="quiet">{dotted}</p>')


def _points(run: Run, name: str) -> list[tuple[int, float]]:
    return [(line["step"], line[name]) for line in run.metrics if line.get(name) is not None]


def solution(run: Run) -> str:
    return section("Solution", picture(run.directory, "solution.png", "The solution against its reference"))


def errors(run: Run) -> str:
    """All errors beside those of the simplest models, and what they are errors of."""
    found = [(meaning, number(run.last(n))) for n, meaning in _ERRORS.items() if run.last(n) is not None]
    baselines = _baselines(run)
    if not found:
        return section("Errors", paragraph("No error has been measured yet."))
    if not baselines:
        return section("Errors", table(found), paragraph(_meaning(run)))
    names, numbers = zip(*baselines, strict=True)
    first, *others = found
    rows = [(*first, *numbers), *((*row, *[""] * len(numbers)) for row in others)]
    return section("Errors", table(rows, ("", "model", *names)), paragraph(_meaning(run)), _affine(run))


def _baselines(run: Run) -> list[tuple[str, str]]:
    """The simplest models with their errors."""
    return [(name, number(run.last(n))) for n, name in _BASELINES.items() if run.last(n) is not None]


def _meaning(run: Run) -> str:
    points = run.last("test_points")
    count = "test points" if points is None else f"{number(points)} test points"
    text = f"Measured at {count} of the training law that training never sees."
    error, trivial = run.last("relative_l2"), run.last("trivial_relative_l2")
    if not (error and trivial):
        return f"{text} The error of the {_TRIVIAL} is written when the run ends."
    best = "is the best constant, or the best constant network in the problem's ansatz, whichever is better"
    than = f"{number(trivial / error)} times smaller than" if error < trivial else "not below"
    return f"{text} The trivial solution {best}; the model's L2 error is {than} its."


def _affine(run: Run) -> str:
    """How the model compares with an affine network; empty for a run of an older version."""
    if not run.result or "affine_relative_l2" not in run.result:
        return ""
    affine = run.result["affine_relative_l2"]
    if affine is None:
        return paragraph(f"The {_AFFINE} is not computed above {MOST_FEATURES} features.")
    than = "better" if beats_affine(run.result["relative_l2"], affine) else "not better"
    return paragraph(f"The model is {than} than an affine network, a + b·z with z what the network sees.")


def notes(run: Run) -> str:
    found = run.result.get("notes") if run.result else None
    texts = found if isinstance(found, list) else run.setup["notes"]
    return section("Notes", listing(setting(text) for text in texts))


def cost(run: Run) -> str:
    training = run.metrics[-1]["seconds"] if run.metrics else None
    memory, speed, parameters = (
        run.last(name) for name in ("peak_memory_mb", "steps_per_second", "parameters")
    )
    rows = [
        ("steps", number(run.last("steps") or run.last("step") or 0)),
        ("trained parameters", parameters is not None and number(parameters)),
        ("training", training is not None and duration(training)),
        ("all, with compilation and reference", run.result and duration(run.result["seconds"])),
        ("speed of the last steps", speed is not None and f"{number(speed)} steps/s"),
        ("peak memory", memory is not None and f"{number(round(memory))} MB"),
    ]
    return section("Cost", table((name, text) for name, text in rows if text))


def setup(run: Run) -> str:
    """The settings in the names that the options of `stde solve` have."""
    parts = {
        "Problem (-p)": run.setup["problem_fields"],
        f"Estimator {run.setup['estimator']} (-e)": run.setup["estimator_fields"],
        f"Network{_named(run.setup.get('model_name'))} (-m)": run.setup["model"],
        "Training (-t)": run.setup["training"],
    }
    tables = [
        table(settings(fields) if fields else [("all", "by default")], caption=name)
        for name, fields in parts.items()
    ]
    return section("Settings", f'<div class="tables">\n{"".join(tables)}\n</div>')


def _named(name: str | None) -> str:
    return f" {name}" if name else ""


def use(run: Run) -> str:
    """How to go on with the run."""
    directory = str(run.directory)
    load = f"import stde_pdes\n\nproblem, model = stde_pdes.load({directory!r})\nmodel(x)  # u at a point x"
    measure = f"stde evaluate {shlex.quote(directory)}"
    again = prose("The command below with `--out` of this directory and `--resume` continues the run.")
    return section(
        "Use it", code(load) if run.result else f"<p>{again}</p>", code(measure) if run.result else ""
    )


def environment(run: Run) -> str:
    """The command and what it ran on."""
    found = dict(run.setup["environment"])
    command, versions = found.pop("command", None), found.pop("versions", None)
    rows = [("seed", number(run.setup["seed"])), *((n.replace("_", " "), v) for n, v in settings(found))]
    if isinstance(versions, dict):
        rows += list(settings(versions))
    return section("Environment", code(_command(command)) if isinstance(command, list) else "", table(rows))


def _command(words: Iterable[Any]) -> str:
    first, *others = [setting(word) for word in words] or [""]
    name = Path(first).name
    return shlex.join(["stde" if name == "__main__.py" else name, *others])
