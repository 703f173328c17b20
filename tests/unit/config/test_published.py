"""The file of published values: read as it is written, or refused with its name before the run."""

from pathlib import Path

import pytest

from dlmd.base.errors import DlmdError
from dlmd.config.published import read

REFERENCES = sorted((Path(__file__).parents[3] / "config/reference").glob("*.yaml"))
WRONG = {
    "cut in a text": "notes:\n  - \"The paper's",
    "cut in a section": "conductivity_ms_per_cm:\n  temperature_k: 298\n",
    "empty": "",
    "a page": "<!DOCTYPE html><html></html>",
    "zeros": "conductivity_ms_per_cm:\0\0\0",
    "no number": "activation_energy_ev: {paper: high}",
    "a list": "- 1",
    "infinite": "haven_ratio: {paper: .inf}",
    "lattice without a label": "lattice: [{occupancy: '0.7', a: 6.4}]",
}


@pytest.mark.parametrize("path", REFERENCES, ids=lambda path: path.stem)
def test_shipped_files_are_read_as_they_are(path):
    import yaml

    assert read(path) == yaml.safe_load(path.read_text(encoding="utf-8"))
    assert read(None) == {}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_named(tmp_path, kind):
    path = tmp_path / "published.yaml"
    path.write_text(WRONG[kind], encoding="utf-8")
    with pytest.raises(DlmdError) as error:
        read(path)
    assert str(path) in str(error.value) and error.value.remedy and str(error.value).count("\n") == 2


def test_a_folder_and_a_misspelt_name(tmp_path):
    (tmp_path / "published.yaml").write_text("haven_ratio: {paper: 2}")
    with pytest.raises(DlmdError, match="a folder"):
        read(tmp_path)
    with pytest.raises(DlmdError, match=r"did you mean 'published.yaml'"):
        read(tmp_path / "publishd.yaml")
