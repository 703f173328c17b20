"""A run's folder as an RO-Crate: read back with the format's own package, every file named is there with its checksum."""

import hashlib
import json

import pytest

from dlmd.report import ro_crate


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "results/demo"
    (folder / "transport/u4").mkdir(parents=True)
    (folder / "report.html").write_text("<p>answer</p>")
    (folder / "transport/u4/500K.json").write_text("{}")
    (tmp_path / "demo.yaml").write_text("run: demo\n")
    return folder


def write(run, **changes):
    given = {
        "inputs": [run.parents[1] / "demo.yaml"],
        "results": [run / "report.html", run / "transport/u4/500K.json"],
        "versions": {"dlmd": "1.0", "lammps": "2025"},
        "name": "a run",
        "description": "of a test",
        "output": run / "ro-crate-metadata.json",
    }
    ro_crate.write(run, **(given | changes))


def test_crate_reads_back_with_all_files_and_programs(run):
    from rocrate.rocrate import ROCrate

    write(run)
    crate = ROCrate(str(run))
    assert crate.name == "a run"
    files = {e.id: e for e in crate.data_entities}
    assert set(files) == {"inputs/demo.yaml", "report.html", "transport/u4/500K.json"}
    for name, entity in files.items():
        assert entity["sha256"] == hashlib.sha256((run / name).read_bytes()).hexdigest()
        assert int(entity["contentSize"]) == (run / name).stat().st_size
    action = crate.dereference("#run")
    assert [e.id for e in action["object"]] == ["inputs/demo.yaml"]
    assert {e.id for e in action["result"]} == {"report.html", "transport/u4/500K.json"}
    assert action["instrument"]["softwareVersion"] == "1.0"
    assert [p["name"] for p in action["instrument"]["softwareRequirements"]] == ["lammps"]
    assert crate.root_dataset["conformsTo"].id == ro_crate.PROFILE


def test_inputs_are_copied_as_they_were(run):
    write(run)
    assert (run / "inputs/demo.yaml").read_text() == "run: demo\n"


def test_a_result_outside_the_run_is_refused(run, tmp_path):
    with pytest.raises(ValueError, match="not in the subpath"):
        write(run, results=[tmp_path / "demo.yaml"])


def test_huge_files_have_their_size_only(run, monkeypatch):
    from rocrate.rocrate import ROCrate

    monkeypatch.setattr(ro_crate, "LARGEST_HASHED", 5)
    write(run)
    files = {e.id: e for e in ROCrate(str(run)).data_entities}
    assert "sha256" not in files["report.html"].properties()
    assert "sha256" in files["transport/u4/500K.json"].properties()


def test_two_inputs_of_one_name_are_both_there(run):
    reference = run.parents[1] / "reference/demo.yaml"
    reference.parent.mkdir()
    reference.write_text("published: 1\n")
    write(run, inputs=[run.parents[1] / "demo.yaml", reference])
    assert (run / "inputs/demo.yaml").read_text() == "run: demo\n"
    assert (run / "inputs/reference_demo.yaml").read_text() == "published: 1\n"


def test_what_the_command_line_changed_is_there(run):
    write(run, overrides={"seed": 3})
    assert json.loads((run / "inputs/command-line.json").read_text()) == {"seed": 3}
    assert "inputs/command-line.json" in (run / "ro-crate-metadata.json").read_text()
