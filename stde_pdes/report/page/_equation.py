"""What is solved, in the words of the problem's own docstring."""

import inspect
import re

from stde_core.plugins import registry

from ._html import paragraph, prose

_RAISES = re.compile(r"\s*Raises `\w+`.*?\.(?=\s|$)", re.DOTALL)
_PARAGRAPHS = 2


def equation(name: str) -> str:
    """The first paragraphs, the first of them the equation; a sentence where the problem is not installed."""
    try:
        docstring = inspect.cleandoc(registry().entry("problems", name).load().__doc__ or "")
    except (ValueError, ImportError) as error:
        return paragraph(f"What is solved cannot be said, since the problem is not installed here: {error}")
    texts = [_RAISES.sub("", text).strip() for text in re.split(r"\n\s*\n", docstring)[:_PARAGRAPHS]]
    first, *others = [text for text in texts if text and not text.startswith(("|", "**"))] or [""]
    return "\n".join([f'<p class="lead">{prose(first)}</p>', *(f"<p>{prose(text)}</p>" for text in others)])
