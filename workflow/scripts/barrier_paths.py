from adapter import job

with job(snakemake):
    from dlmd.jobs import barriers

    barriers.paths(
        list(snakemake.input.relaxed),
        result=snakemake.output.paths,
        cif=snakemake.input.cif,
        **{k: snakemake.params[k] for k in ("hop", "cells", "charges", "mobile", "seed")},
    )
