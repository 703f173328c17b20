from adapter import job

with job(snakemake):
    from dlmd.transport import jobs

    jobs.arrhenius(
        list(snakemake.input.results),
        reference=str(snakemake.input.reference) if snakemake.input.reference else None,
        result=snakemake.output.result,
        table=snakemake.output.table,
        figures=list(snakemake.output.figure),
        predict_k=snakemake.params.predict_k,
        confidence=snakemake.params.confidence,
    )
