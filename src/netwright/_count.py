"""Counts in words: one trial, two trials."""

from __future__ import annotations

__all__ = ["counted", "plural"]


def plural(number: float, noun: str) -> str:
    """A noun for so many.

    >>> plural(1, "trial"), plural(0, "trial"), plural(2, "class"), plural(3, "copy")
    ('trial', 'trials', 'classes', 'copies')
    """
    if number == 1:
        return noun
    if noun.endswith("y"):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "ch")) else f"{noun}s"


def counted(number: int, noun: str) -> str:
    """A number, and the noun for so many.

    >>> counted(1, "trial"), counted(5000, "causal attention")
    ('1 trial', '5,000 causal attentions')
    """
    return f"{number:,} {plural(number, noun)}"
