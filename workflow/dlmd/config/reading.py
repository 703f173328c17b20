"""Reading a config file: YAML with line numbers, errors that name key, line and remedy."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from dlmd.base.errors import DlmdError, did_you_mean, similar_file
from dlmd.config.checks import Problem
from dlmd.config.fields import FieldError
from dlmd.config.levels import LEVELS
from dlmd.config.removed import removed
from dlmd.config.run_config import RunConfig
from dlmd.config.wording import key_of, wrong_value

# far beyond what any run needs
MOST_KEYS, DEEPEST_KEY = 100_000, 20


def _lines(
    node: yaml.Node,
    path: tuple[Any, ...] = (),
    found: dict[tuple[Any, ...], int] | None = None,
    file: str = "",
) -> dict[tuple[Any, ...], int]:
    """Line number (from 1) of every key path, and an error on keys written twice (YAML would keep the last) and on more keys
    than a config can have, as aliases of aliases make them."""
    found = {} if found is None else found
    if len(found) > MOST_KEYS or len(path) > DEEPEST_KEY:
        raise DlmdError(
            f"the config has more than {MOST_KEYS} keys and items, or some more than {DEEPEST_KEY} levels deep",
            where=f"{file}, line {node.start_mark.line + 1}",
            remedy="write it without aliases (*name) of aliases",
        )
    if isinstance(node, yaml.MappingNode):
        here = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in here:
                raise DlmdError(
                    f"the key '{key.value}' is written twice",
                    where=f"{file}, line {line}, {'.'.join(map(str, path)) or 'top level'}",
                    remedy="keep one of them",
                )
            here.add(key.value)
            found[(*path, str(key.value))] = line
            _lines(value, (*path, str(key.value)), found, file)
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            found[(*path, str(i))] = value.start_mark.line + 1
            _lines(value, (*path, str(i)), found, file)
    return found


def _where(file: str, path: tuple[str, ...], lines: dict[tuple[Any, ...], int]) -> str:
    line = next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), None)
    place = f"{file}, line {line}" if line else file
    return f"{place}, key {'.'.join(path)}" if path else place


def _options(path: tuple[str, ...]) -> list[str]:
    """Keys that the model knows at `path` (the keys beside the last part)."""
    model: Any = RunConfig
    for part in path[:-1]:
        model = _descend(model, part)
        if model is None:
            return []
    return list(getattr(model, "model_fields", {}))


def _descend(model: Any, part: str) -> Any:
    """The model below `part`: through fields, dictionaries, lists and the discriminated union of levels."""
    if part in LEVELS and not hasattr(model, "model_fields"):
        return LEVELS[part]
    if hasattr(model, "model_fields"):
        field = model.model_fields.get(part)
        return _inner(field.annotation) if field else None
    return model


def _inner(annotation: Any) -> Any:
    """The model class inside dict[str, M], list[M], M | None; else a marker without fields."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for arg in getattr(annotation, "__args__", ()):
        inner = _inner(arg)
        if inner is not None:
            return inner
    return None


def parse(data: Any, *, file: str = "config", lines: dict[tuple[Any, ...], int] | None = None) -> RunConfig:
    """Validate `data` (what the YAML holds).

    Raises
    ------
    DlmdError
        naming the first wrong key with its line, what was found, and the remedy.
    """
    lines = lines or {}
    if not isinstance(data, dict):
        raise DlmdError(
            "the config holds no keys", where=file, remedy="start from a copy of config/pretrained.yaml"
        )
    _refuse_moved(data, file, lines)
    for path, remedy in removed(data):
        raise DlmdError(
            f"the key '{path[-1]}' is no longer there", where=_where(file, path, lines), remedy=remedy
        )
    try:
        return RunConfig.model_validate(data)
    except ValidationError as error:
        # unknown keys first: a misspelt key also shows up as a missing one
        first = sorted(error.errors(), key=lambda e: e["type"] != "extra_forbidden")[0]
        raise _explain(first, data, file, lines) from None


# keys of old configs -> where they are now; * is the name of a level
MOVED: dict[tuple[str, ...], tuple[str, ...]] = {
    ("accelerator",): ("launch", "accelerator"),
    ("md", "command"): ("launch", "lammps", "command"),
    ("md", "ranks"): ("launch", "lammps", "ranks"),
    **{
        ("levels", "*", key): ("launch", "levels", "*", key)
        for key in ("command", "cores", "gpus", "scratch", "custodian", "stop_margin_s")
    },
}


def _refuse_moved(data: dict[str, Any], file: str, lines: dict[tuple[Any, ...], int]) -> None:
    """An error for keys of `MOVED`, which shows the block that takes their place."""
    found: list[tuple[str, ...]] = []
    block: dict[str, Any] = {}
    levels = data.get("levels")
    for old, new in MOVED.items():
        for level in (levels if isinstance(levels, dict) else ()) if "*" in old else ("",):
            path = tuple(level if part == "*" else part for part in old)
            value: Any = data
            for part in path:
                value = value.get(part, _ABSENT) if isinstance(value, dict) else _ABSENT
            if value is _ABSENT:
                continue
            found.append(path)
            place = block
            for part in new[:-1]:
                place = place.setdefault(level if part == "*" else part, {})
            place[new[-1]] = value
    if found:
        text = yaml.safe_dump(block, default_flow_style=True, sort_keys=False, width=10_000).strip()
        names = ", ".join(".".join(path) for path in found)
        raise DlmdError(
            f"how programs are started is now in the section launch, and so is {names}",
            where=_where(file, found[0], lines),
            remedy=f"take the old place out and write at the top level   {text[1:-1]}",
        )


_ABSENT = object()


def _explain(error: ErrorDetails, data: Any, file: str, lines: dict[tuple[Any, ...], int]) -> DlmdError:
    path = tuple(str(part) for part in error["loc"])
    shown = key_of(path, data)
    problem = error.get("ctx", {}).get("error")
    if isinstance(problem, Problem):
        return DlmdError(
            problem.what, where=_where(file, tuple(problem.path.split(".")), lines), remedy=problem.remedy
        )
    if isinstance(problem, FieldError):
        return DlmdError(
            f"{'.'.join((*shown, problem.key))}: {problem.what}",
            where=_where(file, (*shown, problem.key), lines),
            remedy="see config/README.md",
        )
    where = _where(file, shown, lines)
    if error["type"] == "extra_forbidden":
        # pydantic puts the union's tag into the path of a level
        model = LEVELS.get(path[2]) if path[0] == "levels" and len(shown) == 3 else None
        options = list(model.model_fields) if model else _options(path)
        return DlmdError(f"unknown key '{path[-1]}'", where=where, remedy=did_you_mean(path[-1], options))
    if error["type"] == "missing" and not isinstance(error["loc"][-1], int):
        return DlmdError(
            f"the key '{path[-1]}' is missing", where=where, remedy="see config/README.md for what it means"
        )
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return DlmdError(
            f"engine is {error['input'].get('engine')!r}"
            if isinstance(error["input"], dict)
            else "no engine given",
            where=where,
            remedy=did_you_mean(
                (error["input"] or {}).get("engine") if isinstance(error["input"], dict) else "",
                LEVELS,
            ),
        )
    what, remedy = wrong_value(error["type"], error["msg"], shown, data)
    return DlmdError(what, where=where, remedy=remedy)


def load(path: str | Path, overrides: dict[str, Any] | None = None) -> RunConfig:
    """Read a config file.

    Parameters
    ----------
    path
        YAML file.
    overrides
        Values that replace those of the file (Snakemake's `--config`), merged key by key.

    Raises
    ------
    DlmdError
        for a missing or unreadable file, and for everything `parse` refuses.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DlmdError(
            f"the config is no UTF-8 text (byte {error.start})",
            where=str(path),
            remedy=f"save it as UTF-8, for instance: iconv -f LATIN1 -t UTF-8 {path} > utf8.yaml",
        ) from None
    except OSError as error:
        raise DlmdError(
            f"the config cannot be read: {error.strerror}",
            where=str(path),
            remedy=similar_file(path) or "give its path relative to this folder",
        ) from None
    return loads(text, file=str(path), overrides=overrides)


def loads(text: str, *, file: str, overrides: dict[str, Any] | None = None) -> RunConfig:
    """A config from its text; `file` is what errors name.

    Raises
    ------
    DlmdError
        for text that is no YAML, and for everything `parse` refuses.
    """
    try:
        node = yaml.compose(text, Loader=_Loader)
        lines = _lines(node, file=file) if node is not None else {}
        data = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{file}, line {mark.line + 1}" if mark else file
        raise DlmdError(
            f"not valid YAML: {getattr(error, 'problem', None) or str(error).splitlines()[0]}",
            where=where,
            remedy="check indentation and colons",
        ) from None
    return parse(_merge(data, overrides or {}), file=file, lines=lines)


class _Loader(yaml.SafeLoader):
    """Keys stay as they are written, so that cells named 160 and occupancies named 0.750 need no quotes."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        self.flatten_mapping(node)
        return {key.value: self.construct_object(value, deep=True) for key, value in node.value}


def _merge(base: Any, top: dict[str, Any]) -> Any:
    if not isinstance(base, dict):
        return top or base
    return base | {
        k: _merge(base[k], v) if isinstance(v, dict) and isinstance(base.get(k), dict) else v
        for k, v in top.items()
    }
