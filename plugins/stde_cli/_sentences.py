"""Errors of the user, told in one sentence."""

import contextlib
from collections.abc import Iterator
from typing import Any

import click


class OneSentence(click.Group):
    """Tells an error of the user in one sentence, and ends with status 2."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _in_one_sentence():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _in_one_sentence():
            return super().invoke(ctx)


def printable(text: str) -> str:
    """A text in one line, without characters that could steer a terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in " ".join(text.split()))


@contextlib.contextmanager
def _in_one_sentence() -> Iterator[None]:
    """Errors of the user are told without the lines on usage, and end with status 2."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.ClickException as error:
        error.exit_code = 2  # pyright: ignore[reportAttributeAccessIssue]
        error.message = printable(error.message)  # pyright: ignore[reportAttributeAccessIssue]
        if isinstance(error, click.UsageError):
            error.ctx = None
        raise
