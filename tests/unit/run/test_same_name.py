"""Configs and results of one run name: found before they meet in one folder."""

import json
import shutil
from pathlib import Path

import pytest

from dlmd.base.errors import DlmdError
from dlmd.run import preflight, same_name, status
from running_config import toy_config


@pytest.fixture
def cfg(tmp_path, monkeypatch):
    return toy_config(tmp_path, monkeypatch)


def made_with(config, run="toy"):
    """A result.json as the report writes it."""
    folder = Path("results") / run
    folder.mkdir(parents=True, exist_ok=True)
    record = {"provenance": {"inputs": [{"path": config}, {"path": "structures/Li3TiCl6.cif"}]}}
    (folder / "result.json").write_text(json.dumps(record))


def structures_of(*elements, run="toy"):
    folder = Path("results") / run / "structures/0.750/80"
    folder.mkdir(parents=True)
    (folder / "summary.json").write_text(json.dumps({"composition": dict.fromkeys(elements, 8)}))


def test_a_second_config_of_a_name_is_noted(cfg):
    assert list(same_name.remarks(cfg, file="config/toy.yaml")) == []
    shutil.copy("config/toy.yaml", "config/beside.yaml")
    ((text, remedy),) = same_name.remarks(cfg, file="config/toy.yaml")
    assert "config/beside.yaml has the run name toy too" in text and "name" in remedy


def test_a_config_elsewhere_is_compared_with_those_in_config(cfg):
    Path("mine").mkdir()
    shutil.copy("config/toy.yaml", "mine/toy.yaml")
    assert same_name.others("toy", file="mine/toy.yaml") == ["config/toy.yaml"]


def test_results_of_another_config_are_noted(cfg):
    made_with("config/demo.yaml")
    ((text, _),) = same_name.remarks(cfg, file="config/toy.yaml")
    assert text == "results/toy was last made with config/demo.yaml"
    made_with(str(Path("config/toy.yaml").resolve()))
    assert list(same_name.remarks(cfg, file="config/toy.yaml")) == []


def test_results_of_another_material_stop_the_run(cfg):
    structures_of("Li", "Ti", "Cl")
    preflight.require_own_results(cfg, file="config/toy.yaml")
    shutil.rmtree("results")
    structures_of("Li", "In", "Cl")
    with pytest.raises(DlmdError, match="another material, of Cl, In, Li") as refused:
        preflight.require_own_results(cfg, file="config/toy.yaml")
    assert len(str(refused.value).splitlines()) == 3
    assert "results" in [subject for subject, _, _ in preflight.checks(cfg, file="config/toy.yaml")]


def test_a_new_run_takes_a_name_that_is_free(cfg):
    assert same_name.free_name("fresh", file="config/fresh.yaml") == ("fresh", None)
    assert same_name.free_name("toy", file="config/Toy2.yaml") == ("toy-2", "config/toy.yaml")
    # a file system may not tell capitals from small letters
    assert same_name.free_name("Toy", file="mine/toy.yaml")[0] == "Toy-2"
    # written over, it is still that run
    assert same_name.free_name("toy", file="config/toy.yaml") == ("toy", None)
    Path("results/toy-2").mkdir(parents=True)
    assert same_name.free_name("toy", file="config/Toy2.yaml")[0] == "toy-3"


def test_status_takes_the_folder_that_was_named_or_none(cfg, tmp_path, monkeypatch):
    assert status.find_config(str(tmp_path / "results/toy")) == "config/toy.yaml"
    other = tmp_path / "other/results/toy"
    other.mkdir(parents=True)
    for folder in (str(other), "other/results/toy", "results/deeper/toy"):
        with pytest.raises(DlmdError, match="not a run of this working directory") as refused:
            status.find_config(folder)
        assert len(str(refused.value).splitlines()) == 3
    # a link to a larger file system is the same folder
    (tmp_path / "large/toy").mkdir(parents=True)
    (tmp_path / "results").symlink_to("large")
    assert status.find_config("results/toy") == "config/toy.yaml"


def test_of_two_configs_status_takes_the_one_that_made_the_results(cfg):
    shutil.copy("config/toy.yaml", "config/a.yaml")
    with pytest.raises(
        DlmdError, match=r"several configs have the run 'toy': config/a\.yaml, config/toy\.yaml"
    ):
        status.find_config("results/toy")
    made_with("config/toy.yaml")
    assert status.find_config("results/toy") == "config/toy.yaml"
