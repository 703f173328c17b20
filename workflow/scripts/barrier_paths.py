from adapter import job

with job(snakemake):
    from dlmd.barriers import jobs

    jobs.paths(
        list(snakemake.input.relaxed),
        result=snakemake.output.paths,
        cif=snakemake.input.cif,
        **{k: snakemake.params[k] for k in ("hop", "cells", "charges", "mobile", "seed")},
    )
