"""A finished run as an RO-Crate (https://w3id.org/ro/crate), after its profile Process Run Crate: what went in, what came out,
by which programs, with checksums, so that the folder can be deposited as it is."""

from __future__ import annotations

import json
import mimetypes
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dlmd.base.files import write_json, write_text
from dlmd.base.provenance import file_sha256
from dlmd.run import tree

VERSION = 1
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
# of the copies: what `--config` has changed
COMMAND_LINE = "command-line.json"
# trajectories are named with their size only: reading hundreds of GB for a checksum takes longer than they are worth
LARGEST_HASHED = 1 << 30
TYPES = {
    ".yaml": "application/yaml",
    ".cif": "chemical/x-cif",
    ".extxyz": "chemical/x-xyz",
    ".jsonl": "application/jsonl",
}


def write(
    run: Path,
    *,
    inputs: Sequence[Path],
    results: Sequence[Path],
    versions: Mapping[str, str],
    name: str,
    description: str,
    output: Path,
    overrides: Mapping[str, Any] | None = None,
) -> None:
    """Copy the inputs to `run`/inputs and write the crate's metadata.

    Parameters
    ----------
    run
        The run's folder, the root of the crate.
    inputs
        Config, CIF and reference values, anywhere.
    results
        Files below `run`.
    versions
        Program -> version.
    name, description
        Of the crate, as a repository shows them.
    output
        `run`/ro-crate-metadata.json.
    overrides
        What the command line has changed in the config.

    Raises
    ------
    ValueError
        for a result outside `run`.
    """
    from rocrate.model.contextentity import ContextEntity
    from rocrate.rocrate import ROCrate

    # copies of what the run was made from, so that its folder is complete in itself
    folder = run / tree.INPUTS
    folder.mkdir(exist_ok=True)
    copies = [Path(shutil.copyfile(path, folder / name)) for path, name in _names(inputs).items()]
    if overrides:
        # what the command line has changed in the config
        copies.append(folder / COMMAND_LINE)
        write_text(copies[-1], json.dumps(dict(overrides), indent=1) + "\n")

    crate = ROCrate()
    crate.name, crate.description = name, description
    crate.root_dataset["conformsTo"] = crate.add(
        ContextEntity(
            crate,
            PROFILE,
            properties={"@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
        )
    )
    programs = [
        crate.add(
            ContextEntity(
                crate,
                f"#{program}",
                properties={"@type": "SoftwareApplication", "name": program, "softwareVersion": version},
            )
        )
        for program, version in versions.items()
    ]
    taken = [crate.add_file(dest_path=str(p.relative_to(run)), properties=_properties(p)) for p in copies]
    made = [crate.add_file(dest_path=str(p.relative_to(run)), properties=_properties(p)) for p in results]
    crate.root_dataset["mentions"] = crate.add_action(
        programs[0],
        identifier="#run",
        object=taken,
        result=made,
        properties={
            "name": f"run {run.name} of the pipeline",
            "endTime": datetime.fromtimestamp(max(p.stat().st_mtime for p in results), UTC).isoformat(
                timespec="seconds"
            ),
        },
    )
    programs[0]["softwareRequirements"] = programs[1:]
    write_json(output, crate.metadata.generate())


def _names(inputs: Sequence[Path]) -> dict[Path, str]:
    """Names of the copies: those of the files, with the name of the folder before it where two files have the same."""
    names: dict[Path, str] = {}
    for path in dict.fromkeys(inputs):
        name, folders = path.name, list(path.resolve().parent.parts)
        while name in (*names.values(), COMMAND_LINE):
            name = f"{folders.pop()}_{name}" if len(folders) > 1 else f"_{name}"
        names[path] = name
    return names


def _properties(path: Path) -> dict:
    size = path.stat().st_size
    kind = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    found = {"name": path.name, "contentSize": str(size), "encodingFormat": kind}
    if size <= LARGEST_HASHED:
        found["sha256"] = file_sha256(path)
    return found
