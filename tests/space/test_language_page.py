"""The page on the language: its examples run, and it has every word."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

from netwright.space._read import LANGUAGE

PAGE = Path(__file__).parents[2] / "docs" / "language.md"


def test_the_examples_of_the_page_run() -> None:
    failed, tried = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert tried > 10
    assert failed == 0


def test_every_word_is_on_the_page() -> None:
    table = re.findall(r"^\| (`.*`) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    words = {word for row in table for word in re.findall(r"`(\w+)`", row)}
    assert words == {*LANGUAGE, "integer", "formula"}
