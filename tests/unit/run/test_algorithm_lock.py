"""The lock of algorithms: no change of code behind a rule's numbers passes unnoticed, and none of prose is noticed."""

import re
from dataclasses import replace

import pytest

from dlmd.base.errors import DlmdError
from dlmd.run import algorithm_lock, closures
from dlmd.run.algorithm_lock import SHOWS, Lock, jobs_of_rules, now, read, versions_of_rules
from dlmd.run.closures import NO_NUMBERS, Module, closure, digest, in_fixed_order, path_of, strip
from workflow_rules import RULE


@pytest.fixture(scope="module")
def current() -> Lock:
    return now()


def test_lock_is_that_of_the_code(current):
    found = algorithm_lock.message(read(), current)
    assert found is None, "\n" + str(found)


def test_every_rule_with_a_job_is_locked_or_shows_only(current):
    rules = re.findall(rf"^{RULE}", "\n".join(algorithm_lock._files()), re.M)
    assert set(rules) == set(current.rules) | set(SHOWS)
    assert set(jobs_of_rules()) == set(rules)


def test_versions_are_those_of_the_params(current):
    text = "\n".join(algorithm_lock._files())
    assert len(versions_of_rules()) >= len(re.findall(r"^        algorithm=", text, re.M))
    assert current.rules["transport"].versions.keys() == {
        f"transport.{name}" for name in ("analysis", "msd", "onset", "diffusion", "spectrum", "gates")
    }


def test_closure_holds_what_decides_the_numbers_of_transport():
    _, reached = closure(jobs_of_rules()["transport"])
    for module in ("base.intervals", "trajectory.trajectory", "trajectory.segments", "transport.msd"):
        assert f"dlmd.{module}" in reached
    assert not reached & set(NO_NUMBERS)
    assert not [module for module in reached if module.endswith("plots")]


def test_an_engine_that_is_loaded_by_its_name_is_reached():
    _, reached = closure(jobs_of_rules()["relax"])
    assert {"dlmd.labels.engines.chgnet", "dlmd.labels.engines.gpaw"} <= reached


def test_modules_left_out_exist():
    assert [module for module in NO_NUMBERS if path_of(module) is None] == []


CODE = '''
"""A module."""
from collections.abc import Sequence
import numpy as np

WIDTH = 3

def mean(x):
    """Mean."""
    if len(x) == 0:
        raise ValueError("nothing")
    return np.mean(x) * WIDTH

def other(x):
    return x
'''


def code_hash(text):
    return digest(*in_fixed_order(strip(text)))


@pytest.mark.parametrize(
    "old, new",
    [
        ('"""A module."""', '"""Other words."""\n# and a comment'),
        ('    """Mean."""\n', ""),
        ('"nothing"', 'f"no values in {x}"'),
        ("def mean(x):", "def mean(x: Sequence[float]) -> float:"),
        ("WIDTH = 3", "WIDTH: int = 3"),
        ("    if len(x)", "    assert x is not None\n    if len(x)"),
        ("    return np.mean(x) * WIDTH", "    return (\n        np.mean(x)\n        * WIDTH\n    )"),
        ("import numpy as np", "import numpy as np\nfrom typing import Any"),
    ],
    ids=[
        "docstring",
        "docstring left out",
        "text of an error",
        "annotations",
        "annotated constant",
        "assert",
        "format",
        "import",
    ],
)
def test_prose_and_annotations_do_not_count(old, new):
    assert old in CODE
    assert code_hash(CODE.replace(old, new)) == code_hash(CODE)


def test_order_of_functions_does_not_count():
    head, mean, other = re.split(r"(?=^def )", CODE, flags=re.M)
    assert code_hash(head + other + "\n" + mean) == code_hash(CODE)


@pytest.mark.parametrize(
    "old, new",
    [
        ("WIDTH = 3", "WIDTH = 4"),
        ("np.mean(x) *", "np.mean(x) /"),
        ("np.mean", "np.median"),
        ("import numpy as np", "import jax.numpy as np"),
        ("== 0", "== 1"),
        ("mean(x):", "mean(x, y=1):"),
    ],
)
def test_numbers_operators_and_sources_count(old, new):
    assert old in CODE
    assert code_hash(CODE.replace(old, new)) != code_hash(CODE)


def test_fields_of_a_class_count():
    assert code_hash("class A(BaseModel):\n    x: int = 1\n") != code_hash(
        "class A(BaseModel):\n    x: float = 1\n"
    )


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A package of four modules, as the lock would find it."""
    monkeypatch.setattr(closures, "WORKFLOW", tmp_path)
    Module.of.cache_clear()

    def write(**files):
        for name, text in files.items():
            path = tmp_path / "dlmd" / f"{name.replace('__', '/', 1)}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        Module.of.cache_clear()

    write(
        a="from dlmd.b import f\ndef one(x):\n    return f(x)\ndef two(x):\n    from dlmd import c\n    return c.g(x)\n",
        b="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from dlmd.d import Never\ndef f(x):\n    return x\n",
        c="def g(x):\n    return x\n",
        d="class Never: ...\n",
    )
    yield write
    Module.of.cache_clear()


def test_a_job_has_what_it_uses_and_no_more(tree):
    assert closure("dlmd.a:one")[1] == {"dlmd.b"}
    assert closure("dlmd.a:two")[1] == {"dlmd.c"}


def test_another_job_of_the_same_module_may_change(tree):
    before = closure("dlmd.a:one")[0]
    tree(a="from dlmd.b import f\ndef one(x):\n    return f(x)\ndef two(x):\n    return 2 * x\n")
    assert closure("dlmd.a:one")[0] == before


def test_a_name_that_a_package_passes_on_is_looked_up_at_home(tree):
    tree(p____init__="from dlmd.p.home import h\nfrom dlmd.c import g\n", p__home="def h(x):\n    return x\n")
    tree(a="from dlmd.p import h\ndef one(x):\n    return h(x)\n")
    assert closure("dlmd.a:one")[1] == {"dlmd.p.home"}


def test_a_name_that_a_package_loads_when_it_is_used_is_looked_up_at_home(tree):
    tree(
        p____init__='exports(__name__, {"h": "home", "k": "home:other"})\n',
        p__home="def h(x):\n    return x\n",
    )
    tree(a="from dlmd.p import h, k\ndef one(x):\n    return h(x)\ndef two(x):\n    return k(x)\n")
    assert closure("dlmd.a:one")[1] == closure("dlmd.a:two")[1] == {"dlmd.p.home"}


def test_a_job_that_is_not_there_is_named(tree):
    with pytest.raises(DlmdError, match="no function three"):
        closure("dlmd.a:three")


@pytest.fixture
def changed(current):
    """The lock as it was before the module of MSDs and its only user's code changed."""
    modules = {**current.modules, "dlmd.transport.msd": "before"}
    rules = {**current.rules, "transport": replace(current.rules["transport"], code="before")}
    return Lock(rules, current.jobs, modules)


def test_message_names_rules_modules_versions_and_what_to_do(current, changed):
    text = algorithm_lock.message(changed, current)
    assert re.search(
        r"changed: dlmd\.transport\.msd\n    rule transport; versions in its params: .*transport\.msd \d",
        text,
    )
    assert "rule mechanism" not in text
    assert "make lock\n" in text and 'make lock WAIVE="reason"' in text


def test_a_raised_version_answers(current, changed):
    locked = changed.rules["transport"]
    raised = replace(locked, versions={**locked.versions, "transport.msd": 0})
    before = replace(changed, rules={**changed.rules, "transport": raised})
    assert (
        algorithm_lock.message(before, current) == "workflow/algorithms.lock is out of date. Run: make lock"
    )


def test_command_refuses_without_a_reason_and_keeps_the_reason(
    current, changed, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(algorithm_lock, "WAIVERS", tmp_path / "waivers")
    lock = tmp_path / "lock"
    lock.write_text(changed.to_text())
    monkeypatch.setattr(algorithm_lock, "read", lambda: read(lock))
    monkeypatch.setattr(algorithm_lock, "now", lambda: current)
    monkeypatch.setattr(algorithm_lock, "LOCK", lock)

    assert algorithm_lock.main([]) == 1
    assert "rule transport" in capsys.readouterr().err
    assert lock.read_text() == changed.to_text()

    assert algorithm_lock.main(["--waive", "a loop written otherwise"]) == 0
    assert read(lock) == current
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d  a loop written otherwise\n +transport\n", (tmp_path / "waivers").read_text()
    )


def test_lock_is_read_as_it_was_written(current, tmp_path):
    path = tmp_path / "lock"
    path.write_text(current.to_text())
    assert read(path) == current
