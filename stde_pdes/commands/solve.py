"""The command `stde solve`."""

import contextlib
import shlex
from collections.abc import Iterator
from typing import Any

import click
import jax

from .._loggers import open_loggers
from .._run_files import UnwritableError, read_result
from .._setup import Options, Setup, prepare
from ..report.progress import ProgressDisplay
from ..runs import (
    Run,
    Stopped,
    in_precision,
    own_directory,
    remark,
    resumed_record,
    stoppable,
    write_record,
)
from ..training import NotFiniteError
from ._sentences import refusals, show


@click.command(
    epilog="""\b
Examples:
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
  stde solve kdv --precision float64 --log tensorboard
  stde list problems                                what there is to solve

\b
Fields of the options (`stde list` names estimators and samplers):
  -p  the problem: see `stde list problems`; a wrong name lists the right ones
  -e  the estimator: num_samples, sampler=NAME, sampler.replace=true, ...
  -m  the network: width, depth, activation; block_size of block-shared, ... (`stde list networks`)
  -t  training: batch, learning_rate, schedule, shared_tangents, unbiased, gpinn_samples, test_points
      gauss_newton, lbfgs (stages after Adam), causal and resampling are on, none, or set by their
      fields: lbfgs.steps=500 switches lbfgs on
"""
)
@click.argument("problem")
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
@click.option("--seed", type=int, default=0, show_default=True, help="Of network, points and tangents.")
@click.option("--out", metavar="DIR", help="A new directory for the run.  [default: runs/NAME-TIME]")
@click.option("--resume", is_flag=True, help="Go on with the run in DIR, or begin it where there is none.")
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
    problem: str,
    seed: int,
    out: str | None,
    resume: bool,
    checkpoint_seconds: float,
    on_nonfinite: str,
    loggers: tuple[str, ...],
    as_json: bool,
    **asked: Any,
) -> None:
    """Train a network to solve PROBLEM, and measure how well it did.

    Writes the trained model, the metrics, all that is needed to repeat the run, a picture of the
    solution and a report into a directory of its own, and checkpoints while it goes on. Errors are
    those of the last step, at points that training never sees, beside those of the best trivial
    solution and of the best affine network.
    """
    if resume and out is None:
        raise click.UsageError("`--resume` needs `--out DIR`, the directory of the run to go on with.")
    if not checkpoint_seconds > 0:
        raise click.UsageError(f"`--checkpoint-seconds` needs a number > 0, got {checkpoint_seconds:g}.")
    options = options_of(asked)
    again = ["stde", "solve", problem, *options.arguments(), "--seed", str(seed)]
    with refusals(), contextlib.ExitStack() as stack:
        stack.enter_context(in_precision(options.precision))
        setup = prepare(problem, seed, options)
        told = open_loggers(loggers)
        directory = stack.enter_context(own_directory(out, problem, resume=resume))
        record = resumed_record(directory, setup) if resume else None
        result = read_result(directory) if resume else None
        if result is None:
            display = stack.enter_context(ProgressDisplay(setup.training.total_steps))
            if resume:
                display.announce(remark(directory, record))
            display.announce(_headline(setup))
            stop = stack.enter_context(stoppable(display.announce))
            stack.enter_context(_endings(shlex.join([*again, "--out", str(directory), "--resume"])))
            run = Run(
                setup=setup,
                directory=directory,
                record=write_record(directory, setup) if record is None else record,
                loggers=told,
                stop=stop,
                checkpoint_seconds=checkpoint_seconds,
                rollback=on_nonfinite == "rollback",
                report=display.report,
                announce=display.announce,
            )
            result = run.execute()
    show(result, as_json)


def options_of(asked: dict[str, Any]) -> Options:
    """The options of a command line, by the names of its parameters."""
    return Options(**{name.removesuffix("_options"): value for name, value in asked.items()})


@contextlib.contextmanager
def _endings(again: str) -> Iterator[None]:
    """What ends a run before its end is told in a sentence, with the line that goes on with it."""
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


def _headline(setup: Setup) -> str:
    device = jax.devices()[0]
    return (
        f"{setup.name}, dim {setup.problem.dim}, estimator {setup.estimator_name}, "
        f"{setup.training.total_steps} steps, seed {setup.seed}, {setup.precision}, "
        f"on {device.platform} ({device.device_kind})"
    )
