"""Tasks from npz files, whatever their arrays are called."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from netwright.errors import DataError, UnknownNameError
from netwright.quality.data._arrays import from_pieces
from netwright.quality.data._base import PARTS, Array, Raw, check_expansion, reading

_ROLES = {
    "x": "x data image images img imgs input inputs feature features sample samples series signal signals",
    "y": "y label labels target targets class classes",
    "train": "train training tr",
    "valid": "valid val validation dev",
    "test": "test testing te",
}
_ROLE_OF = {word: role for role, words in _ROLES.items() for word in words.split()}
# numpy's own names for np.savez(file, x, y).
_ROLE_OF |= {"arr0": "x", "arr1": "y"}
_GLUED = re.compile(r"(x|y)(train|valid|val|test)|(train|valid|val|test)(x|y)")

# member -> part -> role -> key, where part "" is a file without parts.
Groups = dict[str, dict[str, dict[str, str]]]


def read_npz(path: Path, where: str, *, member: str | None, target: str | None, kind: str | None) -> Raw:
    """Raw examples of an npz file, or of one of the data sets it holds.

    Arrays are found by their names: `x_train`, `train_images`, `X`, `labels`, `GunPoint_y_test` and so on;
    what is left of a name after inputs/labels and train/valid/test is the data set it belongs to. `target`
    is the key of the labels where the name does not tell.

    Raises DataError for a file that is no npz, damaged, a bomb, or holds Python objects, which are never
    unpickled; UnknownNameError for a data set or key that it does not have.
    """
    _check_zip(path, where)
    with reading(where, "an npz file"), np.load(path, allow_pickle=False) as archive:
        keys = [str(key) for key in archive.files]
        groups = group_keys(keys, target=_known_key(target, keys))
        chosen = _choose(where, groups, keys, member)
        pieces = _load(where, groups[chosen], lambda key: _array(archive, key, where))
    name = f"{path.stem}:{chosen}" if chosen else path.stem
    return from_pieces(name, where, pieces, kind=kind)


def group_keys(keys: list[str], target: str | None = None) -> Groups:
    """Sort keys by data set, part and role; only data sets with inputs and labels to train on remain.

    >>> group_keys(["x_train", "y_train", "X_test", "testY"])
    {'': {'train': {'x': 'x_train', 'y': 'y_train'}, 'test': {'x': 'X_test', 'y': 'testY'}}}
    >>> list(group_keys(["Wafer_x", "Wafer_y", "Trace_x", "Trace_y", "readme"]))
    ['Wafer', 'Trace']
    """
    groups: Groups = {}
    for key in keys:
        member, part, role = ("", "", "y") if key == target else parse_key(key)
        if role and (target is None or role == "x" or key == target):
            groups.setdefault(member, {}).setdefault(part, {}).setdefault(role, key)
    for parts in groups.values():
        for part in [part for part, roles in parts.items() if len(roles) < 2]:
            del parts[part]
    return {member: parts for member, parts in groups.items() if "train" in parts or "" in parts}


def parse_key(key: str) -> tuple[str, str, str]:
    """Data set, part and role of a key, each "" where the key does not say.

    >>> parse_key("GunPoint_x_train"), parse_key("validLabels"), parse_key("wave")
    (('GunPoint', 'train', 'x'), ('', 'valid', 'y'), ('wave', '', ''))
    """
    words = _words(key)
    meanings = [_ROLE_OF.get(word.lower(), "") for word in words]
    part = next((meaning for meaning in meanings if meaning in PARTS), "")
    roles = [i for i, meaning in enumerate(meanings) if meaning in ("x", "y")]
    # A plain x or y says more than a word that may belong to a data set's name ("signal_y_test").
    plain = [i for i in roles if words[i].lower() in ("x", "y")]
    role = meanings[(plain or roles)[-1]] if roles else ""
    spent = set(plain or roles)
    rest = [word for i, word in enumerate(words) if i not in spent and meanings[i] not in PARTS]
    return "_".join(rest), part, role


def _words(key: str) -> list[str]:
    words: list[str] = []
    for word in re.split(r"[\W_]+", re.sub(r"^arr_(?=[01]$)", "arr", key)):
        glued = _GLUED.fullmatch(word.lower())
        if glued:
            words += [found for found in glued.groups() if found]
        elif word.lower() not in _ROLE_OF and _split_case(word) is not None:
            words += _split_case(word) or []
        elif word:
            words.append(word)
    return words


def _split_case(word: str) -> list[str] | None:
    # "trainImages" is two words of meaning, "GunPoint" is one name.
    halves = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", word)
    known = len(halves) == 2 and all(half.lower() in _ROLE_OF for half in halves)
    return halves if known and "".join(halves) == word else None


def _check_zip(path: Path, where: str) -> None:
    with path.open("rb") as file:
        magic = file.read(4)
    if magic[:2] != b"PK":
        raise DataError(f"{where} is not an npz file: it does not start like a zip archive.")
    if not zipfile.is_zipfile(path):
        raise DataError(f"{where} is truncated: the directory at the end of an npz file is missing.")
    with reading(where, "an npz file"), zipfile.ZipFile(path) as archive:
        check_expansion(where, path.stat().st_size, sum(info.file_size for info in archive.infolist()))


def _known_key(target: str | None, keys: list[str]) -> str | None:
    if target is not None and target not in keys:
        raise UnknownNameError("array", target, keys)
    return target


def _choose(where: str, groups: Groups, keys: list[str], member: str | None) -> str:
    if not groups:
        listed = ", ".join(keys[:12]) + (", ..." if len(keys) > 12 else "")
        raise DataError(f"{where} has no arrays named like inputs and labels (x and y); it has: {listed or 'none'}.")
    if member is not None:
        if member not in groups:
            raise UnknownNameError("data set", member, filter(None, groups))
        return member
    if "" in groups:
        return ""
    if len(groups) > 1:
        raise DataError(f"{where} holds several data sets; add one of them as {where}:NAME: {', '.join(groups)}.")
    return next(iter(groups))


def _load(
    where: str, parts: Mapping[str, Mapping[str, str]], array: Callable[[str], Array]
) -> dict[str, tuple[Array, Array]]:
    # A file without parts is all for training; "" beside "train" is a whole that the parts were cut from.
    named = {part: roles for part, roles in parts.items() if part} if "train" in parts else parts
    return {part or "train": (array(roles["x"]), array(roles["y"])) for part, roles in named.items()}


def _array(archive: Mapping[str, Array], key: str, where: str) -> Array:
    try:
        array = archive[key]
    except ValueError as error:
        if "pickle" in str(error):
            raise DataError(f"{where} holds Python objects in {key!r}, which are never unpickled.") from error
        raise
    if not isinstance(array, np.ndarray):
        raise DataError(f"{where} has a member {key!r} that is no array.")
    return array
