"""The command `stde solve`."""

import contextlib
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from ..report.progress import ProgressDisplay
from ..runs.config import read_config
from ..runs.files import UnwritableError
from ..runs.precision import in_precision
from ..runs.setup import Options, Setup, prepare
from ..runs.signals import Stopped
from ..runs.solve import Conduct, run
from ..training import NotFiniteError
from .sentences import refusals, show
from .user_file import is_file, problem_of


@click.command(
    epilog="""\b
Examples:
  stde solve helmholtz.py                           the `problem` that your own file defines
  stde solve helmholtz.py:waves --out waves --resume
  stde solve allen-cahn-two-body                    100 dimensions, about 25 s on two cores
  stde solve allen-cahn-two-body --dim 1000 --steps 2000
  stde solve semilinear-heat -p horizon=0.5 --seed 1
  stde solve semilinear-heat --estimator hutchinson -e num_samples=8
  stde solve allen-cahn-two-body -e sampler=gaussian -m width=256 -m activation=sin
  stde solve kdv -p solution=two-soliton -t learning_rate=1e-3 -t batch=1000
  stde solve allen-cahn-two-body --dim 100000 --model block-shared -m block_size=50
  stde solve kdv --model residual -m norm=true -m depth=4
  stde solve kdv --gpinn-weight 1e-3                penalise the slope of the residual too
  stde solve kdv -t gauss_newton=on -t gauss_newton.steps=100 -t lbfgs=none
  stde solve kp -t resampling=on -t resampling.candidates=8
  stde solve kp --out kp-run --json                 the last line of stdout is a JSON object
  stde solve kp --out kp-run --resume               go on where it was stopped or killed
  stde solve kp --start kp-run --steps 500          train the model of another run further
  stde solve kdv --precision float64 --log tensorboard
  stde solve --config kp-run/settings.toml          the settings of a run, or your own
  stde list problems                                what there is to solve

\b
Fields of the options (`stde list` names estimators and samplers):
  -p  the problem: see `stde list problems`; a wrong name lists the right ones
  -e  the estimator: num_samples, sampler=NAME, sampler.replace=true, ...
  -m  the network: width, depth, activation; block_size of block-shared, ... (`stde list networks`)
  -t  training: shared_tangents, unbiased, gpinn_samples, test_points, resampling
      steps, batch, learning_rate, schedule (those of Adam)
      a stage (`stde list stages`) or a weighting (`stde list weightings`) by its name is on, none, or
      set by its fields: lbfgs.steps=500 switches lbfgs on
"""
)
@click.argument("problem", required=False)
@click.option("--config", metavar="FILE", help="Settings from a TOML file; other options change them.")
@click.option("--dim", type=int, metavar="N", help="Number of space dimensions, where there is a choice.")
@click.option("--steps", type=int, metavar="N", help="Steps of all optimisers, in the problem's proportions.")
@click.option("--estimator", "estimator_name", metavar="NAME", help="How operators are estimated.")
@click.option("--model", "model_name", metavar="NAME", help="The network.  [default: the problem's own]")
@click.option("--gpinn-weight", type=float, metavar="W", help="Weight of the residual's squared gradient.")
@click.option("--precision", metavar="NAME", help="float32, float64, or bfloat16 parameters.")
@click.option("-p", "problem_options", multiple=True, metavar="FIELD=VALUE", help="A field of the problem.")
@click.option("-e", "estimator_options", multiple=True, metavar="FIELD=VALUE", help="One of the estimator.")
@click.option("-m", "model_options", multiple=True, metavar="FIELD=VALUE", help="One of the network.")
@click.option("-t", "training_options", multiple=True, metavar="FIELD=VALUE", help="One of the training.")
@click.option("--seed", type=int, default=None, help="Of network, points and tangents.  [default: 0]")
@click.option("--out", metavar="DIR", help="A new directory for the run.  [default: runs/NAME-TIME]")
@click.option("--resume", is_flag=True, help="Go on with the run in DIR, or begin it where there is none.")
@click.option("--start", metavar="DIR", help="Begin with the trained network of the run in DIR.")
@click.option(
    "--checkpoint-seconds", type=float, default=60.0, show_default=True, help="From one to the next."
)
@click.option(
    "--on-nonfinite",
    type=click.Choice(["stop", "rollback"]),
    default="stop",
    show_default=True,
    help="At a loss that is not finite: end, or go back to the checkpoint with smaller steps.",
)
@click.option(
    "--log", "loggers", multiple=True, metavar="NAME", help="Pass metrics on (`stde list loggers`)."
)
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON on stdout.")
def solve(
    problem: str | None,
    config: str | None,
    seed: int | None,
    out: str | None,
    resume: bool,
    start: str | None,
    checkpoint_seconds: float,
    on_nonfinite: Any,
    loggers: tuple[str, ...],
    as_json: bool,
    **asked: Any,
) -> None:
    """Train a network to solve PROBLEM, and measure how well it did.

    PROBLEM is the name of a registered problem, or a file of your own: FILE.py or FILE.py:NAME.
    Writes the trained model, the metrics, all that is needed to repeat the run, a picture of the
    solution and a report into a directory of its own, and checkpoints while it goes on. Errors are
    those of the last step, at points that training never sees, beside those of the best trivial
    solution and of the best affine network; without a known solution the residuals stand in their place.
    """
    if resume and out is None:
        raise click.UsageError("`--resume` needs `--out DIR`, the directory of the run to go on with.")
    if not checkpoint_seconds > 0:
        raise click.UsageError(f"`--checkpoint-seconds` needs a number > 0, got {checkpoint_seconds:g}.")
    options = Options(**{name.removesuffix("_options"): value for name, value in asked.items()})
    with refusals():
        if config is not None:
            problem, seed, options = read_config(Path(config), problem, seed, options)
        if problem is None:
            raise ValueError(
                "`stde solve` needs a PROBLEM, or `--config FILE` that names one; see `stde list problems`."
            )
        seed = 0 if seed is None else seed
        again = ["stde", "solve", problem, *options.arguments(), "--seed", str(seed)]
        with in_precision(options.precision):
            setup = setup_of(problem, seed, options)
            conduct = Conduct(
                resume, None if start is None else Path(start), checkpoint_seconds, on_nonfinite, loggers
            )
            display = ProgressDisplay(setup.training.total_steps)
            found = run(
                setup,
                None if out is None else Path(out),
                conduct,
                display,
                lambda directory: _endings(again, directory),
            )
    show(dict(found.result), as_json)


def setup_of(problem: str, seed: int, options: Options) -> Setup:
    """The setup of a registered problem, or of one from a file."""
    if not is_file(problem):
        return prepare(problem, seed, options)
    file = Path(problem.partition(":")[0])
    return prepare(problem_of(problem, options), seed, options, name=file.stem, file=file.name)


@contextlib.contextmanager
def _endings(command: list[str], directory: Path) -> Iterator[None]:
    """What ends a run before its end is told in a sentence, with the line that goes on with it."""
    again = shlex.join([*command, "--out", str(directory), "--resume"])
    try:
        yield
    except NotFiniteError as error:
        raise click.ClickException(
            f"{error} Or go back to the last checkpoint, with smaller steps: {again} --on-nonfinite rollback"
        ) from error
    except UnwritableError as error:
        raise click.ClickException(
            f"{error} Then go on, from the last checkpoint if there is one, by: {again}"
        ) from error
    except Stopped as error:
        click.echo(f"Stopped. Go on by: {again}", err=True)
        raise SystemExit(128 + error.signal) from error
