"""Errors about the parts of a target's name, such as `nvidia-t4:b8:fp16`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from netwright.errors import UnknownNameError

__all__ = ["THREADS_AND_BATCH", "wrong_parts"]

THREADS_AND_BATCH = {"4t (threads)": r"[1-9]\d{0,2}t", "b8 (batch)": r"b[1-9]\d{0,4}"}
"""Examples of parts with a number, and the form of each."""


def wrong_parts(
    name: str, form: str, words: Iterable[str], numbers: Mapping[str, str], forms: Iterable[str]
) -> UnknownNameError:
    """Error for a name that is not in its form: it says which part is unknown, or what the forms are.

    >>> str(wrong_parts("pi:fp2", "pi:1t:fp32", ["fp32"], THREADS_AND_BATCH, ["pi:1t:fp32"]))
    "no part of pi:1t:fp32 is named 'fp2'; did you mean 'fp32'? known: 4t (threads), b8 (batch), fp32."
    >>> str(wrong_parts("pi:fp32:1t", "pi:1t:fp32", ["fp32"], THREADS_AND_BATCH, ["pi:1t:fp32"]))
    "no target is named 'pi:fp32:1t'; did you mean 'pi:1t:fp32'? known: pi:1t:fp32."

    form: with every part, in order. words, numbers: what parts may be, and examples of those with a number, each
    with its form. forms: that there are, for names with known parts that do not go together, or in another order.
    """
    known, number = list(words), re.compile("|".join(numbers.values()))
    strange = next((part for part in name.split(":")[1:] if part not in known and not number.fullmatch(part)), None)
    if strange is None:
        return UnknownNameError("target", name, forms)
    return UnknownNameError(f"part of {form}", strange, [*known, *numbers])
