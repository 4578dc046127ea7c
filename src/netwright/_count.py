"""Counts and shares in words: one trial, two trials, 210 %."""

from __future__ import annotations

__all__ = ["counted", "percent", "plural"]


def plural(number: float, noun: str) -> str:
    """A noun for so many.

    >>> plural(1, "trial"), plural(0, "trial"), plural(2, "class"), plural(3, "copy"), plural(4, "epoch")
    ('trial', 'trials', 'classes', 'copies', 'epochs')
    """
    if number == 1:
        return noun
    if noun.endswith("y"):
        return f"{noun[:-1]}ies"
    hissed = noun.endswith(("s", "ch")) and not noun.endswith("och")
    return f"{noun}es" if hissed else f"{noun}s"


def counted(number: int, noun: str) -> str:
    """A number, and the noun for so many.

    >>> counted(1, "trial"), counted(5000, "causal attention")
    ('1 trial', '5,000 causal attentions')
    """
    return f"{number:,} {plural(number, noun)}"


def percent(share: float) -> str:
    """A share in percent, to two digits.

    >>> percent(2.1234), percent(0.016), percent(0.00012)
    ('210 %', '1.6 %', '0.012 %')
    """
    return f"{float(f'{100 * share:.2g}'):.15g} %"
