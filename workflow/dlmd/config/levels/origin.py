"""Keys of every level that say where its potential comes from; they decide no label."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Origin(BaseModel):
    """Where the potential of a level begins: from nothing, from another level, or with one that is there."""

    start_from: str | None = Field(
        None,
        description="Another level, best a pretrained one: it relaxes, runs the label trajectories and is explored with, and its "
        "potential is fine-tuned on few single points of this level. It has no production of its own. null: this level does all "
        "itself.",
    )
    potential: str | None = Field(
        None,
        description="File of a potential of this level (frozen DeePMD model, .pb): nothing is labelled or trained. Its held-out "
        "errors are those on labels.frames, where there are any; null: a potential is trained.",
    )
