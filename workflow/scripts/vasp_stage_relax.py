from adapter import job

with job(snakemake):
    from dlmd.labels.vasp import jobs

    jobs.stage_relax(
        snakemake.input.structure,
        job=snakemake.output.job,
        engine=snakemake.params.engine,
        level=snakemake.wildcards.level,
        cell=snakemake.wildcards.cell,
        source=snakemake.params.source,
    )
