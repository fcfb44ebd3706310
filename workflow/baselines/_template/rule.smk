"""A template. Copy the folder, replace TEMPLATE by its new name, and fill in run.py."""


rule TEMPLATE:
    input:
        jobs.all_datasets(settings),
        jobs.all_references(settings),
        job=str(paths.baseline_job(settings, "TEMPLATE")),
        program="workflow/baselines/TEMPLATE/run.py",
    output:
        str(paths.baseline_scores(settings, "TEMPLATE")),
    log:
        jobs.log(settings, "TEMPLATE"),
    benchmark:
        jobs.benchmark(settings, "TEMPLATE")
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,  # minutes; how a cluster is asked for them
    message:
        "Running TEMPLATE"
    shell:
        "python {input.program:q} {input.job:q} {output:q} > {log:q} 2>&1"
