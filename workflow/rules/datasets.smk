"""Datasets, one per suite and task, and the pool of each suite."""


rule dataset:
    input:
        lambda wildcards: plan.policy_files(settings, wildcards.task),
        references=str(paths.references(settings, "{task}")),
    output:
        str(paths.dataset(settings, "{suite}", "{task}")),
    log:
        plan.log(settings, "dataset", "{suite}", "{task}"),
    benchmark:
        plan.benchmark(settings, "dataset", "{suite}", "{task}")
    conda:
        "../envs/cds-bench.yaml"
    threads: 1
    params:
        config=lambda wildcards: configuration.part(
            settings, "behaviour", "datasets.bands", f"suites.{wildcards.suite}"
        ),
        code=lambda wildcards: fingerprint(
            "cds_bench.dataset.collect",
            *plan.behaviours(plan.domain_of(wildcards.suite)),
        ),
    message:
        "Collecting {wildcards.suite}/{wildcards.task}"
    shell:
        "cds-bench dataset --suite {wildcards.suite} --task {wildcards.task} "
        "--config {params.config:q} > {log} 2>&1"


rule pool:
    input:
        lambda wildcards: plan.suite_datasets(settings, wildcards.suite),
    output:
        pool=str(paths.pool(settings, "{suite}")),
        manifest=str(paths.manifest(settings, "{suite}")),
    log:
        plan.log(settings, "pool", "{suite}"),
    benchmark:
        plan.benchmark(settings, "pool", "{suite}")
    conda:
        "../envs/cds-bench.yaml"
    threads: 1
    params:
        config=lambda wildcards: configuration.part(
            settings, f"suites.{wildcards.suite}"
        ),
        code=lambda wildcards: fingerprint(
            "cds_bench.dataset.manifest",
            "cds_bench.dataset.relabel",
            *plan.world(plan.domain_of(wildcards.suite))[:1],
        ),
    message:
        "Checking and relabelling the datasets of {wildcards.suite}"
    shell:
        "cds-bench pool --suite {wildcards.suite} --config {params.config:q} > {log} 2>&1"
